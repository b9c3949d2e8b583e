import * as tf from '@tensorflow/tfjs-core';
import type { Batch } from '../data.js';

/** Frees the tensors of a batch. */
export function disposeBatch({ inputs, labels, weights }: Batch): void {
  tf.dispose(weights === undefined ? [inputs, labels] : [inputs, labels, weights]);
}
