import * as tf from '@tensorflow/tfjs-core';
import type { Groups } from '../groups.js';

/**
 * Sums over each group of a tensor in the kernel's shape: `[groups]`. Rows are added up by a product with ones and
 * columns as one matrix, which native kernels do many times faster than a sum over several axes.
 */
export function groupSums(x: tf.Tensor, { side, count, axes, others }: Groups): tf.Tensor {
  const { rank, shape } = x;
  if (rank === 2 && side === 'inputs') {
    return tf.reshape(tf.matMul(x as tf.Tensor2D, tf.ones([shape[1] as number, 1])), [count]);
  }
  if (axes[axes.length - 1] === rank - 1) return tf.sum(tf.reshape(x, [-1, count]), 0);
  return tf.reshape(tf.sum(x, [...others]), [count]);
}

/** Sums over all axes but the last: `[…, n]` to `[n]`. */
export function columnSums(x: tf.Tensor): tf.Tensor {
  return tf.sum(tf.reshape(x, [-1, x.shape[x.rank - 1]]), 0);
}
