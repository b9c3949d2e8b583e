import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers'; // Brings the gradients.
import { beforeAll, describe, it } from 'vitest';
import { startBackend } from '../src/index.js';
import { same, some } from './same.js';
import { hasWebgpu } from './software-gpu.js';

const ids = (values: number[]): tf.Tensor1D => tf.tensor1d(values, 'int32');

/** What shared weights come to that are all pruned, a data set's last batch, a lookup of nothing. */
const ops: Record<string, [number[][], (x: tf.Tensor[]) => tf.Tensor]> = {
  'sums by segment of nothing': [[[0]], ([x]) => tf.unsortedSegmentSum(x, ids([]), 4)],
  'sums by segment of rows of nothing': [[[0, 3]], ([x]) => tf.unsortedSegmentSum(x, ids([]), 2)],
  'a lookup of nothing': [[[4, 3]], ([x]) => tf.gather(x, ids([]))],
  'the gradient of a lookup of nothing': [
    [[4, 3]],
    ([x]) => tf.grad((v: tf.Tensor) => tf.gather(v, ids([])))(x),
  ],
  'a sum of nothing': [[[0]], ([x]) => tf.sum(x)],
  'sums over an empty axis': [[[0, 3]], ([x]) => tf.sum(x, 0)],
  'sums of empty rows': [[[3, 0]], ([x]) => tf.sum(x, 1)],
  'a product over nothing': [
    [
      [2, 0],
      [0, 3],
    ],
    ([x, y]) => tf.matMul(x as tf.Tensor2D, y as tf.Tensor2D),
  ],
  'a product of nothing': [
    [
      [0, 3],
      [3, 2],
    ],
    ([x, y]) => tf.matMul(x as tf.Tensor2D, y as tf.Tensor2D),
  ],
  'sums and functions of nothing': [[[0, 2]], ([x]) => tf.relu(tf.add(x, tf.exp(x)))],
  'what is joined with nothing': [
    [
      [0, 3],
      [2, 3],
    ],
    ([x, y]) => tf.concat([x, y]),
  ],
};

describe.skipIf(!hasWebgpu)('tensors without elements on webgpu', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    await startBackend({ prefer: 'webgpu' });
  });

  it.each(Object.keys(ops))('%s', async (name) => {
    const [shapes, work] = ops[name];
    await same(shapes.map(some), (x) => [work(x)]);
  });
});
