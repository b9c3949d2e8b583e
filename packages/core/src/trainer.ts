import { unknownName } from './errors.js';
import { Bindings } from './internal/bindings.js';
import { type Bound, endAll, plan, startAll } from './internal/bound.js';
import { checkTrainOptions } from './internal/check-options.js';
import { letDropoutBeReplayed } from './internal/drawn-dropout.js';
import { endEpoch } from './internal/end-epoch.js';
import { type EpochParts, takeEpoch } from './internal/epoch.js';
import { Looks } from './internal/looks.js';
import { measured } from './internal/measured.js';
import { Replaying } from './internal/replaying.js';
import { Best, shouldStop } from './internal/stopping.js';
import { loadTrainer, saveTrainer, statesIn } from './internal/trainer-state.js';
import { rateAt } from './learning-rate.js';
import { type ResolvedLosses, resolveLosses } from './losses.js';
import { resolveMetrics } from './metric.js';
import { type EpochMetrics, flatMetrics } from './metrics.js';
import type { Moment } from './moment.js';
import type { Optimizer } from './optimizer.js';
import { jsOptimizers } from './optimizers-js.js';
import type { RunState } from './run-state.js';
import type { Running } from './running.js';
import { dropoutSeeder } from './seeding.js';
import type { PluginState, RegularizerSession } from './session.js';
import type { TrainOptions } from './train-options.js';

/**
 * One training stage over a run: batch → loss + penalties → gradients → optimizer step → masks and shared
 * values. Made by `createTrainer`; `train` runs a whole stage.
 */
export class Trainer {
  readonly history: EpochMetrics[] = [];
  readonly #run: RunState;
  readonly #options: TrainOptions;
  readonly #loss: ResolvedLosses;
  readonly #bound: readonly Bound[];
  readonly #bindings: Bindings;
  readonly #replaying: Replaying;
  readonly #looks: Looks | undefined;
  readonly #best: Best;
  readonly #seedDropout: (step: number) => void;
  readonly #restoreDropout: (() => void) | undefined;
  #rate = 0;
  #stopped = false;

  /** @internal Use `createTrainer`. */
  constructor(
    run: RunState,
    options: TrainOptions,
    parts: { loss: ResolvedLosses; bound: readonly Bound[]; optimizer: Optimizer },
  ) {
    this.#run = run;
    this.#options = options;
    this.#loss = parts.loss;
    this.#bound = parts.bound;
    this.#best = new Best(options);
    this.#seedDropout = dropoutSeeder(run.model, run.seed);
    if (options.recorder) this.#restoreDropout = letDropoutBeReplayed(run.model);
    const extra = parts.bound.flatMap(({ running }) => [
      ...(running.as<RegularizerSession>('regularizer')?.trainables?.() ?? []),
    ]);
    this.#bindings = new Bindings(run, parts.optimizer, extra, options);
    this.#looks = options.recorder && new Looks(options.recorder);
    this.#replaying = new Replaying(options.recorder, options.onUnrecorded);
  }

  get epoch(): number {
    return this.history.length;
  }

  get done(): boolean {
    return this.#stopped || this.epoch >= this.#options.epochs;
  }

  /** The plugins at work, in the order of the schedules. Those that the trainer has started end with it. */
  get running(): readonly Running[] {
    return this.#bound.map(({ running }) => running);
  }

