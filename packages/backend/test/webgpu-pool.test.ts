import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers'; // Brings the gradients.
import { beforeAll, describe, expect, it } from 'vitest';
import { startBackend } from '../src/index.js';
import { same, some } from './same.js';
import { hasWebgpu } from './software-gpu.js';

type Four = [number, number, number, number];

// A software adapter compiles slowly when it is not alone.
describe.skipIf(!hasWebgpu)('pooling and depthwise convolutions on webgpu', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    await startBackend({ prefer: 'webgpu' });
  });

  const pools = [
    [[2, 6, 6, 3], 2, 2, 'valid'],
    [[1, 7, 5, 4], 3, 2, 'same'],
    [[3, 5, 6, 1], [2, 3], 1, 'valid'],
    [[2, 5, 5, 2], 1, 2, 'valid'],
    [[1, 6, 7, 2], 3, 2, 1],
  ] as [Four, number | [number, number], number, 'same' | 'valid' | number][];

  it.each(pools)(
    'maxima of %j over %j, strides %j, pad %j: among equal ones the first gets the gradient',
    async (shape, size, strides, pad) => {
      // A few values only, so that many are equal.
      const x = tf.tidy(() => tf.round(tf.mul(some(shape), 2)));
      await same([x], ([a]) => {
        const pool = (v: tf.Tensor): tf.Tensor => tf.maxPool(v as tf.Tensor4D, size, strides, pad);
        const y = pool(a);
        const dy = tf.reshape(tf.range(1, y.size + 1), y.shape);
        return [y, tf.grad(pool)(a, dy)];
      });
    },
  );

  it.each(pools)('averages of %j over %j, strides %j, pad %j', async (shape, size, strides, pad) => {
    await same([some(shape)], ([a]) => {
      const pool = (v: tf.Tensor): tf.Tensor => tf.avgPool(v as tf.Tensor4D, size, strides, pad);
      const y = pool(a);
      return [y, tf.grad(pool)(a, tf.reshape(tf.range(1, y.size + 1), y.shape))];
    });
  });

  it.each([
    [[2, 6, 7, 3], [3, 3, 3, 1], 1, 'same'],
    [[1, 7, 6, 4], [3, 2, 4, 2], 2, 'valid'],
    [[3, 5, 5, 1], [2, 2, 1, 3], 1, 'valid'],
    [[2, 8, 8, 5], [3, 3, 5, 1], 2, 'same'],
  ] as [Four, Four, number, 'same' | 'valid'][])(
    'a depthwise convolution of %j by %j, strides %j, pad %j',
    async (x, filter, strides, pad) => {
      await same([some(x), some(filter)], ([a, b]) => {
        const work = (v: tf.Tensor, w: tf.Tensor): tf.Tensor =>
          tf.depthwiseConv2d(v as tf.Tensor4D, w as tf.Tensor4D, strides, pad);
        const y = work(a, b);
        return [
          y,
          ...tf.grads(work)([a, b], tf.sub(tf.div(tf.reshape(tf.range(0, y.size), y.shape), y.size), 0.4)),
        ];
      });
    },
  );

  it('the gradient of a lookup, with rows that come often, never, and out of range', async () => {
    const ids = tf.tensor1d([4, 0, 4, 4, 2, 0, 9, -1], 'int32');
    await same([some([8, 5]), some([8]), ids], ([x, y, at]) => [
      tf.unsortedSegmentSum(x, at as tf.Tensor1D, 6),
      tf.unsortedSegmentSum(y, at as tf.Tensor1D, 5),
    ]);
    const long = tf.tensor1d(
      Int32Array.from({ length: 3000 }, (_, i) => (i * i) % 7),
      'int32',
    );
    await same([some([3000]), long], ([x, at]) => [tf.unsortedSegmentSum(x, at as tf.Tensor1D, 7)]);
    // A codebook of no values, and nothing to look up.
    for (const [segments, of] of [
      [0, 4],
      [3, 0],
    ]) {
      const sum = tf.unsortedSegmentSum(tf.zeros([of, 2]), tf.zeros([of], 'int32') as tf.Tensor1D, segments);
      expect([...(await sum.data())]).toEqual(new Array(segments * 2).fill(0));
      sum.dispose();
    }
    await same([some([30, 70]), tf.tensor1d([3, 1, 3], 'int32')], ([x, at]) => [
      tf.grad((v) => tf.square(tf.gather(v, at as tf.Tensor1D)))(x),
    ]);
  });
});
