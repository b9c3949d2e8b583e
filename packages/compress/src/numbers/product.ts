import * as tf from '@tensorflow/tfjs-core';

/**
 * The numbers of a matrix product; both factors are disposed. (What `tf.tidy` returns must hold no long array: it looks at each
 * element for tensors.)
 */
export function productOf(a: tf.Tensor2D, b: tf.Tensor2D, transposeA = false): Float32Array {
  const product = tf.matMul(a, b, transposeA);
  const values = product.dataSync() as Float32Array;
  tf.dispose([a, b, product]);
  return values;
}
