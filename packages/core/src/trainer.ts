import * as tf from '@tensorflow/tfjs-core';
import { EspalierError, unknownName } from './errors.js';
import { evaluate } from './evaluate.js';
import { type Binding, bind } from './internal/binding.js';
import type { Bound } from './internal/bound.js';
import { checkBound, checkSchedule, checkTrainOptions } from './internal/check-options.js';
import { differentiable } from './internal/differentiable.js';
import { endEpoch } from './internal/end-epoch.js';
import { fire } from './internal/fire.js';
import { type StepParts, takeStep } from './internal/step.js';
import { Best, shouldStop } from './internal/stopping.js';
import { loadTrainer, saveTrainer } from './internal/trainer-state.js';
import { rateAt } from './learning-rate.js';
import { type ResolvedLoss, resolveLoss } from './loss.js';
import type { EpochMetrics } from './metrics.js';
import type { Moment } from './moment.js';
import type { Optimizer, ParameterGroup } from './optimizer.js';
import { jsOptimizers } from './optimizers-js.js';
import type { Parameter } from './parameter.js';
import { isPruner, isRegularizer, type PluginState } from './plugin.js';
import { readLater } from './read.js';
import type { Run } from './run.js';
import { timing } from './schedule.js';
import { dropoutSeeder } from './seeding.js';
import type { TrainOptions } from './train-options.js';

const yieldEvery = 100; // milliseconds between two turns of the event loop
const checkEvery = 50; // steps between two looks at the loss

/**
 * One training stage over a run: batch → loss + penalties → gradients → optimizer step → masks and shared
 * values. Made by `createTrainer`; `train` runs a whole stage.
 */
export class Trainer {
  readonly history: EpochMetrics[] = [];
  readonly #run: Run;
  readonly #options: TrainOptions;
  readonly #loss: ResolvedLoss;
  readonly #bound: readonly Bound[];
  readonly #bindings = new Map<string, Binding>();
  readonly #extra: ParameterGroup[] = [];
  /** The groups that follow the stage's learning rate, and by which factor. */
  readonly #factors = new Map<ParameterGroup, number>();
  readonly #best: Best;
  readonly #seedDropout: (step: number) => void;
  #optimizer: Optimizer;
  #stopped = false;

