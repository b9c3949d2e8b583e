import * as tf from '@tensorflow/tfjs-core';
import { logNormal, logUniform } from './kl-terms.js';
import type { Moments } from './moments.js';

/** Draws standard normal numbers of a shape. */
export type Normal = (shape: readonly number[]) => tf.Tensor;

/** Which prior the scales of a layer's groups have. */
export type PriorName = 'normalJeffreys' | 'horseshoe';

/** The variables of a layer's scales, by name; one number per group but for the horseshoe's `global` [4]. */
export type ScaleVariables = Readonly<Record<string, tf.Tensor>>;

/** Posterior and prior of the scales z, as the papers parameterise them. */
export interface ScalePrior {
  /** Names of the variables, and how many numbers each has for so many groups. */
  readonly variables: Readonly<Record<string, (groups: number) => number>>;
  /** Values that give z the means `sizes`, [groups], with log-variances that `start` tells. */
  initial(sizes: Float32Array, start: number, tau: number): Record<string, Float32Array>;
  draw(v: ScaleVariables, shape: readonly number[], normal: Normal): tf.Tensor;
  /** `[groups]` */
  moments(v: ScaleVariables): Moments;
  /** What a group is judged by, `[groups]`: it goes from a threshold on. */
  rates(v: ScaleVariables): tf.Tensor;
  kl(v: ScaleVariables, tau: number): tf.Scalar;
}

const perGroup = (groups: number): number => groups;

/** z ~ N(μ, σ²); log α = log σ² - log μ². */
const normalJeffreys: ScalePrior = {
  variables: { scale_mean: perGroup, scale_log_variance: perGroup },
  initial: (sizes, start) => ({
    scale_mean: sizes,
    scale_log_variance: sizes.map((size) => start + 2 * Math.log(size)),
  }),
  draw: ({ scale_mean: mean, scale_log_variance: logVariance }, shape, normal) =>
    tf.add(mean, tf.mul(normal(shape), tf.exp(tf.mul(logVariance, 0.5)))),
  moments: ({ scale_mean: mean, scale_log_variance: logVariance }) => ({
    mean,
    variance: tf.exp(logVariance),
  }),
  rates: ({ scale_mean: mean, scale_log_variance: logVariance }) =>
    tf.sub(logVariance, tf.log(tf.add(tf.square(mean), 1e-8))),
  kl: (v) => tf.sum(logUniform(normalJeffreys.rates(v)).value) as tf.Scalar,
};

/** log z ~ N(μ, σ²) with the shared and the groups' own part of σ². */
function logScale(v: ScaleVariables): { mean: tf.Tensor; shared: tf.Tensor; own: tf.Tensor } {
  const [a, aLog, b, bLog] = tf.split(v.global, 4);
  return {
    mean: tf.mul(tf.add(tf.add(v.alpha_mean, v.beta_mean), tf.add(a, b)), 0.5),
    shared: tf.mul(tf.add(tf.exp(aLog), tf.exp(bLog)), 0.25),
    own: tf.mul(tf.add(tf.exp(v.alpha_log_variance), tf.exp(v.beta_log_variance)), 0.25),
  };
}

/** z = √(a b α β), all four log-normal; `global` holds μ_a, log σ_a², μ_b, log σ_b². */
const horseshoe: ScalePrior = {
  variables: {
    global: () => 4,
    alpha_mean: perGroup,
    alpha_log_variance: perGroup,
    beta_mean: perGroup,
    beta_log_variance: perGroup,
  },
  initial(sizes, start, tau) {
    const half = Math.exp(start) / 2;
    // Where the KL of a Gamma variable is least for this variance; β takes what is left of log z.
    const alpha = -Math.LN2 - half;
    const [a, b] = [2 * Math.log(tau) + alpha, Math.LN2 + half];
    return {
      global: Float32Array.of(a, start, b, start),
      alpha_mean: new Float32Array(sizes.length).fill(alpha),
      alpha_log_variance: new Float32Array(sizes.length).fill(start),
      beta_mean: sizes.map((size) => 2 * (Math.log(size) - half) - a - b - alpha),
      beta_log_variance: new Float32Array(sizes.length).fill(start),
    };
  },
  draw(v, shape, normal) {
    const { mean, shared, own } = logScale(v);
    const common = tf.mul(normal([...shape.slice(0, -1), 1]), tf.sqrt(shared));
    return tf.exp(tf.add(tf.add(mean, common), tf.mul(normal(shape), tf.sqrt(own))));
  },
  moments(v) {
    const { mean, shared, own } = logScale(v);
    const variance = tf.add(shared, own);
    const expected = tf.exp(tf.add(mean, tf.mul(variance, 0.5)));
    return { mean: expected, variance: tf.mul(tf.expm1(variance), tf.square(expected)) };
  },
  rates(v) {
    const { mean, shared, own } = logScale(v);
    return tf.sub(tf.add(shared, own), mean);
  },
  kl(v, tau) {
    const [a, aLog, b, bLog] = tf.split(v.global, 4);
    const terms = [
      logNormal(a, aLog, 1, 2 * Math.log(tau)),
      logNormal(b, bLog, -1, 0),
      logNormal(v.alpha_mean, v.alpha_log_variance, 1, 0),
      logNormal(v.beta_mean, v.beta_log_variance, -1, 0),
    ];
    return tf.addN(terms.map(({ value }) => tf.sum(value))) as tf.Scalar;
  },
};

export const scalePriors: Readonly<Record<PriorName, ScalePrior>> = { normalJeffreys, horseshoe };
