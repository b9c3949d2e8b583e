import * as tf from '@tensorflow/tfjs-core';
import { spread } from './labels.js';

/** How much each row of a batch counts, of several rows an example: together 1 (or 0, where no example counts). */
export function shares(weights: tf.Tensor, rows: number): tf.Tensor1D {
  return tf.tidy(() => {
    const [counted] = weights.shape;
    const each = tf.div(tf.divNoNan(weights, tf.sum(weights)), rows / counted);
    return spread(each, rows);
  });
}

/** The mean of losses whose first axis is that of the examples, or of what has a weight. */
export function meanOf(losses: tf.Tensor, weights: tf.Tensor | undefined): tf.Scalar {
  if (weights === undefined) return tf.mean(losses);
  const flat = tf.reshape(losses, [losses.size]);
  return tf.sum(tf.mul(flat, shares(weights, losses.size)));
}
