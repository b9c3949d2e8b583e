import * as tf from '@tensorflow/tfjs-core';
import type { Groups } from '../groups.js';
import { hasKernel, runKernel } from './kernels.js';
import { groupSums } from './sums.js';

/** Means and variances of weights, with their logarithms; pruned weights have a 0 in the mask. */
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
  readonly energy: tf.Tensor;
  /** Weights of each group that are not pruned. */
  readonly size: tf.Tensor;
  /** Σ log σ², over some of the groups or over all, to be added up. */
  readonly logs: tf.Tensor;
}

/** Whether the backend does it in one op: groups are rows, and nothing is masked. */
function inOneOp({ mean, mask, groups }: Omit<Gaussians, 'logVariance'>): boolean {
  return (
    mean.rank === 2 && groups.side === 'inputs' && mask === undefined && hasKernel('EspalierGaussianEnergy')
  );
}

export function gaussianSums(weights: Gaussians): GaussianSums {
  const { mean, variance, logVariance, mask, groups } = weights;
  const { count } = groups;
  const full = (): tf.Tensor => tf.fill([count], mean.size / count);
  if (inOneOp(weights)) {
    const [energy, logs] = runKernel('EspalierGaussianEnergy', { mean, variance, logVariance });
    return { energy, size: full(), logs };
  }
  const masked = (x: tf.Tensor): tf.Tensor => (mask === undefined ? x : tf.mul(x, mask));
  return {
    energy: groupSums(masked(tf.add(tf.square(mean), variance)), groups),
    size: mask === undefined ? full() : groupSums(mask, groups),
    logs: groupSums(masked(logVariance), groups),
  };
}

/**
 * Gradients of factor · Σ ½ ((μ² + σ²)/z² - log σ²) by μ and log σ².
 *
 * @param rate - factor / z² of each group.
 */
export function gaussianSlopes(
  weights: Omit<Gaussians, 'logVariance'>,
  rate: tf.Tensor,
  factor: tf.Tensor,
): { mean: tf.Tensor; logVariance: tf.Tensor } {
  const { mean, variance, mask, groups } = weights;
  if (inOneOp(weights)) {
    const [byMean, logVariance] = runKernel('EspalierGaussianSlopes', { mean, variance, rate, factor });
    return { mean: byMean, logVariance };
  }
  const masked = (x: tf.Tensor): tf.Tensor => (mask === undefined ? x : tf.mul(x, mask));
  const perGroup = tf.reshape(rate, [...groups.broadcast]);
  return {
    mean: masked(tf.mul(mean, perGroup)),
    logVariance: masked(tf.mul(tf.sub(tf.mul(variance, perGroup), factor), 0.5)),
  };
}
