import type * as tf from '@tensorflow/tfjs-core';
import { EspalierError } from '../errors.js';
import type { Optimizer, OptimizerState, ParameterGroup } from '../optimizer.js';
import type { Parameter } from '../parameter.js';
import type { RunState } from '../run-state.js';
import type { TrainOptions } from '../train-options.js';
import { type Binding, bind } from './binding.js';
import { checkTrainable, frozenParameters, holdStatistics } from './freezing.js';

/** How all trainable parameters are trained, and with which rates: what the optimizer is told. */
export class Bindings {
  readonly #run: RunState;
  readonly #rateFactors: NonNullable<TrainOptions['rateFactors']>;
  readonly #frozen: ReadonlySet<Parameter>;
  readonly #thaw: () => void;
  readonly #byName = new Map<string, Binding>();
  /** The groups that follow the stage's learning rate, and by which factor. */
  readonly #factors = new Map<ParameterGroup, number>();
  /** Variables that regularizers brought along. */
  readonly extra: readonly ParameterGroup[];
  readonly optimizer: Optimizer;

  constructor(
    run: RunState,
    optimizer: Optimizer,
    extra: readonly ParameterGroup[],
    { rateFactors = [], freeze }: Pick<TrainOptions, 'rateFactors' | 'freeze'> = {},
  ) {
    this.#run = run;
    this.optimizer = optimizer;
    this.extra = extra;
    this.#rateFactors = rateFactors;
    checkTrainable(run.parameters, extra.length);
    this.#frozen = new Set(freeze === undefined ? [] : frozenParameters(run.parameters, freeze));
    this.#thaw = holdStatistics(run, this.#frozen);
    this.rebind(run.parameters.filter((p) => p.trainable));
  }

  get all(): readonly Binding[] {
    return [...this.#byName.values()];
  }

  /**
   * Makes the optimizer follow what the run now knows of these parameters. Returns whether they are trained by other steps
   * than before: not where a mask that was there has other values.
   */
  rebind(changed: readonly Parameter[]): boolean {
    const parameters: Parameter[] = [];
    for (const parameter of changed) {
      if (this.#frozen.has(parameter)) continue;
      const before = this.#byName.get(parameter.name);
      if (before === undefined || !this.#stays(before)) parameters.push(parameter);
      else this.optimizer.setMask(before.trained, before.mask!);
    }
    if (parameters.length === 0) return false;
    const gone: Binding[] = [];
    for (const parameter of parameters) {
      const before = this.#byName.get(parameter.name);
      this.#byName.set(parameter.name, bind(this.#run, parameter));
      if (before !== undefined) gone.push(before);
    }
    this.optimizer.setGroups([...this.#groups(), ...this.extra]);
    for (const { trained, mask } of this.all) this.optimizer.setMask(trained, mask ?? null);
    for (const binding of gone) binding.dispose?.();
    return true;
  }

  /** Whether a parameter is still trained as itself, behind the same mask, whose values may be others. */
  #stays({ parameter, trained, mask }: Binding): boolean {
    const own = trained === parameter.variable && mask !== undefined && mask === this.#run.mask(parameter);
    return own && this.#run.shared(parameter) === undefined && this.#run.dense(parameter) === undefined;
  }

  /** Trained variables by learning-rate factor. */
  #groups(): ParameterGroup[] {
    const factors = new Map<string, number>();
    for (const { parameters, factor } of this.#rateFactors) {
      for (const p of this.#run.select(parameters)) factors.set(p.name, factor);
    }
    const byFactor = new Map<number, tf.Variable[]>();
    for (const [name, { trained }] of this.#byName) {
      const factor = factors.get(name) ?? 1;
      byFactor.set(factor, [...(byFactor.get(factor) ?? []), trained]);
    }
    this.#factors.clear();
    for (const [factor, variables] of byFactor) {
      this.#factors.set({ name: `x${factor}`, variables, learningRate: 0 }, factor);
    }
    return [...this.#factors.keys()];
  }

  setRate(rate: number): void {
    for (const [group, factor] of this.#factors) group.learningRate = rate * factor;
  }

  /** Stable names for what the optimizer keeps by variable name: those differ from process to process. */
  names(): Map<string, string> {
    const names = new Map<string, string>();
    for (const [name, { trained }] of this.#byName) names.set(trained.name, name);
    for (const [i, group] of this.extra.entries()) {
      for (const [j, v] of group.variables.entries()) names.set(v.name, `extra/${i}/${group.name}/${j}`);
    }
    return names;
  }

  /** Goes on with the slots that a stage before has left on the run. @throws EspalierError `invalid-schedule` */
  continueSlots(): void {
    const slots: Record<string, Readonly<Record<string, Float32Array>>> = {};
    for (const { parameter, trained } of this.all) {
      const left = this.#run.slots(parameter);
      if (left !== undefined && trained.size === parameter.size) slots[trained.name] = left;
      this.#run.setSlots(parameter, undefined);
    }
    if (Object.keys(slots).length === 0) {
      throw new EspalierError('invalid-schedule', 'No stage before has left the slots of its optimizer.', {
        remedy: 'Let the stage before keepSlots, or leave out continueSlots.',
      });
    }
    this.optimizer.restore({ step: this.#run.steps, slots });
  }

  /** Leaves the optimizer's slots on the run, for a stage to come. */
  keepSlots({ step, slots }: OptimizerState): void {
    this.#run.steps = step;
    for (const { parameter, trained } of this.all) {
      if (trained.size === parameter.size) this.#run.setSlots(parameter, slots[trained.name]);
    }
  }

  dispose(): void {
    this.#thaw();
    this.optimizer.dispose();
    for (const binding of this.all) binding.dispose?.();
    this.#byName.clear();
  }
}
