import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { gradients } from '../src/calibrate/gradients.js';
import { noise } from './models.js';

/** Slopes of the sum of the squares, against those of finite differences. */
async function check(f: (x: tf.Tensor) => tf.Tensor, shape: number[]): Promise<void> {
  const x = noise(shape, 3);
  const before = tf.memory().numTensors;
  const loss = (outputs: readonly tf.Tensor[]): tf.Tensor =>
    tf.sum(tf.square(tf.cast(outputs[0] as tf.Tensor, 'float32')));
  const slopes = await gradients(async () => [tf.tidy(() => f(x))], loss, [x]);
  expect(tf.memory().numTensors).toBe(before);
  const values = x.dataSync();
  for (let i = 0; i < values.length; i++) {
    const at = (step: number): number =>
      tf.tidy(() => {
        const moved = Float32Array.from(values);
        moved[i] += step;
        return loss([f(tf.tensor(moved, shape))]).dataSync()[0];
      });
    const measured = (at(1e-2) - at(-1e-2)) / 2e-2;
    expect(Math.abs((slopes?.[0]?.[i] ?? 0) - measured)).toBeLessThan(5e-3 + 1e-3 * Math.abs(measured));
  }
  x.dispose();
}

describe('gradients that TF.js lacks', () => {
  test('of parts and rearrangements', async () => {
    await check((x) => tf.stridedSlice(x, [0, 1], [3, 5], [2, 2]), [3, 5]);
    await check((x) => tf.gatherND(x, tf.tensor2d([[1], [0], [1]], [3, 1], 'int32')), [2, 3]);
    await check((x) => tf.depthToSpace(x as tf.Tensor4D, 2), [1, 2, 1, 4]);
  });

  test('where inputs are repeated along axes', async () => {
    const other = noise([2, 3, 4], 5);
    await check((x) => tf.maximum(x, other), [3, 1]);
    await check((x) => tf.minimum(other, x), [4]);
    await check((x) => tf.squaredDifference(x, other), [1, 4]);
    await check((x) => tf.squaredDifference(other, x), [2, 1, 1]);
    // Of two that are equal one has the slope.
    await check((x) => tf.maximum(x, x), [3]);
    await check((x) => tf.minimum(x, x), [3]);
    other.dispose();
  });

  test('of a list of one', async () => {
    await check((x) => tf.mul(3, tf.unstack(x)[0]), [1, 4]);
    await check((x) => tf.mul(3, tf.split(x, [4], 1)[0]), [2, 4]);
    await check((x) => tf.mul(tf.unstack(x)[0], tf.unstack(x)[1]), [2, 3]);
  });

  test('of choices are none, and what is chosen from has its own', async () => {
    await check((x) => tf.mul(x, tf.cast(tf.greater(x, 0), 'float32')), [6]);
    await check((x) => tf.mul(tf.cast(tf.argMax(x, 0), 'float32'), tf.sum(x)), [5]);
  });

  test('TF.js is left as it was', async () => {
    const kernels = [
      'StridedSlice',
      'Equal',
      'ArgMax',
      'Maximum',
      'Minimum',
      'SquaredDifference',
      'Unpack',
      'SplitV',
    ];
    const before = kernels.map(tf.getGradient);
    await gradients(
      async () => [tf.scalar(1)],
      ([y]) => y as tf.Tensor,
      [tf.scalar(1)],
    );
    expect(before.slice(0, 2)).toEqual([undefined, undefined]);
    kernels.forEach((kernel, i) => {
      expect(tf.getGradient(kernel)).toBe(before[i]);
    });
  });
});