  /** A step's moment as the stage counts. */
  #moment(step: number): Moment {
    const { epochs, data } = this.#options;
    const { stepsPerEpoch } = data;
    const epoch = Math.floor(step / stepsPerEpoch);
    return {
      epoch,
      step,
      stepsPerEpoch,
      start: 0,
      end: epochs,
      every: 1,
      index: step,
      count: epochs * stepsPerEpoch,
    };
  }

  #parts(): EpochParts {
    return {
      run: this.#run,
      model: this.#run.model,
      options: this.#options,
      loss: this.#loss,
      bound: this.#bound,
      bindings: this.#bindings,
      replaying: this.#replaying,
      momentOf: (step) => this.#moment(step),
      prepare: (step) => {
        const { learningRate = 0.001, epochs, data } = this.#options;
        this.#rate = rateAt(learningRate, {
          epoch: step / data.stepsPerEpoch,
          epochs,
          history: this.history,
        });
        this.#bindings.setRate(this.#rate);
        this.#seedDropout(step);
      },
    };
  }

  /**
   * Trains for one epoch and validates.
   *
   * @throws EspalierError `aborted` (signal), `not-finite` (loss is NaN or infinite)
   */
  async nextEpoch(): Promise<EpochMetrics> {
    const { data, metrics: wanted, onEpoch } = this.#options;
    const { epoch } = this;
    const began = performance.now();
    const { sums, wait } = await takeEpoch(this.#parts(), epoch);
    const last = this.#moment((epoch + 1) * data.stepsPerEpoch - 1);
    const ended = await endEpoch(this.#run, this.#bound, this.#bindings.all, last, sums);
    const { held, bytes } = await measured(this.#run, this.#bound, epoch, this.#options, this.#looks);
    const parameters = this.#run.parameters.reduce((sum, { size }) => sum + size, 0);
    const metrics: EpochMetrics = {
      epoch,
      loss: ended.loss / data.stepsPerEpoch,
      penalty: ended.penalty / data.stepsPerEpoch,
      learningRate: this.#rate,
      ...(held && { validationLoss: held.loss, validationAccuracy: held.accuracy }),
      ...(held && wanted && { validationMetrics: flatMetrics(held) }),
      sparsity: 1 - ended.nonzero / parameters,
      ...(bytes !== undefined && { bytes }),
      seconds: (performance.now() - began) / 1000,
      wait,
    };
    this.history.push(metrics);
    await this.#best.see(metrics, this.#run);
    this.#stopped = shouldStop(this.history, this.#options.earlyStopping, this.#options);
    await onEpoch?.(metrics);
    return metrics;
  }

  /**
   * Everything but the run's own state that is needed to go on bit for bit: `createTrainer` takes it. Of plugins that
   * came started, who started them keeps the state.
   */
  async save(): Promise<PluginState> {
    return saveTrainer({
      history: this.history,
      best: this.#best,
      bound: this.#bound,
      optimizer: await this.#bindings.optimizer.state(),
      names: this.#bindings.names(),
    });
  }

  /** @internal Goes on from a saved state, before the first epoch. @throws EspalierError `bad-state` */
  restore(state: PluginState): void {
    const { history, optimizer } = loadTrainer(state, { best: this.#best, names: this.#bindings.names() });
    this.history.push(...history);
    this.#bindings.optimizer.restore(optimizer);
    this.#stopped = shouldStop(this.history, this.#options.earlyStopping, this.#options);
  }

  /** @internal @throws EspalierError `invalid-schedule` */
  continueSlots(): void {
    this.#bindings.continueSlots();
  }

  /** Ends the stage: the best epoch's weights if asked for. */
  async finish(): Promise<void> {
    const slots = this.#options.keepSlots ? await this.#bindings.optimizer.state() : undefined;
    this.#best.restore(this.#run);
    if (slots !== undefined) this.#bindings.keepSlots(slots);
    this.dispose(); // After restoring, because it drops the dense copies that were restored.
  }

  /** Ends the plugins that the trainer has started, and frees what it allocated; the run stays. */
  dispose(): void {
    this.#replaying.dispose();
    this.#looks?.dispose();
    this.#restoreDropout?.();
    this.#bindings.dispose();
    endAll(this.#bound);
  }
}

/**
 * A trainer, ready for its first epoch, or for the one after those in `state`. Call `finish` after the last one.
 *
 * @param state - What `trainer.save()` gave, in this process or another; the run's own state is loaded before.
 * @throws EspalierError `invalid-option`, `unknown-option`, `invalid-schedule`, `unknown-name`, `bad-plugin`,
 *   `bad-state`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { createTrainer, Run, type Trainer } from '@espalier/core';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [1] })] });
 * const batch = () => ({ inputs: tf.tensor2d([[0], [1]]), labels: tf.tensor2d([[1], [3]]) });
 * const data = { size: 2, stepsPerEpoch: 1, batches: () => [batch()] };
 * const options = { data, epochs: 2, loss: 'meanSquaredError' } as const;
 * const run = new Run(model);
 * const first: Trainer = await createTrainer(run, options);
 * await first.nextEpoch();
 * const [ofRun, ofTrainer] = [await run.save(), await first.save()]; // … and on, in this process or another:
 * first.dispose();
 * run.load(ofRun);
 * const second = await createTrainer(run, options, ofTrainer);
 * while (!second.done) await second.nextEpoch();
 * await second.finish();
 * if (second.history.length !== 2) throw new Error('unexpected');
 * ```
 */
export async function createTrainer(
  run: RunState,
  options: TrainOptions,
  state?: PluginState,
): Promise<Trainer> {
  checkTrainOptions(options);
  const loss = resolveLosses(options.loss ?? 'categoricalCrossentropy', run.model);
  if (options.metrics) resolveMetrics(options.metrics, run.model, loss);
  const { name, ...rule } = options.optimizer ?? { name: 'adam' as const };
  const rules = { ...jsOptimizers, ...options.optimizers };
  if (!(name in rules)) throw unknownName('optimizer', name, Object.keys(rules));
  const planned = plan(run, options.schedules ?? [], options.epochs, options.data.stepsPerEpoch);
  const bound = await startAll(run, planned, statesIn(state, planned));
  const trainer = new Trainer(run, options, { loss, bound, optimizer: rules[name]([], rule) });
  try {
    if (state !== undefined) trainer.restore(state);
    else if (options.continueSlots) trainer.continueSlots();
    return trainer;
  } catch (error) {
    trainer.dispose();
    throw error;
  }
}
