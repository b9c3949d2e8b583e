import * as tf from '@tensorflow/tfjs-core';

/** min(x, most); where x is there or beyond, slopes that lead further up are 0, so that it can come back. */
export function bounded(x: tf.Tensor, most: number | undefined): tf.Tensor {
  if (most === undefined) return x;
  const compute = tf.customGrad((y, save) => {
    const source = y as tf.Tensor;
    (save as unknown as (tensors: tf.Tensor[]) => void)([source]);
    return {
      value: tf.minimum(source, most),
      gradFunc: (dy: tf.Tensor, [saved]: tf.Tensor[]) =>
        // Descent raises x where dy < 0.
        tf.where(tf.logicalOr(tf.less(saved, most), tf.greater(dy, 0)), dy, tf.zerosLike(dy)),
    };
  });
  return compute(x);
}
