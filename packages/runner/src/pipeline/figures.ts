import type { Plugin } from '@espalier/core';
import type { FigureReport } from '@espalier/report';
import type { Plugins } from './plugins.js';
import type { PreparedStage } from './prepare.js';

/** A plugin that makes pictures of its work for the report. */
interface Illustrated {
  figures?(): readonly FigureReport[];
}

/** The pictures of all plugins of a recipe, each plugin once. */
export function figuresOf(plugins: Plugins, stages: readonly PreparedStage[]): FigureReport[] {
  const all = new Set<Plugin>(plugins.shared.values());
  for (const { plugin, schedules } of stages) {
    if (plugin !== undefined) all.add(plugin);
    for (const schedule of schedules) all.add(schedule.plugin);
  }
  return [...all].flatMap((plugin) => (plugin as Illustrated).figures?.() ?? []);
}
