import * as tf from '@tensorflow/tfjs-core';
import type { Batch } from './data.js';
import { EspalierError, unknownName } from './errors.js';
import { evaluate } from './evaluate.js';
import { type Binding, bind } from './internal/binding.js';
import { checkBound, checkSchedule, checkTrainOptions } from './internal/check-options.js';
import { createProbe } from './internal/probe.js';
import { Best, shouldStop } from './internal/stopping.js';
import { loadTrainer, saveTrainer } from './internal/trainer-state.js';
import { rateAt } from './learning-rate.js';
import { withLogits } from './logits.js';
import { type ResolvedLoss, resolveLoss } from './loss.js';
import type { EpochMetrics } from './metrics.js';
import type { Moment } from './moment.js';
import type { Optimizer, ParameterGroup } from './optimizer.js';
import { jsOptimizers } from './optimizers-js.js';
import type { Parameter } from './parameter.js';
import {
  isPruner,
  isQuantizer,
  isRegularizer,
  type ObservedStep,
  type PluginState,
  type Step,
} from './plugin.js';
import type { Run } from './run.js';
import { type Schedule, type Timing, timing } from './schedule.js';
import { dropoutSeeder } from './seeding.js';
import type { TrainOptions } from './train-options.js';

/** A schedule that has been checked: its parameters, its time, and the name its masks go by. */
export interface Bound {
  readonly schedule: Schedule;
  readonly of: readonly Parameter[];
  readonly time: Timing;
  readonly owner: string;
}

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
      await schedule.plugin.start?.(this.#run, of);
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

  #setRates(step: number): number {
    const { learningRate = 0.001, epochs, data } = this.#options;
    const rate = rateAt(learningRate, { epoch: step / data.stepsPerEpoch, epochs, history: this.history });
    for (const [group, factor] of this.#factors) group.learningRate = rate * factor;
    return rate;
  }

  /** Runs the plugins that are due before this step. */
  async #fire(step: number): Promise<void> {
    for (const { schedule, of, time, owner } of this.#bound) {
      const { plugin } = schedule;
      const at = time.at(step);
      if (at === undefined) {
        if (isPruner(plugin) && plugin.revives && step === time.end * this.#options.data.stepsPerEpoch) {
          for (const p of of) this.#run.dropDense(p);
          this.#rebind(of);
        }
        continue;
      }
      if (isPruner(plugin)) {
        const taken = of.find((p) => this.#run.shared(p) !== undefined);
        if (taken !== undefined) {
          throw new EspalierError(
            'invalid-schedule',
            `${plugin.name} prunes ${taken.name}, whose values are shared.`,
            {
              remedy: 'Prune first, quantise after.',
            },
          );
        }
        if (plugin.revives) for (const p of of) this.#run.keepDense(p);
        const masks = plugin.masks(of, at);
        for (const [parameter, mask] of masks) this.#run.setMask(parameter, mask, owner);
        // A dense copy is what is trained, also where the pruner has left a parameter alone.
        this.#rebind(plugin.revives ? of : [...masks.keys()]);
      } else if (isQuantizer(plugin) && !isRegularizer(plugin)) {
        const tensors = await plugin.quantize(of, at);
        for (const [parameter, tensor] of tensors) this.#run.share(parameter, tensor);
        this.#rebind([...tensors.keys()]);
      }
    }
  }

  /**
   * Forward, backward, update. Returns the loss and its penalty part as tensors the caller disposes; nothing
   * else is left, also when a plugin throws.
   */
  #step(batch: Batch, at: Moment): [tf.Scalar, tf.Scalar] {
    const kept: tf.Tensor[] = []; // What outlives the scope of the gradient.
    try {
      return tf.tidy(() => this.#compute(batch, at, kept));
    } finally {
      tf.dispose(kept);
    }
  }

  #compute({ inputs, labels }: Batch, at: Moment, kept: tf.Tensor[]): [tf.Scalar, tf.Scalar] {
    const keep = <T extends tf.Tensor>(tensor: T): T => {
      kept.push(tf.keep(tensor));
      return tensor;
    };
    const { model } = this.#run;
    const active = this.#bound.filter(({ time }) => time.covers(at.epoch));
    const bindings = [...this.#bindings.values()];
    const variables = [
      ...bindings.map((b) => b.parameter.variable),
      ...this.#extra.flatMap((g) => g.variables),
    ];
    this.#seedDropout(at.step);
    const probe = createProbe(model, inputs);
    let penalty: tf.Scalar | undefined;
    let seen: tf.Tensor | undefined;
    const { value, grads } = tf.variableGrads(() => {
      const forward = (): tf.Tensor => model.apply(inputs, { training: true }) as tf.Tensor;
      const outputs = this.#loss.onLogits ? withLogits(model, forward) : forward();
      const step: Step = { at, inputs, labels, outputs, activation: probe };
      seen = keep(outputs);
      let total = this.#loss.compute(labels, outputs);
      const penalties = active.flatMap(({ schedule: { plugin }, of }) =>
        isRegularizer(plugin) ? [plugin.penalty(of, step)] : [],
      );
      penalties.push(...((model as unknown as { calculateLosses(): tf.Scalar[] }).calculateLosses?.() ?? []));
      if (penalties.length > 0) {
        penalty = keep(penalties.reduce((a, b) => tf.add(a, b)));
        total = tf.add(total, penalty);
      }
      return total;
    }, variables);

    const outputs = seen as tf.Tensor;
    for (const { schedule } of active) {
      if (schedule.plugin.observe === undefined) continue;
      tf.tidy(() => {
        const gradient = (p: Parameter): tf.Tensor | undefined => grads[p.variable.name];
        const step: ObservedStep = { at, inputs, labels, outputs, activation: probe, gradient };
        schedule.plugin.observe?.(step);
      });
    }
    const pulled: tf.NamedTensorMap = {};
    for (const { parameter, trained, pull } of bindings) {
      const gradient = grads[parameter.variable.name];
      if (gradient) pulled[trained.name] = tf.tidy(() => pull(gradient));
    }
    for (const { variables: own } of this.#extra) for (const v of own) pulled[v.name] = grads[v.name];
    this.#optimizer.step(pulled);
    for (const { push } of bindings) push?.();
    return [value, penalty === undefined ? tf.scalar(0) : tf.clone(penalty)];
  }

  /**
   * Trains for one epoch and validates.
   *
   * @throws EspalierError `aborted` (signal), `not-finite` (loss is NaN or infinite)
   */
  async nextEpoch(): Promise<EpochMetrics> {
    const { data, validation, epochs, signal, onStep, onEpoch } = this.#options;
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
          await this.#fire(step);
          rate = this.#setRates(step);
          const at = { epoch, step, stepsPerEpoch: data.stepsPerEpoch, start: 0, end: epochs, every: 1 };
          parts = this.#step(batch, { ...at, index: step, count: epochs * data.stepsPerEpoch });
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
      for (const { settle } of this.#bindings.values()) await settle?.();
      const [loss, penalty] = await sums.data();
      const held =
        validation &&
        (await evaluate(this.#run.model, validation, {
          loss: this.#options.loss ?? 'categoricalCrossentropy',
        }));
      const { parameters, nonzero } = await this.#run.counts();
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

/**
 * Trains a run for a whole stage and returns the metrics of every epoch.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run, train } from '@espalier/core';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [1] })] });
 * const data = {
 *   size: 4,
 *   stepsPerEpoch: 1,
 *   batches: () => [{ inputs: tf.tensor2d([[0], [1], [2], [3]]), labels: tf.tensor2d([[1], [3], [5], [7]]) }],
 * };
 * const run = new Run(model);
 * const history = await train(run, { data, epochs: 200, loss: 'meanSquaredError', learningRate: 0.1 });
 * if (history[199].loss > 0.05) throw new Error(`loss ${history[199].loss}`); // y = 2x + 1
 * ```
 */
export async function train(run: Run, options: TrainOptions): Promise<readonly EpochMetrics[]> {
  const trainer = await createTrainer(run, options);
  try {
    while (!trainer.done) await trainer.nextEpoch();
    await trainer.finish();
    return trainer.history;
  } catch (error) {
    trainer.dispose();
    throw error;
  }
}
