import {
  createTrainer,
  EspalierError,
  evaluate,
  isPruner,
  isQuantizer,
  isTransform,
  type OptimizerFactories,
  type PluginState,
  type Run,
  readLater,
  type TrainOptions,
} from '@espalier/core';
import type { PluginUse, Recipe, TrainStage } from '../recipe/schema.js';
import type { PreparedData } from './data.js';
import type { Listener } from './listener.js';
import type { PreparedStage } from './prepare.js';
import { learningRateOf } from './rates.js';
import type { MetricLine, StageRecord } from './records.js';

/** What a stage works with. */
export interface Bench {
  readonly recipe: Recipe;
  readonly run: Run;
  readonly data: PreparedData;
  readonly optimizers: OptimizerFactories | undefined;
  readonly listener: Listener;
  readonly signal: AbortSignal | undefined;
}

/** Trains for a stage's epochs, from where `state` left off. `after` is called when an epoch is done. */
export async function trainFor(
  { recipe, run, data, optimizers, listener, signal }: Bench,
  index: number,
  { stage, schedules }: PreparedStage,
  state: PluginState | undefined,
  after: (line: MetricLine, trainer: PluginState) => Promise<void>,
): Promise<void> {
  const { name, epochs, optimizer, keepBest, earlyStopping, rateFactors } = stage as TrainStage;
  const options: TrainOptions = {
    data: data.training(index),
    validation: data.validation,
    epochs,
    schedules,
    learningRate: learningRateOf(stage as TrainStage),
    ...(recipe.loss && { loss: recipe.loss }),
    ...(optimizer && {
      optimizer: (typeof optimizer === 'string' ? { name: optimizer } : optimizer) as never,
    }),
    ...(optimizers && { optimizers }),
    ...(rateFactors && { rateFactors }),
    ...(earlyStopping && { earlyStopping: earlyStopping as NonNullable<TrainOptions['earlyStopping']> }),
    ...(keepBest && { keepBest: (keepBest === true ? {} : keepBest) as { from?: number } }),
    ...(signal && { signal }),
    onStep: (at) => listener.step({ ...at, epochs }),
  };
  const trainer = await createTrainer(run, options);
  try {
    if (state !== undefined) trainer.load(state);
    while (!trainer.done) {
      const metrics = await trainer.nextEpoch();
      listener.epoch(metrics, epochs);
      await after({ stage: name, ...metrics }, await trainer.save());
    }
    await trainer.finish();
  } catch (error) {
    trainer.dispose();
    throw error;
  }
}

/** Applies a stage's plugin once, as what it is. */
export async function applyOnce(
  run: Run,
  { stage, plugin }: PreparedStage,
  listener: Listener,
): Promise<StageRecord['kind']> {
  const { parameters } = stage as PluginUse;
  if (plugin === undefined) throw new EspalierError('bad-recipe', `Stage '${stage.name}' has no plugin.`);
  await plugin.start?.(
    run,
    isTransform(plugin) && parameters === undefined ? run.parameters : run.select(parameters),
    readLater,
  );
  if (isTransform(plugin)) {
    const transformed = await plugin.apply(run.model, run);
    if (!Array.isArray(transformed?.model?.layers)) {
      throw new EspalierError('bad-plugin', `Stage '${stage.name}': ${plugin.name} gave no model.`, {
        remedy: 'Its apply has to return { model }, a tf.LayersModel.',
      });
    }
    for (const note of transformed.notes ?? []) listener.info(note);
    run.replaceModel(transformed);
    return 'transform';
  }
  if (isQuantizer(plugin)) {
    await run.quantize(plugin, parameters);
    return 'quantize';
  }
  if (isPruner(plugin)) {
    await run.prune(plugin, parameters);
    return 'prune';
  }
  throw new EspalierError('bad-recipe', `Stage '${stage.name}': ${plugin.name} only acts while training.`, {
    remedy: "Give the stage epochs and put the plugin under 'schedules'.",
  });
}

/** Accuracy on the validation split, for the record of a stage that does not train. */
export async function validate({ recipe, run, data }: Bench): Promise<number> {
  const { accuracy } = await evaluate(run.model, data.validation, recipe.loss ? { loss: recipe.loss } : {});
  return accuracy;
}
