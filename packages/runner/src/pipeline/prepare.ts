import { createHash } from 'node:crypto';
import {
  isPruner,
  isQuantizer,
  isTransform,
  type Plugin,
  type Run,
  type Schedule,
  timing,
} from '@espalier/core';
import type { Source } from '@espalier/yaml';
import type { LoadedRecipe } from '../recipe/load.js';
import { located } from '../recipe/located.js';
import { isTrainStage, type PluginUse, type Recipe, type Stage } from '../recipe/schema.js';
import type { Plugins } from './plugins.js';

/** A stage with its plugins made. */
export interface PreparedStage {
  readonly stage: Stage;
  /** Of a stage that trains. */
  readonly schedules: readonly Schedule[];
  /** Of a stage that applies one plugin. */
  readonly plugin?: Plugin;
}

/** Makes all plugins of all stages, so that what is wrong with one is said before anything runs. */
export async function prepareStages(
  { recipe, source }: LoadedRecipe,
  plugins: Plugins,
): Promise<PreparedStage[]> {
  const prepared: PreparedStage[] = [];
  for (const [index, stage] of recipe.stages.entries()) {
    const at = ['stages', index];
    const schedules: Schedule[] = [];
    if (!isTrainStage(stage)) {
      const use = stage as PluginUse;
      prepared.push({
        stage,
        schedules,
        plugin: await located(source, [...at, key(use)], () => plugins.get(use)),
      });
      continue;
    }
    for (const [i, { use, options, plugin, ...binding }] of (stage.schedules ?? []).entries()) {
      const wanted = { use, options, plugin } as PluginUse;
      const made = await located(source, [...at, 'schedules', i, key(wanted)], () => plugins.get(wanted));
      // A plugin that stages share goes on with its own masks; any other has masks of its own.
      const owner = plugin ?? `${stage.name}/${i}:${made.name}`;
      schedules.push({ plugin: made, owner, ...binding } as Schedule);
    }
    prepared.push({ stage, schedules });
  }
  return prepared;
}

const key = ({ use }: PluginUse): string => (use === undefined ? 'plugin' : 'use');

/** Resolves names and times of all stages up to the first that changes the model's shape. */
export async function checkStages(
  source: Source,
  stages: readonly PreparedStage[],
  run: Run,
  stepsPerEpoch: (stage: number) => number,
): Promise<void> {
  for (const [index, { stage, schedules, plugin }] of stages.entries()) {
    if (plugin !== undefined && isTransform(plugin)) return;
    const at = ['stages', index];
    if (!isTrainStage(stage)) {
      await located(source, [...at, 'parameters'], () => {
        const of = run.select((stage as PluginUse).parameters);
        plugin?.check?.(run, of);
      });
      continue;
    }
    for (const [i, schedule] of schedules.entries()) {
      await located(source, [...at, 'schedules', i, 'parameters'], () => {
        const of = run.select(schedule.parameters);
        schedule.plugin.check?.(run, of);
      });
      await located(source, [...at, 'schedules', i], () =>
        timing(schedule, stage.epochs, stepsPerEpoch(index)),
      );
    }
    for (const [i, { parameters }] of (stage.rateFactors ?? []).entries()) {
      await located(source, [...at, 'rateFactors', i, 'parameters'], () => run.select(parameters));
    }
  }
}

/** The stage after which the model is the dense one; -1 for the model as it came. */
export function baselineStage(recipe: Recipe, stages: readonly PreparedStage[]): number {
  if (recipe.baseline !== undefined) return recipe.stages.findIndex(({ name }) => name === recipe.baseline);
  const [first] = stages;
  const shrinks = first.schedules.some(({ plugin }) => isPruner(plugin) || isQuantizer(plugin));
  return first.plugin !== undefined || shrinks ? -1 : 0;
}

/** A word for what makes two runs the same: the recipe, functions by their text. */
export function fingerprintOf(recipe: Recipe): string {
  const text = JSON.stringify(recipe, (_, value: unknown) =>
    typeof value === 'function' ? String(value) : value,
  );
  return createHash('sha256').update(text).digest('hex');
}
