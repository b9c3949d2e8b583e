import * as tf from '@tensorflow/tfjs-core';

/** The first two moments of independent random numbers. */
export interface Moments {
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
}

/**
 * The variance of products of independent numbers, Var[w z] = E[z]² Var[w] + Var[z] (E[w]² + Var[w]): the posterior
 * variance of weights w with scales z (Louizos et al. 2017, eq. 10 with the scales' own uncertainty). Broadcasts.
 */
export function productVariance(w: Moments, z: Moments): tf.Tensor {
  return tf.add(
    tf.mul(tf.square(z.mean), w.variance),
    tf.mul(z.variance, tf.add(tf.square(w.mean), w.variance)),
  );
}
