import { readLater, readNow } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reading, readsAtOnce } from '../src/read.js';
import { codeOf } from './helpers.js';

const looked = () => ({
  matrix: tf.tensor2d([
    [1, 2],
    [3, 4],
  ]),
  none: undefined,
  empty: tf.tensor1d([]),
  list: [
    tf.scalar(-5, 'int32'),
    [tf.tensor1d([true, false], 'bool'), { deep: tf.tensor1d([6.5, 7.5, 8.5]) }],
  ],
  last: tf.tensor1d([]),
});
const seen = {
  matrix: Float32Array.of(1, 2, 3, 4),
  none: undefined,
  empty: new Float32Array(0),
  list: [Float32Array.of(-5), [Float32Array.of(1, 0), { deep: Float32Array.of(6.5, 7.5, 8.5) }]],
  last: new Float32Array(0),
};

describe.each([
  ['readNow', readNow],
  ['readLater', readLater],
  ['reading()', reading()],
] as const)('%s', (_, read) => {
  test('gives the numbers of all, in the lists and records that they lie in', async () => {
    const before = tf.memory().numTensors;
    expect(await read(looked, (found) => found)).toEqual(seen);
    expect(
      await read(
        () => tf.scalar(3),
        ([x]) => x + 1,
      ),
    ).toBe(4);
    expect(
      await read(
        () => [],
        () => 'nothing',
      ),
    ).toBe('nothing');
    expect(tf.memory().numTensors).toBe(before);
  });

  test('gives numbers of its own: tensors that go on living may change', async () => {
    const kept = tf.variable(tf.tensor1d([1, 2]));
    const found = await read(
      () => kept,
      (numbers) => numbers,
    );
    tf.tidy(() => kept.assign(tf.tensor1d([3, 4])));
    expect([...found]).toEqual([1, 2]);
    expect(kept.isDisposed).toBe(false);
    found[0] = 9;
    expect([...kept.dataSync()]).toEqual([3, 4]);
    kept.dispose();
  });
});

test('what is read at once is read at once, and the rest is not', async () => {
  expect(
    readNow(
      () => tf.scalar(1),
      ([x]) => x,
    ),
  ).toBe(1);
  expect(
    readLater(
      () => tf.scalar(1),
      ([x]) => x,
    ),
  ).toBeInstanceOf(Promise);
  expect(reading()).toBe(readNow);
});

describe('on WebGPU', () => {
  const tensor = tf.tensor1d([1]);
  beforeAll(async () => {
    tf.registerBackend('webgpu', () =>
      Object.assign(new tf.KernelBackend(), { setDataMover() {}, dispose() {} }),
    );
    await tf.setBackend('webgpu');
  });
  afterAll(async () => {
    await tf.setBackend('cpu');
    tf.removeBackend('webgpu');
  });

  test('nothing is read at once', async () => {
    expect(readsAtOnce()).toBe(false);
    expect(reading()).toBe(readLater);
    expect(
      await codeOf(() =>
        readNow(
          () => [tensor],
          () => 1,
        ),
      ),
    ).toBe('asynchronous-backend');
    // Where there is nothing to be read, nothing has to be waited for.
    expect(
      readNow(
        () => [undefined],
        ([x]) => x,
      ),
    ).toBeUndefined();
  });
});