  /** @internal Use `createTrainer`. */
  constructor(run: Run, options: TrainOptions) {
    checkTrainOptions(options);
    const { epochs, data, schedules = [] } = options;
    this.#run = run;
    this.#options = options;
    this.#loss = resolveLoss(options.loss ?? 'categoricalCrossentropy', run.model);
    for (const schedule of schedules) checkSchedule(schedule);
    this.#bound = schedules.map((schedule, i) => ({
      schedule,
      of: run.select(schedule.parameters),
      time: timing(schedule, epochs, data.stepsPerEpoch),
      owner: schedule.owner ?? `${schedule.plugin.name}#${i}`,
    }));
    checkBound(this.#bound);
    this.#best = new Best(options);
    this.#seedDropout = dropoutSeeder(run.model, run.seed);
    const { name, ...rule } = options.optimizer ?? { name: 'adam' as const };
    const rules = { ...jsOptimizers, ...options.optimizers };
    if (!(name in rules)) throw unknownName('optimizer', name, Object.keys(rules));
    this.#optimizer = rules[name]([], rule);
  }

  /** @internal */
  async start(): Promise<void> {
    for (const { schedule, of } of this.#bound) {
      await schedule.plugin.start?.(this.#run, of, readLater);
      if (isRegularizer(schedule.plugin)) this.#extra.push(...(schedule.plugin.trainables?.() ?? []));
    }
    this.#rebind(this.#run.parameters.filter((p) => p.trainable));
  }

  get epoch(): number {
    return this.history.length;
  }

  get done(): boolean {
    return this.#stopped || this.epoch >= this.#options.epochs;
  }

  /** Makes the optimizer follow what the run now knows of these parameters. */
  #rebind(parameters: readonly Parameter[]): void {
    const gone: Binding[] = [];
    for (const parameter of parameters) {
      const before = this.#bindings.get(parameter.name);
      this.#bindings.set(parameter.name, bind(this.#run, parameter));
      if (before !== undefined) gone.push(before);
    }
    this.#optimizer.setGroups([...this.#groups(), ...this.#extra]);
    for (const { trained, mask } of this.#bindings.values()) this.#optimizer.setMask(trained, mask ?? null);
    for (const binding of gone) binding.dispose?.();
  }

  /** Trained variables by learning-rate factor. */
  #groups(): ParameterGroup[] {
    const factors = new Map<string, number>();
    for (const { parameters, factor } of this.#options.rateFactors ?? []) {
      for (const p of this.#run.select(parameters)) factors.set(p.name, factor);
    }
    const byFactor = new Map<number, tf.Variable[]>();
    for (const [name, { trained }] of this.#bindings) {
      const factor = factors.get(name) ?? 1;
      byFactor.set(factor, [...(byFactor.get(factor) ?? []), trained]);
    }
    this.#factors.clear();
    for (const [factor, variables] of byFactor) {
      this.#factors.set({ name: `x${factor}`, variables, learningRate: 0 }, factor);
    }
    return [...this.#factors.keys()];
  }

  #parts(): StepParts {
    return {
      model: this.#run.model,
      loss: this.#loss,
      bound: this.#bound,
      bindings: [...this.#bindings.values()],
      extra: this.#extra,
      optimizer: this.#optimizer,
    };
  }

  #setRates(step: number): number {
    const { learningRate = 0.001, epochs, data } = this.#options;
    const rate = rateAt(learningRate, { epoch: step / data.stepsPerEpoch, epochs, history: this.history });
    for (const [group, factor] of this.#factors) group.learningRate = rate * factor;
    return rate;
  }

  /** A step's moment as the stage counts. */
  #moment(step: number): Moment {
    const { stepsPerEpoch } = this.#options.data;
    const { epochs } = this.#options;
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

  /**
   * Trains for one epoch and validates.
   *
   * @throws EspalierError `aborted` (signal), `not-finite` (loss is NaN or infinite)
   */
  async nextEpoch(): Promise<EpochMetrics> {
    const { data, validation, signal, onStep, onEpoch } = this.#options;
    const { epoch } = this;
    const began = performance.now();
    let breath = began;
    let sums = tf.tensor1d([0, 0]);
    let steps = 0;
    let rate = 0;
    try {
      for (const batch of data.batches(epoch)) {
        let parts: [tf.Scalar, tf.Scalar];
        try {
          if (signal?.aborted) throw new EspalierError('aborted', 'Training was stopped.');
          const step = epoch * data.stepsPerEpoch + steps;
          for (const bound of this.#bound) {
            const changed = await fire(this.#run, bound, step, data.stepsPerEpoch);
            if (changed.length > 0) this.#rebind(changed);
          }
          rate = this.#setRates(step);
          this.#seedDropout(step);
          parts = differentiable(() => takeStep(this.#parts(), batch, this.#moment(step)));
        } finally {
          tf.dispose([batch.inputs, batch.labels]);
        }
        const next = tf.tidy(() => tf.add(sums, tf.stack(parts)) as tf.Tensor1D);
        tf.dispose([sums, ...parts]);
        sums = next;
        steps++;
        if (steps % checkEvery === 0 || steps === data.stepsPerEpoch) {
          const [loss] = await sums.data();
          if (!Number.isFinite(loss)) {
            throw new EspalierError(
              'not-finite',
              `The loss is ${loss} in epoch ${epoch}, by step ${steps}.`,
              {
                remedy: 'Lower the learning rate, or look for values in the data that are not finite.',
              },
            );
          }
          onStep?.({ epoch, step: steps, steps: data.stepsPerEpoch, loss: loss / steps });
        }
        if (performance.now() - breath > yieldEvery) {
          await new Promise((resolve) => setTimeout(resolve, 0));
          breath = performance.now();
        }
      }
      if (steps !== data.stepsPerEpoch) {
        throw new EspalierError(
          'invalid-option',
          `The data gave ${steps} batches in epoch ${epoch}, but its stepsPerEpoch is ${data.stepsPerEpoch}.`,
        );
      }
      const last = epoch * data.stepsPerEpoch + steps - 1;
      const { loss, penalty, nonzero } = await endEpoch(
        this.#run,
        this.#bound,
        [...this.#bindings.values()],
        this.#moment(last),
        sums,
      );
      const held =
        validation &&
        (await evaluate(this.#run.model, validation, {
          loss: this.#options.loss ?? 'categoricalCrossentropy',
        }));
      const parameters = this.#run.parameters.reduce((sum, { size }) => sum + size, 0);
      const metrics: EpochMetrics = {
        epoch,
        loss: loss / steps,
        penalty: penalty / steps,
        learningRate: rate,
        ...(held && { validationLoss: held.loss, validationAccuracy: held.accuracy }),
        sparsity: 1 - nonzero / parameters,
        seconds: (performance.now() - began) / 1000,
      };
      this.history.push(metrics);
      await this.#best.see(metrics, this.#run);
      this.#stopped = shouldStop(this.history, this.#options.earlyStopping);
      await onEpoch?.(metrics);
      return metrics;
    } finally {
      sums.dispose();
    }
  }

  /** Everything but the run's own state that is needed to go on bit for bit. */
  async save(): Promise<PluginState> {
    return saveTrainer({
      history: this.history,
      best: this.#best,
      bound: this.#bound,
      optimizer: await this.#optimizer.state(),
      names: this.#names(),
    });
  }

  /** Puts a saved state back, after the run's own state has been loaded and before the first epoch. */
  load(state: PluginState): void {
    const { history, optimizer } = loadTrainer(state, {
      best: this.#best,
      bound: this.#bound,
      names: this.#names(),
    });
    this.history.splice(0, this.history.length, ...history);
    this.#optimizer.restore(optimizer);
    this.#stopped = shouldStop(this.history, this.#options.earlyStopping);
  }

  /** Stable names for what the optimizer keeps by variable name: those differ from process to process. */
  #names(): Map<string, string> {
    const names = new Map<string, string>();
    for (const [name, { trained }] of this.#bindings) names.set(trained.name, name);
    for (const [i, group] of this.#extra.entries()) {
      for (const [j, v] of group.variables.entries()) names.set(v.name, `extra/${i}/${group.name}/${j}`);
    }
    return names;
  }

  /** Ends the stage: the best epoch's weights if asked for. */
  async finish(): Promise<void> {
    this.#best.restore(this.#run);
    this.dispose(); // After restoring, because it drops the dense copies that were restored.
  }

  /** Frees what the trainer allocated; the run and the plugins stay. */
  dispose(): void {
    this.#optimizer.dispose();
    for (const binding of this.#bindings.values()) binding.dispose?.();
    this.#bindings.clear();
    for (const { schedule, of } of this.#bound) {
      if (isPruner(schedule.plugin) && schedule.plugin.revives) for (const p of of) this.#run.dropDense(p);
    }
  }
}

/**
 * A trainer, ready for its first epoch (or for `load`). Call `finish` after the last one.
 *
 * @throws EspalierError `invalid-option`, `unknown-option`, `invalid-schedule`, `unknown-name`, `bad-plugin`
 */
export async function createTrainer(run: Run, options: TrainOptions): Promise<Trainer> {
  const trainer = new Trainer(run, options);
  await trainer.start();
  return trainer;
}
