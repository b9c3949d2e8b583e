import * as tf from '@tensorflow/tfjs-core';
import { logUniformKl } from '../kl.js';
import type { Draw } from './normal.js';
import { scalePriors } from './scale-priors.js';

/** The posterior over the scales of a layer's groups, relative to their means. */
export interface Scales {
  readonly variables: Readonly<Record<string, tf.Variable>>;
  /** Scales with mean 1, in the shape `[batch, …, groups]`. */
  draw(shape: readonly number[], normal: Draw): tf.Tensor;
  /** log z² for the weights' KL, `[groups]`, given Σ (μ² + σ²) and the number of weights of each group. */
  logScale(energy: tf.Tensor, size: tf.Tensor | number): tf.Tensor;
  /** KL of the scales themselves; `kept` is 1 for groups that are not pruned, `[groups]`. */
  kl(kept: tf.Tensor): tf.Tensor;
  /** What a group is judged by: pruned from a threshold on. `[groups]`. */
  rates(): Float32Array;
  /** Var[z] / E[z]² of each group. */
  relativeVariance(): Float32Array;
}

const vector = (values: Float32Array): tf.Variable => tf.tidy(() => tf.variable(tf.tensor1d(values), true));

const read = (compute: () => tf.Tensor): Float32Array => tf.tidy(() => compute().dataSync() as Float32Array);

/**
 * Normal-Jeffreys: z ~ N(z̄, α z̄²). With the weights' means in units of w, z̄ appears in their KL alone, and that
 * is least where z̄² is the mean of μ² + σ² over the group: z̄ needs no variable of its own.
 *
 * @param start - log α.
 */
export function jeffreysScales(count: number, start: number): Scales {
  const logRate = vector(new Float32Array(count).fill(start));
  return {
    variables: { logRate },
    draw: (shape, normal) => tf.add(tf.mul(normal(shape), tf.exp(tf.mul(logRate, 0.5))), 1),
    logScale: (energy, size) => tf.log(tf.add(tf.div(energy, tf.maximum(size, 1)), 1e-20)),
    // A pruned group costs what it would cost at α → ∞: nothing.
    kl: (kept) => logUniformKl(tf.add(tf.mul(logRate, kept), tf.mul(tf.sub(1, kept), 20))),
    rates: () => read(() => tf.clone(logRate)),
    relativeVariance: () => read(() => tf.exp(logRate)),
  };
}

/** Where the KL of a horseshoe's Gamma and inverse-Gamma variables is least: log σ² and ∓ this mean. */
const rest = { mean: 1 + Math.LN2, logVariance: Math.LN2 };

/**
 * Group horseshoe, started with E[z] at the groups' own sizes.
 *
 * @param sizes - Root mean square of each group's weights, `[groups]`.
 * @param start - log σ² of the four logarithms.
 * @param tau - τ₀ > 0.
 */
export function horseshoeScales(sizes: Float32Array, start: number, tau: number): Scales {
  const prior = scalePriors.horseshoe;
  const variables = Object.fromEntries(
    Object.entries(prior.initial(sizes, start, tau)).map(([name, values]) => [name, vector(values)]),
  );
  const resting = (kept: tf.Tensor): Record<string, tf.Tensor> => {
    const gone = tf.sub(1, kept);
    const or = (name: string, value: number): tf.Tensor =>
      tf.add(tf.mul(variables[name], kept), tf.mul(gone, value));
    return {
      global: variables.global,
      alpha_mean: or('alpha_mean', -rest.mean),
      alpha_log_variance: or('alpha_log_variance', rest.logVariance),
      beta_mean: or('beta_mean', rest.mean),
      beta_log_variance: or('beta_log_variance', rest.logVariance),
    };
  };
  return {
    variables,
    draw: (shape, normal) => tf.div(prior.draw(variables, shape, normal), prior.moments(variables).mean),
    logScale: () => tf.mul(tf.log(prior.moments(variables).mean), 2),
    // Pruned groups lie where their KL is least, so that they do not count.
    kl: (kept) => prior.kl(resting(kept), tau),
    rates: () => read(() => prior.rates(variables)),
    relativeVariance: () =>
      read(() => {
        const { mean, variance } = prior.moments(variables);
        return tf.div(variance, tf.square(mean));
      }),
  };
}
