import {
  createTrainer,
  type EpochMetrics,
  EspalierError,
  evaluate,
  isQuantizer,
  isTransform,
  type OptimizerFactories,
  type PluginState,
  type Run,
  readLater,
  type StepRecorder,
  type TrainOptions,
  type TransformSession,
} from '@espalier/core';
import { isTrainStage, type PluginUse, type Recipe, type TrainStage } from '../recipe/schema.js';
import type { PreparedData } from './data.js';
import { type Listener, silent } from './listener.js';
import { evaluating, type Measures, scoreOf, shownAs } from './measures.js';
import type { Memory } from './memory.js';
import type { PreparedStage } from './prepare.js';
import { learningRateOf } from './rates.js';
import type { MetricLine, StageRecord } from './records.js';

/** What a stage works with. */
export interface Bench {
  readonly recipe: Recipe;
  readonly run: Run;
  /** What the plugins of the stages before have learned. */
  readonly memory: Memory;
  readonly data: PreparedData;
  readonly measures: Measures;
  readonly optimizers: OptimizerFactories | undefined;
  readonly recorder: StepRecorder | undefined;
  readonly listener: Listener;
  readonly signal: AbortSignal | undefined;
  /** The model as it is, as the recipe wants it packed. */
  readonly pack: (listener: Listener) => Promise<Uint8Array>;
}

/** Trains for a stage's epochs, from where `state` left off. `after` is called when an epoch is done, with what saves the trainer. */
export async function trainFor(
  { recipe, run, memory, data, measures, optimizers, recorder, listener, signal, pack }: Bench,
  index: number,
  { stage, schedules }: PreparedStage,
  state: PluginState | undefined,
  after: (line: MetricLine, save: () => Promise<PluginState>) => Promise<void>,
): Promise<void> {
  const { name, epochs, optimizer, keepBest, earlyStopping, rateFactors, freeze, continueSlots } =
    stage as TrainStage;
  const { size: aim } = recipe.encode ?? {};
  const options: TrainOptions = {
    data: data.training(index),
    validation: data.validation,
    epochs,
    schedules: schedules.map(({ shared, ...schedule }) => {
      const known = shared ? memory.stateOf(schedule.owner) : undefined;
      return { ...schedule, ...(known && { state: known }) };
    }),
    learningRate: learningRateOf(stage as TrainStage, measures),
    ...evaluating(measures),
    ...(measures.goal && { goal: measures.goal }),
    ...(optimizer && {
      optimizer: (typeof optimizer === 'string' ? { name: optimizer } : optimizer) as never,
    }),
    ...(optimizers && { optimizers }),
    ...(recorder && {
      recorder,
      onUnrecorded: (why: string) => listener.info(`steps of "${name}" are not replayed: ${why}`),
    }),
    ...(rateFactors && { rateFactors }),
    ...(freeze && { freeze }),
    ...(earlyStopping && { earlyStopping: earlyStopping as NonNullable<TrainOptions['earlyStopping']> }),
    ...(keepBest && { keepBest: (keepBest === true ? {} : keepBest) as { from?: number } }),
    ...(continueSlots && { continueSlots }),
    ...(goesOn(recipe, index) && { keepSlots: true }),
    ...(aim !== undefined && { size: { aim, of: async () => (await pack(silent)).length } }),
    ...(signal && { signal }),
    onStep: (at) => listener.step({ ...at, epochs }),
  };
  const trainer = await createTrainer(run, options, state);
  try {
    while (!trainer.done) {
      const metrics = meaningful(measures, await trainer.nextEpoch());
      listener.epoch(metrics, epochs, measures.goal && { ...measures.goal, ...shownAs(measures) });
      await after({ stage: name, ...metrics }, () => trainer.save());
    }
    for (const [i, running] of trainer.running.entries()) await memory.keep(running, schedules[i].shared);
    await trainer.finish();
  } catch (error) {
    trainer.dispose();
    throw error;
  }
}

/** Whether the next stage that trains continues with the slots of this one's optimizer. */
function goesOn({ stages }: Recipe, index: number): boolean {
  const next = stages.slice(index + 1).find(isTrainStage);
  return next?.continueSlots === true;
}

/** Applies a stage's plugin once, as what it is. */
export async function applyOnce(
  { run, listener, memory }: Pick<Bench, 'run' | 'listener' | 'memory'>,
  { stage, once }: PreparedStage,
): Promise<StageRecord['kind']> {
  const { plugin, owner, shared } = once!;
  const transforms = isTransform(plugin);
  const { parameters = transforms ? '**' : undefined } = stage as PluginUse;
  const state = shared ? memory.stateOf(owner) : undefined;
  const running = await run.start(plugin, {
    owner,
    ...(parameters !== undefined && { parameters }),
    ...(state && { state }),
  });
  try {
    if (!transforms) await running.fire(undefined, readLater);
    else await transform(run, stage.name, running.session as TransformSession, listener);
    await memory.keep(running, shared);
  } finally {
    running.dispose();
  }
  if (transforms) return 'transform';
  return isQuantizer(plugin) ? 'quantize' : 'prune';
}

async function transform(
  run: Run,
  stage: string,
  session: TransformSession,
  listener: Listener,
): Promise<void> {
  const transformed = await session.apply(run.model);
  if (!Array.isArray(transformed?.model?.layers)) {
    throw new EspalierError('bad-plugin', `Stage '${stage}' gave no model.`, {
      remedy: 'The apply of its plugin has to return { model }, a tf.LayersModel.',
    });
  }
  for (const note of transformed.notes ?? []) listener.info(note);
  await run.replaceModel(transformed);
}

/** An epoch's metrics without an accuracy that means nothing. */
function meaningful({ accuracy }: Measures, metrics: EpochMetrics): EpochMetrics {
  if (accuracy === 'all') return metrics;
  const { validationAccuracy: _, ...rest } = metrics;
  const some = metrics.validationMetrics?.accuracy;
  return { ...rest, ...(some !== undefined && { validationAccuracy: some }) };
}

/** What is measured on the validation split after a stage. */
export async function validate({
  run,
  data,
  measures,
}: Bench): Promise<Pick<StageRecord, 'validationAccuracy' | 'validationLoss' | 'validationMetrics'>> {
  const evaluation = await evaluate(run.model, data.validation, evaluating(measures));
  const { accuracy, loss, metrics } = scoreOf(measures, evaluation);
  return {
    ...(accuracy !== undefined && { validationAccuracy: accuracy }),
    ...((metrics || measures.goal) && { validationLoss: loss }),
    ...(metrics && { validationMetrics: metrics }),
  };
}
