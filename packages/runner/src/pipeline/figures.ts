import type { Plugin, Run } from '@espalier/core';
import type { FigureReport, Report } from '@espalier/report';
import type { Plugins } from './plugins.js';
import type { PreparedStage } from './prepare.js';

/** A plugin that has something to say in the report. */
interface Reporting {
  /** Pictures of its work. */
  figures?(): readonly FigureReport[];
  /** Ratios as its paper counts them, by name. */
  paperRatios?(run: Run): Report['paperRatios'];
}

/** All plugins of a recipe, each once. */
function reporting(plugins: Plugins, stages: readonly PreparedStage[]): Reporting[] {
  const all = new Set<Plugin>(plugins.shared.values());
  for (const { plugin, schedules } of stages) {
    if (plugin !== undefined) all.add(plugin);
    for (const schedule of schedules) all.add(schedule.plugin);
  }
  return [...all] as Reporting[];
}

/** The pictures of all plugins of a recipe. */
export function figuresOf(plugins: Plugins, stages: readonly PreparedStage[]): FigureReport[] {
  return reporting(plugins, stages).flatMap((plugin) => [...(plugin.figures?.() ?? [])]);
}

/** The ratios of all plugins of a recipe, of a run as it is now. */
export function paperRatiosOf(
  plugins: Plugins,
  stages: readonly PreparedStage[],
  run: Run,
): Report['paperRatios'] {
  return Object.assign({}, ...reporting(plugins, stages).map((plugin) => plugin.paperRatios?.(run) ?? {}));
}
