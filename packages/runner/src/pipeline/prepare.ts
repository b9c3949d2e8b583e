import { createHash } from 'node:crypto';
import {
  EspalierError,
  frozenParameters,
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

/** A plugin with the name that its masks and its memory go by. */
export interface Use {
  readonly plugin: Plugin;
  readonly owner: string;
  /** Whether other stages go on with what it knows. */
  readonly shared: boolean;
}

/** A stage with its plugins made. */
export interface PreparedStage {
  readonly stage: Stage;
  /** Of a stage that trains. */
  readonly schedules: readonly (Schedule & Use)[];
  /** Of a stage that applies one plugin. Of a prior it is the quantizer. */
  readonly once?: Use;
}

/** Makes all plugins of all stages, so that what is wrong with one is said before anything runs. */
export async function prepareStages(
  { recipe, source }: LoadedRecipe,
  plugins: Plugins,
): Promise<PreparedStage[]> {
  const prepared: PreparedStage[] = [];
  for (const [index, stage] of recipe.stages.entries()) {
    const at = ['stages', index];
    const schedules: (Schedule & Use)[] = [];
    if (!isTrainStage(stage)) {
      const use = stage as PluginUse;
      const made = await located(source, [...at, key(use)], async () =>
        acting(stage, await plugins.get(use)),
      );
      const owner = use.plugin ?? `${stage.name}:${made.name}`;
      prepared.push({ stage, schedules, once: { plugin: made, owner, shared: use.plugin !== undefined } });
      continue;
    }
    for (const [i, { use, options, plugin, ...binding }] of (stage.schedules ?? []).entries()) {
      const wanted = { use, options, plugin } as PluginUse;
      const made = await located(source, [...at, 'schedules', i, key(wanted)], () => plugins.get(wanted));
      schedules.push({
        ...(binding as Omit<Schedule, 'plugin'>),
        plugin: made,
        owner: ownerOf(schedules, plugin) ?? `${stage.name}/${i}:${made.name}`,
        shared: plugin !== undefined,
      });
    }
    prepared.push({ stage, schedules });
  }
  await located(source, ['encode', 'size'], () => checkSteered(recipe, prepared));
  return prepared;
}

/** @throws EspalierError `bad-recipe` for a size that nothing steers to */
function checkSteered({ encode: { size } = {} }: Recipe, stages: readonly PreparedStage[]): void {
  if (size === undefined || stages.some(({ schedules }) => schedules.some(({ plugin }) => plugin.steers)))
    return;
  throw new EspalierError('bad-recipe', `Nothing in this recipe steers the file to ${size} bytes.`, {
    remedy:
      "Train with '@espalier/rate#ratePrior' on '**', whose weight is no size of its own; or pack a model to a size: " +
      'espalier compress --size.',
  });
}

/** What of a plugin acts in a stage of its own. @throws EspalierError `bad-recipe` when it only acts in training */
function acting(stage: Stage, plugin: Plugin): Plugin {
  if (plugin.quantizer !== undefined) return plugin.quantizer;
  if (isTransform(plugin) || isQuantizer(plugin) || isPruner(plugin)) return plugin;
  throw new EspalierError('bad-recipe', `Stage '${stage.name}': ${plugin.name} only acts while training.`, {
    remedy: "Give the stage epochs and put the plugin under 'schedules'.",
  });
}

/**
 * The name of a plugin that stages share: in each stage its first use goes on with what the first one of the stage
 * before knew and masked, its second with the second.
 */
function ownerOf(before: readonly Use[], id: string | undefined): string | undefined {
  if (id === undefined) return undefined;
  const uses = before.filter(({ owner }) => owner === id || owner.startsWith(`${id}#`)).length;
  return uses === 0 ? id : `${id}#${uses + 1}`;
}

const key = ({ use }: PluginUse): string => (use === undefined ? 'plugin' : 'use');

/** Finds the plugin that was last known by an owner's name. */
export function pluginsByOwner(stages: readonly PreparedStage[]): (owner: string) => Plugin | undefined {
  const uses = stages.flatMap(({ schedules, once }) => [...schedules, ...(once ? [once] : [])]);
  const byOwner = new Map(uses.map(({ owner, plugin }) => [owner, plugin]));
  return (owner) => byOwner.get(owner);
}

/** Resolves names and times of all stages up to the first that changes the model's shape. */
export async function checkStages(
  source: Source,
  stages: readonly PreparedStage[],
  run: Run,
  stepsPerEpoch: (stage: number) => number,
): Promise<void> {
  for (const [index, { stage, schedules, once }] of stages.entries()) {
    if (once !== undefined && isTransform(once.plugin)) return;
    const at = ['stages', index];
    if (!isTrainStage(stage)) {
      await located(source, [...at, 'parameters'], () => {
        const of = run.select((stage as PluginUse).parameters);
        once?.plugin.check?.(run, of);
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
    const { freeze } = stage;
    if (freeze !== undefined) {
      await located(source, [...at, 'freeze'], () => frozenParameters(run.parameters, freeze));
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
  return first.once !== undefined || shrinks ? -1 : 0;
}

/** A word for what makes two runs the same: the recipe, functions by their text, and the data, where they are known. */
export function fingerprintOf(recipe: Recipe, data: string | undefined): string {
  const text = JSON.stringify(recipe, (_, value: unknown) =>
    typeof value === 'function' ? String(value) : value,
  );
  return createHash('sha256')
    .update(text)
    .update(data ?? '')
    .digest('hex');
}
