import * as tf from '@tensorflow/tfjs-core';
import type { AxisSelection } from '../plugin.js';

/** The entries of a tensor that survived a transform. The caller owns the result. */
export function cutTensor(tensor: tf.Tensor, selections: readonly AxisSelection[]): tf.Tensor {
  return tf.tidy(() => {
    let cut = tf.clone(tensor);
    for (const { axis, indices } of selections) cut = tf.gather(cut, tf.tensor1d(indices, 'int32'), axis);
    return cut;
  });
}
