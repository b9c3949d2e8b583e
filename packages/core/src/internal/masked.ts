import * as tf from '@tensorflow/tfjs-core';

/** The source where the mask is 1, +0 where it is 0. The caller owns the result. */
export function maskedCopy(source: tf.Tensor, mask: tf.Tensor | undefined): tf.Tensor {
  // + 0 because -3 times 0 is -0, whose bits are not those of 0.
  return mask === undefined ? tf.clone(source) : tf.tidy(() => tf.add(tf.mul(source, mask), 0));
}
