import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { intercept, type KernelCall } from '../src/model/intercept.js';
import { secondsOf } from '../src/model/seconds-of.js';
import { countedSeconds, Work } from '../src/time-budget.js';

/** What kernels of an action count for, in billionths of a second. */
function counted(action: () => tf.Tensor): number {
  let seconds = 0;
  const after = (call: KernelCall, outputs: readonly tf.Tensor[]): void => {
    seconds += secondsOf(call, outputs);
  };
  intercept({ after }, action).dispose();
  return seconds * 1e9;
}

test('a call counts 10 microseconds, a number that is written one billionth of a second, a product a tenth of that', () => {
  const x = tf.ones<tf.Rank.R4>([1, 8, 8, 3]);
  const deep = tf.ones<tf.Rank.R4>([3, 3, 3, 2]);
  const wide = tf.ones<tf.Rank.R4>([3, 3, 3, 5]);
  const small = tf.ones<tf.Rank.R4>([1, 4, 4, 5]);
  const [a, b] = [tf.ones([4, 7]), tf.ones([7, 6])];
  expect(counted(() => tf.relu(x))).toBeCloseTo(10_000 + 192, 3);
  expect(counted(() => tf.conv2d(x, wide, 1, 'same'))).toBeCloseTo(10_000 + 320 + 32 * 27, 3);
  expect(counted(() => tf.depthwiseConv2d(x, deep, 1, 'same'))).toBeCloseTo(10_000 + 384 + 38.4 * 9, 3);
  expect(counted(() => tf.conv2dTranspose(small, wide, [1, 8, 8, 3], 2, 'same'))).toBeCloseTo(
    10_000 + 192 + 8 * 27,
    3,
  );
  expect(counted(() => tf.matMul(a, b))).toBeCloseTo(10_000 + 24 + 2.4 * 7, 3);
  expect(counted(() => tf.matMul(b, a, true, true))).toBeCloseTo(10_000 + 24 + 2.4 * 7, 3);
  // What takes a list of tensors has no filter.
  expect(counted(() => tf.concat([a, a]))).toBeCloseTo(10_000 + 56, 3);
  tf.dispose([x, deep, wide, small, a, b]);
});

test('a kernel that is made of others is seen once, as one', () => {
  const seen: string[] = [];
  tf.registerKernel({
    kernelName: 'TwiceMore',
    backendName: 'cpu',
    kernelFunc: ({ inputs }) => tf.add(tf.mul(inputs.x as tf.Tensor, 2), inputs.x as tf.Tensor),
  });
  const result = intercept({ after: ({ kernel }) => seen.push(kernel) }, () =>
    tf.engine().runKernel('TwiceMore', { x: tf.scalar(3) } as never),
  ) as tf.Tensor;
  tf.unregisterKernel('TwiceMore', 'cpu');
  expect(result.dataSync()[0]).toBe(9);
  expect(seen).toEqual(['TwiceMore']);
});

test('work that is counted ends where it is told, whatever the clock says, and coders then search what the number of weights allows', () => {
  const work = new Work(50, countedSeconds);
  expect([work.counted, work.limited]).toEqual([true, true]);
  expect(work.milliseconds(0.1)).toBe(Number.POSITIVE_INFINITY);
  expect([work.effort(6, 2 ** 22), work.effort(6, 2 ** 22 + 1), work.effort(0, 1e9)]).toEqual([6, 1, 0]);
  expect(new Work(50).effort(6, 1e9)).toBe(6);
  expect(new Work(50).counted).toBe(false);
});
