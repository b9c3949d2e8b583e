import { type CountedRatio, type Figure, type Plugin, type Run, readLater } from '@espalier/core';
import type { Plugins } from './plugins.js';
import type { PreparedStage } from './prepare.js';

/** All plugins of a recipe, each once. */
function pluginsOf(plugins: Plugins, stages: readonly PreparedStage[]): Plugin[] {
  const all = new Set<Plugin>(plugins.shared.values());
  for (const { plugin, schedules } of stages) {
    if (plugin !== undefined) all.add(plugin);
    for (const schedule of schedules) all.add(schedule.plugin);
  }
  return [...all];
}

/** The pictures of all plugins of a recipe. */
export function figuresOf(plugins: Plugins, stages: readonly PreparedStage[]): Figure[] {
  return pluginsOf(plugins, stages).flatMap((plugin) => plugin.figures?.() ?? []);
}

/** The ratios of all plugins of a recipe, of a run as it is now. */
export async function paperRatiosOf(
  plugins: Plugins,
  stages: readonly PreparedStage[],
  run: Run,
): Promise<Record<string, CountedRatio>> {
  const ratios = pluginsOf(plugins, stages).map((plugin) => plugin.paperRatios?.(run, readLater));
  return Object.assign({}, ...(await Promise.all(ratios)));
}
