import * as tf from '@tensorflow/tfjs-core';
import { listed } from '../arrange.js';
import type { Batch } from '../data.js';

/** All tensors of a batch, in one order. */
export function tensorsOf({ inputs, labels, weights }: Batch): readonly tf.Tensor[] {
  const all = [inputs, labels].flatMap((part) =>
    part instanceof tf.Tensor || Array.isArray(part) ? listed(part) : Object.values(part),
  );
  return weights === undefined ? all : [...all, weights];
}
