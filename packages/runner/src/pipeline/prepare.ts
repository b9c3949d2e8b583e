import { createHash } from 'node:crypto';
import {
  type Data,
  EspalierError,
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
export async function prepareStages(recipe: Recipe, plugins: Plugins): Promise<PreparedStage[]> {
  const prepared: PreparedStage[] = [];
  for (const stage of recipe.stages) {
    if (!isTrainStage(stage)) {
      prepared.push({ stage, schedules: [], plugin: await plugins.get(stage as PluginUse) });
      continue;
    }
    const schedules: Schedule[] = [];
    for (const [i, { use, options, plugin, ...binding }] of (stage.schedules ?? []).entries()) {
      const made = await plugins.get({ use, options, plugin } as PluginUse);
      // A plugin that stages share goes on with its own masks; any other has masks of its own.
      const owner = plugin ?? `${stage.name}/${i}:${made.name}`;
      schedules.push({ plugin: made, owner, ...binding } as Schedule);
    }
    prepared.push({ stage, schedules });
  }
  return prepared;
}

/** Resolves names and times of all stages up to the first that changes the model's shape. */
export function checkStages(
  stages: readonly PreparedStage[],
  run: Run,
  stepsPerEpoch: (stage: Stage) => number,
): void {
  for (const { stage, schedules, plugin } of stages) {
    if (plugin !== undefined && isTransform(plugin)) return;
    try {
      if (!isTrainStage(stage)) {
        run.select((stage as PluginUse).parameters);
        continue;
      }
      for (const schedule of schedules) {
        run.select(schedule.parameters);
        timing(schedule, stage.epochs, stepsPerEpoch(stage));
      }
      for (const { parameters } of stage.rateFactors ?? []) run.select(parameters);
    } catch (cause) {
      if (!(cause instanceof EspalierError)) throw cause;
      throw new EspalierError(cause.code, `Stage '${stage.name}': ${cause.message}`, { cause });
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
