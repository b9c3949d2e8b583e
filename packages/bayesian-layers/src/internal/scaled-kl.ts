import * as tf from '@tensorflow/tfjs-core';
import type { Groups } from './groups.js';

/** Weights whose means already contain the mean of their scale. */
export interface Weights {
  /** Means of the weights themselves, E[w̃ z]. */
  readonly mean: tf.Tensor;
  /** log σ², given that the scale is at its mean. */
  readonly logVariance: tf.Tensor;
  /** 1 where a weight takes part, 0 where it is pruned. */
  readonly mask?: tf.Tensor | undefined;
}

const masked = (x: tf.Tensor, mask: tf.Tensor | undefined): tf.Tensor =>
  mask === undefined ? x : tf.mul(x, mask);

/** Σ (μ² + σ²) of each group and how many weights it has, both `[groups]`. */
export function energyOf(
  { mean, logVariance, mask }: Weights,
  { others, count }: Pick<Groups, 'others' | 'count'>,
): { energy: tf.Tensor; size: tf.Tensor | number } {
  const terms = masked(tf.add(tf.square(mean), tf.exp(logVariance)), mask);
  const sum = (x: tf.Tensor): tf.Tensor => tf.reshape(tf.sum(x, [...others]), [count]);
  return { energy: sum(terms), size: mask === undefined ? mean.size / count : sum(mask) };
}

/**
 * KL divergence of w ~ N(μ, σ²) from N(0, z²), summed: Σ ½ ((μ² + σ²)/z² - 1 - log σ² + log z²). With μ = z μ̃ and
 * σ = z σ̃ it is the KL of w̃ ~ N(μ̃, σ̃²) from N(0, 1). One node for TF.js, because its parts are as large as the
 * kernel; gradients in μ, log σ² and log z².
 *
 * @param logScale - log z², `[groups]`.
 */
export function scaledKl(weights: Weights, groups: Groups, logScale: tf.Tensor): tf.Scalar {
  const { mask } = weights;
  const compute = tf.customGrad((...args) => {
    const save = args.pop() as unknown as (tensors: tf.Tensor[]) => void;
    const [mean, logVariance, scale] = args as tf.Tensor[];
    const { energy, size } = energyOf({ mean, logVariance, mask }, groups);
    const pull = tf.mul(energy, tf.exp(tf.neg(scale)));
    const perGroup = tf.add(pull, tf.mul(tf.sub(scale, 1), size));
    const spread = tf.sum(masked(logVariance, mask));
    save([mean, logVariance, scale, tf.sub(size, pull)]);
    return {
      value: tf.mul(tf.sub(tf.sum(perGroup), spread), 0.5),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [mu, lv, s, slope] = saved;
        const rate = tf.mul(tf.reshape(tf.exp(tf.neg(s)), [...groups.broadcast]), dy);
        const half = tf.mul(dy, 0.5);
        return [
          masked(tf.mul(mu, rate), mask),
          masked(tf.sub(tf.mul(tf.exp(lv), tf.mul(rate, 0.5)), half), mask),
          tf.mul(slope, half),
        ];
      },
    };
  });
  return compute(weights.mean, weights.logVariance, logScale) as tf.Scalar;
}
