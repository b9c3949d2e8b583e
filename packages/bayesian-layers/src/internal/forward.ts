import * as tf from '@tensorflow/tfjs-core';
import type { Side } from './groups.js';
import type { Linear } from './linear.js';
import type { Draw } from './normal.js';

/** What a layer draws its outputs from. */
export interface Parts {
  readonly linear: Linear;
  readonly side: Side;
  /** Means and variances of the weights, in the kernel's shape. */
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
  readonly bias?: tf.Tensor | undefined;
  readonly biasVariance?: tf.Tensor | undefined;
}

/** Keeps the slope of the square root finite where nothing comes in. */
const least = 1e-12;

/** The shape that gives every example of a batch one number per group. */
export function perExample(x: tf.Tensor, count: number): number[] {
  return [x.shape[0], ...Array(x.rank - 2).fill(1), count];
}

/**
 * Local reparameterisation (Kingma, Salimans & Welling 2015): instead of weights, the outputs are drawn, which
 * are Gaussian given the scales z; every example has noise of its own. With groups on inputs
 * y = (x z) μ + b + ε √((x z)² σ² + σ_b²), on outputs y = z (x μ + b + ε √(x² σ² + σ_b²)); the bias is then
 * scaled as the weights are.
 *
 * @param z - Scales, `perExample`.
 */
export function drawOutputs(x: tf.Tensor, z: tf.Tensor, parts: Parts, draw: Draw): tf.Tensor {
  const { linear, side, mean, variance, bias, biasVariance } = parts;
  const scaled = side === 'inputs' ? tf.mul(x, z) : x;
  let y = linear(scaled, mean);
  let spread = tf.add(linear(tf.square(scaled), variance), least);
  if (bias !== undefined) y = tf.add(y, bias);
  if (biasVariance !== undefined) spread = tf.add(spread, biasVariance);
  y = tf.add(y, tf.mul(tf.sqrt(spread), draw(y.shape)));
  return side === 'outputs' ? tf.mul(y, z) : y;
}
