import {
  EspalierError,
  type Parameter,
  type ParameterGroup,
  type PluginState,
  type Run,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { type Mixture, mixtureOf } from '../mixture.js';
import type { Resolved } from '../options.js';
import { initialMixture, rangeOf } from './initial.js';
import { mixturePenalty } from './penalty.js';

/** What one step of a group gives; nothing of it has been read. */
export interface GroupStep {
  readonly penalty: tf.Scalar;
  /** Weights for which the zero component takes most responsibility, and pruned ones. */
  readonly zeros: tf.Scalar;
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
  /** The mixture as it starts. */
  readonly start: Mixture;
  readonly #options: Resolved;

  /** @param weights - Of the parameters, in their order. @throws EspalierError `not-finite` */
  constructor(parameters: readonly Parameter[], weights: readonly Float32Array[], options: Resolved) {
    this.parameters = parameters;
    this.#options = options;
    const { low, high } = rangeOf(parameters, weights);
    const { components, zeroShare, hyper } = options;
    const { means, logPrecision } = initialMixture(options, low, high);
    const variable = (values: Float32Array): tf.Variable =>
      tf.tidy(() => tf.variable(tf.tensor1d(values), true));
    const numbers = [
      means,
      new Float32Array(components).fill(logPrecision),
      new Float32Array(components - 1).fill(Math.log((1 - zeroShare) / (components - 1))),
      ...(hyper.zeroShare ? [Float32Array.of(Math.log(zeroShare) - Math.log1p(-zeroShare))] : []),
    ];
    this.start = this.mixtureOf(numbers);
    [this.means, this.logPrecisions, this.rhos, this.zeroLogit] = numbers.map(variable);
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
  mixtureOf([means, logPrecisions, rhos, logit]: readonly Float32Array[]): Mixture {
    const zeroShare = logit === undefined ? this.#options.zeroShare : 1 / (1 + Math.exp(-logit[0]));
    return mixtureOf(means, logPrecisions, rhos, zeroShare);
  }

  /**
   * Penalty at the present weights of some of its parameters.
   *
   * @param scale - The factor of the penalty.
   */
  step(run: Run | undefined, parameters: readonly Parameter[], scale: tf.Scalar): GroupStep {
    const weights = parameters.reduce((sum, { size }) => sum + size, 0);
    const masks = parameters.flatMap((parameter) => run?.mask(parameter) ?? []);
    const masked = masks.reduce((sum, { size }) => sum + size, 0);
    const kept = masks.map((mask) => tf.sum(mask)).reduce((a, b) => tf.add(a, b), tf.scalar(0));
    const held = tf.sub(masked, kept) as tf.Scalar;
    const { zeroShare, hyper } = this.#options;
    const { value, zeros } = mixturePenalty(
      parameters.map(({ variable }) => variable),
      {
        means: this.means,
        logPrecisions: this.logPrecisions,
        rhos: this.rhos,
        zeroLogit: this.zeroLogit,
        zeroShare,
      },
      hyper,
      held,
      scale,
    );
    const all = tf.add(zeros, held) as tf.Scalar;
    zeros.dispose();
    return { penalty: value, zeros: all, weights };
  }

  /** Looks its parameters up again: a transform may have put another model in the model's place. */
  follow(run: Run): void {
    const now = new Map(run.parameters.map((parameter) => [parameter.name, parameter]));
    this.parameters = this.parameters.flatMap(({ name }) => now.get(name) ?? []);
  }

  /** @throws EspalierError `bad-state` */
  load({ arrays = {} }: PluginState, prefix: string): void {
    for (const [i, variable] of this.variables.entries()) {
      const values = arrays[`${prefix}/${i}`] as Float32Array | undefined;
      if (values?.length !== variable.size) {
        throw new EspalierError(
          'bad-state',
          `The saved mixture has no ${prefix}/${i} of ${variable.size} numbers.`,
          {
            remedy: 'Resume with the recipe and the model the state was saved with.',
          },
        );
      }
      tf.tidy(() => variable.assign(tf.tensor1d(values)));
    }
  }

  dispose(): void {
    tf.dispose(this.variables);
  }
}
