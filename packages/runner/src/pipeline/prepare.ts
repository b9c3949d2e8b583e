import { createHash } from 'node:crypto';
import {
  type Data,
  hash,
  isPruner,
  isQuantizer,
  isTransform,
  type Plugin,
  type Run,
  type Schedule,
  timing,
} from '@espalier/core';
import { batches, type Dataset, loadDataset, type Split } from '@espalier/datasets';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { LoadedRecipe } from '../recipe/load.js';
import { located } from '../recipe/located.js';
import { isTrainStage, type PluginUse, type Recipe, type Stage } from '../recipe/schema.js';
import type { Source } from '../recipe/source.js';
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
      await located(source, [...at, 'parameters'], () => run.select((stage as PluginUse).parameters));
      continue;
    }
    for (const [i, schedule] of schedules.entries()) {
      await located(source, [...at, 'schedules', i, 'parameters'], () => run.select(schedule.parameters));
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

/** The data of a recipe, cut into batches as each stage wants them. */
export interface PreparedData {
  readonly dataset: Dataset;
  training(stage: number): Data;
  readonly validation: Data;
  readonly test: Data;
}

const evaluationBatch = 1000;

export async function prepareDataset(
  { data, seed = 0 }: Recipe,
  log: (line: string) => void,
): Promise<Dataset> {
  const { name, validation = 0.1, dir } = data;
  return loadDataset(name, { validation, seed, log, ...(dir !== undefined && { dir }) });
}

export function prepareData(recipe: Recipe, dataset: Dataset, model: LayersModel): PreparedData {
  const { data, seed = 0, stages } = recipe;
  const shape = model.inputs[0].shape.slice(1) as number[];
  const common = { ...(data.scale && { scale: data.scale }), shape };
  const whole = (split: Split): Data => batches(split, { ...common, batchSize: evaluationBatch });
  return {
    dataset,
    training(index) {
      const stage = stages[index];
      const batchSize = (isTrainStage(stage) ? stage.batchSize : undefined) ?? data.batchSize ?? 128;
      const shuffle = hash(seed, index) & 0x7fffffff;
      return batches(dataset.train, {
        ...common,
        batchSize,
        shuffle,
        ...(data.augment && { augment: data.augment }),
      });
    },
    validation: whole(dataset.validation),
    test: whole(dataset.test),
  };
}
