import * as tf from '@tensorflow/tfjs-core';
import type { Parameter } from '../parameter.js';

/** Up to here whole numbers are exact in float32. */
const exact = 2 ** 24;

/** How many weights are not 0, as a vector of numbers to be added up. Within a tidy. */
export function countNonzero(parameters: readonly Parameter[]): tf.Tensor1D {
  const counts: tf.Tensor[] = [];
  for (const { variable, size } of parameters) {
    const flat = tf.reshape(variable, [size]);
    for (let from = 0; from < size; from += exact) {
      const part = size <= exact ? flat : tf.slice(flat, from, Math.min(exact, size - from));
      counts.push(tf.sum(tf.cast(tf.notEqual(part, 0), 'float32')));
    }
  }
  return (counts.length === 0 ? tf.zeros([1]) : tf.stack(counts)) as tf.Tensor1D;
}
