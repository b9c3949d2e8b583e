import type { Parameter, ParameterGroup, PluginState, Run, StateArray } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { lossOf, type MixtureLoss } from '../loss.js';
import { type Mixture, mixtureOf } from '../mixture.js';
import type { Resolved } from '../options.js';
import { initialMixture, rangeOf } from './initial.js';
import { Table } from './table.js';

/** What one step of a group gives: the loss in nats, its gradients, and those of the weights. */
export interface GroupStep {
  readonly loss: MixtureLoss;
  /** One array per parameter, in order, scaled. */
  readonly gradients: readonly Float32Array[];
  /** Weights for which the zero component takes most responsibility, and pruned ones. */
  readonly zeros: number;
  /** All weights. */
  readonly weights: number;
}

/** Weights that share one mixture, and the mixture's trained variables. */
export class Group {
  parameters: readonly Parameter[];
  readonly means: tf.Variable;
  readonly logPrecisions: tf.Variable;
  readonly rhos: tf.Variable;
  /** The logit of π_0, when it is learned. */
  readonly zeroLogit: tf.Variable | undefined;
  readonly #options: Resolved;
  readonly #table = new Table();
  #low: number;
  #high: number;

  constructor(parameters: readonly Parameter[], options: Resolved) {
    this.parameters = parameters;
    this.#options = options;
    const { low, high } = rangeOf(parameters);
    this.#low = low;
    this.#high = high;
    const { components, zeroShare, hyper } = options;
    const { means, logPrecision } = initialMixture(options, low, high);
    const variable = (values: Float32Array): tf.Variable =>
      tf.tidy(() => tf.variable(tf.tensor1d(values), true));
    this.means = variable(means);
    this.logPrecisions = variable(new Float32Array(components).fill(logPrecision));
    this.rhos = variable(new Float32Array(components - 1).fill(Math.log((1 - zeroShare) / (components - 1))));
    this.zeroLogit =
      hyper.zeroShare && variable(Float32Array.of(Math.log(zeroShare) - Math.log1p(-zeroShare)));
  }

  get variables(): tf.Variable[] {
    const { means, logPrecisions, rhos, zeroLogit } = this;
    return [means, logPrecisions, rhos, ...(zeroLogit === undefined ? [] : [zeroLogit])];
  }

  trainables(): ParameterGroup[] {
    const { means, precisions, shares } = this.#options.rates;
    const logShares = this.zeroLogit === undefined ? [this.rhos] : [this.rhos, this.zeroLogit];
    return [
      { name: 'means', variables: [this.means], learningRate: means },
      { name: 'log-precisions', variables: [this.logPrecisions], learningRate: precisions },
      { name: 'log-shares', variables: logShares, learningRate: shares },
    ];
  }

  /** The mixture as it is now. */
  mixture(): Mixture {
    const logit = this.zeroLogit?.dataSync()[0];
    const zeroShare = logit === undefined ? this.#options.zeroShare : 1 / (1 + Math.exp(-logit));
    return mixtureOf(this.means.dataSync(), this.logPrecisions.dataSync(), this.rhos.dataSync(), zeroShare);
  }

  /**
   * Loss and gradients at the present weights.
   *
   * @param scale - Multiplies the weights' gradients.
   * @param pruned - How many entries of a parameter are held at 0 by masks.
   */
  step(weights: readonly Float32Array[], scale: number, pruned: readonly number[]): GroupStep {
    const mixture = this.mixture();
    const [least, greatest] = [Math.min(...mixture.means, this.#low), Math.max(...mixture.means, this.#high)];
    const margin = 0.02 * (greatest - least) || 1e-3;
    this.#table.build(mixture, least - margin, greatest + margin, scale);
    let held = 0;
    let count = 0;
    const gradients = weights.map((values, i) => {
      const gradient = new Float32Array(values.length);
      this.#table.pass(values, gradient);
      held += pruned[i];
      count += values.length;
      return gradient;
    });
    this.#table.exclude(held);
    const { sums, least: low, greatest: high } = this.#table.finish();
    if (low <= high) [this.#low, this.#high] = [low, high];
    const loss = lossOf(mixture, sums, this.#options.hyper);
    return { loss, gradients, zeros: sums.zeros + held, weights: count };
  }

  /** Looks its parameters up again: a transform may have put another model in the model's place. */
  follow(run: Run): void {
    const now = new Map(run.parameters.map((parameter) => [parameter.name, parameter]));
    this.parameters = this.parameters.flatMap(({ name }) => now.get(name) ?? []);
  }

  save(into: Record<string, StateArray>, prefix: string): void {
    this.variables.forEach((variable, i) => {
      into[`${prefix}/${i}`] = variable.dataSync().slice() as Float32Array;
    });
    into[`${prefix}/range`] = Float64Array.of(this.#low, this.#high);
  }

  load({ arrays = {} }: PluginState, prefix: string): void {
    this.variables.forEach((variable, i) => {
      tf.tidy(() => variable.assign(tf.tensor1d(arrays[`${prefix}/${i}`] as Float32Array)));
    });
    [this.#low, this.#high] = arrays[`${prefix}/range`];
  }

  dispose(): void {
    tf.dispose(this.variables);
  }
}
