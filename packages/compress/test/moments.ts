import * as tf from '@tensorflow/tfjs-core';
import { noise } from './models.js';

/** Second moments of features that are strongly correlated. */
export function momentsOf(size: number): Float64Array {
  const product = tf.tidy(() => {
    const common = tf.mul(noise([400, 1], 1), tf.ones([1, size - 1]));
    const features = tf.concat([tf.add(common, noise([400, size - 1], 2, 0.2)), tf.ones([400, 1])], 1);
    return tf.div(tf.matMul(features, features, true), 400).dataSync() as Float32Array;
  });
  return Float64Array.from(product);
}

/** Mean squared error of the sums that errors of weights make. */
export function errorOf(moments: Float64Array, size: number, errors: (row: number) => number): number {
  let sum = 0;
  for (let i = 0; i < size; i++)
    for (let j = 0; j < size; j++) sum += errors(i) * errors(j) * moments[i * size + j];
  return sum;
}
