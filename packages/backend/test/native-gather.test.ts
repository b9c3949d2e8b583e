import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { startBackend } from '../src/index.js';
import { hasNative } from './native.js';

describe.skipIf(!hasNative)('gathering on the native backend', () => {
  beforeAll(() => startBackend({ prefer: 'native' }));

  test('takes rows, columns and entries of a batch, of every type', () => {
    const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
    const at = (...indices: number[]) => tf.tensor1d(indices, 'int32');
    expect(
      tf
        .gather(x, at(1, 0, 1))
        .dataSync()
        .join(),
    ).toBe('4,5,6,1,2,3,4,5,6');
    expect(tf.gather(x, at(2, 0), 1).dataSync().join()).toBe('3,1,6,4');
    expect(tf.gather(tf.cast(x, 'int32'), at(1)).dtype).toBe('int32');
    const batched = tf.gather(x, tf.tensor2d([0, 2], [2, 1], 'int32'), 1, 1);
    expect(batched.dataSync().join()).toBe('1,6');
  });

  test.each([-1, 2])('says that the index %s is out of range, and leaves nothing', (index) => {
    const [x, indices] = [tf.ones([2, 3]), tf.tensor1d([0, index], 'int32')];
    const { numTensors } = tf.memory();
    expect(() => tf.tidy(() => tf.gather(x, indices))).toThrow(/GatherV2.*not in \[0, 2\)/);
    expect(tf.memory().numTensors).toBe(numTensors);
  });
});
