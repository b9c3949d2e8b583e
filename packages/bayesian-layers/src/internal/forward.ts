import * as tf from '@tensorflow/tfjs-core';
import type { Side } from '../groups.js';
import type { Normal } from '../math/scale-priors.js';
import type { Linear } from './linear.js';
import { columnSums } from './sums.js';

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

/** y + b + ε √(v + σ_b² + tiny), one node for TF.js: its parts are as large as the outputs. */
function addNoise(y: tf.Tensor, v: tf.Tensor, parts: Parts, noise: tf.Tensor): tf.Tensor {
  const { bias, biasVariance } = parts;
  const inputs = [y, v, ...(bias ? [bias] : []), ...(biasVariance ? [biasVariance] : [])];
  const compute = tf.customGrad((...args) => {
    const save = args.pop() as unknown as (tensors: tf.Tensor[]) => void;
    const [mean, variance] = args as tf.Tensor[];
    const spread = tf.add(variance, biasVariance === undefined ? least : tf.add(biasVariance, least));
    const deviation = tf.sqrt(spread);
    const drawn = tf.add(mean, tf.mul(noise, deviation));
    save([tf.div(tf.mul(noise, 0.5), deviation)]);
    return {
      value: bias === undefined ? drawn : tf.add(drawn, bias),
      gradFunc: (dy: tf.Tensor, [slope]: tf.Tensor[]) => {
        const g = tf.mul(dy, slope);
        return [dy, g, ...(bias ? [columnSums(dy)] : []), ...(biasVariance ? [columnSums(g)] : [])];
      },
    };
  });
  return compute(...inputs);
}

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
export function drawOutputs(x: tf.Tensor, z: tf.Tensor, parts: Parts, draw: Normal): tf.Tensor {
  const { linear, side, mean, variance } = parts;
  const scaled = side === 'inputs' ? tf.mul(x, z) : x;
  const spread = linear(tf.square(scaled), variance);
  const parted = linear(scaled, mean);
  const y = addNoise(parted, spread, parts, draw(parted.shape));
  return side === 'outputs' ? tf.mul(y, z) : y;
}
