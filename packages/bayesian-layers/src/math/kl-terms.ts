/**
 * The terms of which every KL divergence here is a sum, element by element, with their slopes. The layers differentiate
 * the values by TF.js, the plugins use the slopes; the golden numbers hold for both.
 *
 * - Molchanov, Ashukha & Vetrov (2017), "Variational dropout sparsifies deep neural networks", ICML.
 * - Louizos, Ullrich & Welling (2017), "Bayesian compression for deep learning", NIPS.
 */
import * as tf from '@tensorflow/tfjs-core';

/** A term in nats, and its derivatives by its arguments, in their order. */
export interface Term {
  readonly value: tf.Tensor;
  slopes(): tf.Tensor[];
}

// Molchanov et al. (2017), eq. 14.
const [k1, k2, k3] = [0.63576, 1.8732, 1.48695];

/**
 * KL of N(μ, α μ²) from the log-uniform prior (Molchanov et al. 2017, eq. 14; within 0.009 nats):
 * k₁ - k₁ σ(y) + ½ log(1 + 1/α), y = k₂ + k₃ log α, where the constant makes it 0 for α → ∞. The difference is written
 * k₁ σ(-y), which does not cancel where σ(y) is near 1.
 */
export function logUniform(logRate: tf.Tensor): Term {
  const y = tf.add(tf.mul(logRate, k3), k2);
  const fall = tf.sigmoid(tf.neg(y));
  return {
    value: tf.add(tf.mul(fall, k1), tf.mul(tf.softplus(tf.neg(logRate)), 0.5)),
    slopes: () => [
      tf.neg(tf.add(tf.mul(tf.mul(tf.sigmoid(y), fall), k1 * k3), tf.mul(tf.sigmoid(tf.neg(logRate)), 0.5))),
    ],
  };
}

/**
 * KL of LN(μ, σ²) from Gamma(½, scale s) where the sign is 1, from inverse-Gamma(½, scale 1/s) where it is -1
 * (Louizos et al. 2017, appendix A): exp(±μ + σ²/2) / s - ½ (±μ + log σ² + 1 + log 2) + ½ log s.
 *
 * @param logScale - log s, so that an s beyond float32 is no matter.
 */
export function logNormal(mean: tf.Tensor, logVariance: tf.Tensor, sign: 1 | -1, logScale: number): Term {
  const signed = sign === 1 ? mean : tf.neg(mean);
  const half = tf.mul(tf.exp(logVariance), 0.5);
  const rise = tf.exp(tf.sub(tf.add(signed, half), logScale));
  const common = tf.mul(tf.add(tf.add(signed, logVariance), 1 + Math.LN2), 0.5);
  return {
    value: tf.add(tf.sub(rise, common), logScale / 2),
    slopes: () => [tf.mul(tf.sub(rise, 0.5), sign), tf.sub(tf.mul(rise, half), 0.5)],
  };
}

/** KL of N(μ, σ²) from N(0, 1): ½ (σ² + μ² - 1 - log σ²). */
export function gaussian(mean: tf.Tensor, logVariance: tf.Tensor): Term {
  const variance = tf.exp(logVariance);
  return {
    value: tf.mul(tf.sub(tf.add(variance, tf.square(mean)), tf.add(logVariance, 1)), 0.5),
    slopes: () => [mean, tf.mul(tf.sub(variance, 1), 0.5)],
  };
}
