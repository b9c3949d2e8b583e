import * as tf from '@tensorflow/tfjs-core';

/** What a function computes on a backend, as arrays. */
export function on(backend: 'tensorflow' | 'cpu', compute: () => tf.Tensor[]): Float32Array[] {
  tf.setBackend(backend);
  const results = tf.tidy(compute);
  const read = results.map((t) => t.dataSync() as Float32Array);
  tf.dispose(results);
  return read;
}
