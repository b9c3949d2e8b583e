import * as tf from '@tensorflow/tfjs-core';
import type { Groups } from './groups.js';
import { hasNoiseKernels, runKernel } from './kernels.js';
import { groupSums } from './sums.js';

/** A kernel's means and variances, with their logarithms; pruned weights have a 0 in the mask. */
export interface Gaussians {
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
  readonly logVariance: tf.Tensor;
  readonly mask: tf.Tensor | undefined;
  readonly groups: Groups;
}

/** What the KL divergence needs to know of a kernel. */
export interface GaussianSums {
  /** Σ (μ² + σ²) of each group. */
  readonly energy: Float64Array;
  /** Weights of each group that are not pruned. */
  readonly size: Float64Array;
  /** Σ log σ². */
  readonly logs: number;
}

const read = (x: tf.Tensor): Float64Array => Float64Array.from(x.dataSync());
const sum = (values: Float64Array): number => values.reduce((a, b) => a + b, 0);

/** Whether the backend does it in one op: groups are rows, and nothing is masked. */
function inOneOp({ mean, mask, groups }: Gaussians): boolean {
  return mean.rank === 2 && groups.side === 'inputs' && mask === undefined && hasNoiseKernels();
}

export function gaussianSums(weights: Gaussians): GaussianSums {
  const { mean, variance, logVariance, mask, groups } = weights;
  const { count } = groups;
  const full = (): Float64Array => new Float64Array(count).fill(mean.size / count);
  if (inOneOp(weights)) {
    const [energy, logs] = runKernel('EspalierGaussianEnergy', { mean, variance, logVariance });
    return { energy: read(energy), size: full(), logs: sum(read(logs)) };
  }
  const masked = (x: tf.Tensor): tf.Tensor => (mask === undefined ? x : tf.mul(x, mask));
  return {
    energy: read(groupSums(masked(tf.add(tf.square(mean), variance)), groups)),
    size: mask === undefined ? full() : read(groupSums(mask, groups)),
    logs: sum(read(groupSums(masked(logVariance), groups))),
  };
}

/**
 * Gradients of factor · Σ ½ ((μ² + σ²)/z² - log σ²) by μ and log σ².
 *
 * @param rate - factor / z² of each group.
 */
export function gaussianSlopes(
  weights: Gaussians,
  rate: Float32Array,
  factor: number,
): { mean: tf.Tensor; logVariance: tf.Tensor } {
  const { mean, variance, mask, groups } = weights;
  if (inOneOp(weights)) {
    const inputs = { mean, variance, rate: tf.tensor1d(rate), factor: tf.scalar(factor) };
    const [byMean, logVariance] = runKernel('EspalierGaussianSlopes', inputs);
    return { mean: byMean, logVariance };
  }
  const masked = (x: tf.Tensor): tf.Tensor => (mask === undefined ? x : tf.mul(x, mask));
  const perGroup = tf.tensor(rate, [...groups.broadcast], 'float32');
  return {
    mean: masked(tf.mul(mean, perGroup)),
    logVariance: masked(tf.sub(tf.mul(variance, tf.mul(perGroup, 0.5)), factor / 2)),
  };
}
