import type { Parameter, ParameterGroup, RunState } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Mixture } from '../mixture.js';
import type { Resolved } from '../options.js';
import { mixtureFrom } from './numbers.js';
import { type MixturePenalty, mixturePenalty } from './penalty.js';

/** What one step of a group gives; nothing of it has been read. */
export interface GroupStep extends Pick<MixturePenalty, 'value'> {
  readonly gradients: ReadonlyMap<tf.Variable, tf.Tensor>;
  /** Weights for which the zero component takes most responsibility, and pruned ones. */
  readonly zeros: tf.Scalar;
  /** All weights. */
  readonly weights: number;
}

/** Weights that share one mixture, and the mixture's trained variables. */
export class Group {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly means: tf.Variable;
  readonly logPrecisions: tf.Variable;
  readonly rhos: tf.Variable;
  /** The logit of π_0, when it is learned. */
  readonly zeroLogit: tf.Variable | undefined;
  readonly #options: Resolved;

  /** @param numbers - Of the variables, in their order. */
  constructor(
    name: string,
    parameters: readonly Parameter[],
    numbers: readonly Float32Array[],
    options: Resolved,
  ) {
    this.name = name;
    this.parameters = parameters;
    this.#options = options;
    [this.means, this.logPrecisions, this.rhos, this.zeroLogit] = numbers.map((values) =>
      tf.tidy(() => tf.variable(tf.tensor1d(values), true)),
    );
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

  /** The mixture, from the numbers of `variables`. */
  mixtureOf(numbers: readonly Float32Array[]): Mixture {
    return mixtureFrom(numbers, this.#options);
  }

  /**
   * Penalty at the present weights of some of its parameters. Within a tidy.
   *
   * @param scale - The factor of the penalty.
   */
  step(run: RunState, parameters: readonly Parameter[], scale: tf.Scalar): GroupStep {
    const weights = parameters.reduce((sum, { size }) => sum + size, 0);
    const masks = parameters.flatMap((parameter) => run.mask(parameter) ?? []);
    const masked = masks.reduce((sum, { size }) => sum + size, 0);
    const kept = masks.map((mask) => tf.sum(mask)).reduce((a, b) => tf.add(a, b), tf.scalar(0));
    const held = tf.sub(masked, kept) as tf.Scalar;
    const { means, logPrecisions, rhos, zeroLogit } = this;
    const { zeroShare, hyper } = this.#options;
    const values = parameters.map(({ variable }) => variable);
    const mixture = { means, logPrecisions, rhos, zeroLogit, zeroShare };
    const { value, slopes, zeros } = mixturePenalty(values, mixture, hyper, held, scale);
    const trained = [...values, ...this.variables];
    return {
      value,
      gradients: new Map(trained.map((variable, i) => [variable, slopes[i]])),
      zeros: tf.add(zeros, held) as tf.Scalar,
      weights,
    };
  }

  dispose(): void {
    tf.dispose(this.variables);
  }
}
