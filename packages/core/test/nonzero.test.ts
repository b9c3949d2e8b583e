import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import type { Parameter } from '../src/index.js';
import { countNonzero } from '../src/internal/nonzero.js';
import { values } from './helpers.js';

const parameter = (of: readonly number[], shape: number[] = [of.length]): Parameter =>
  ({ variable: tf.tensor([...of], shape), size: of.length }) as unknown as Parameter;

test('a count for each parameter of what is not 0, negative, tiny and no numbers too', () => {
  tf.tidy(() => {
    const all = [
      parameter([0, 1, -2, 0, 1e-30, Number.NaN], [2, 3]),
      parameter([3]),
      parameter([0, -0], [2, 1]),
    ];
    expect(values(countNonzero(all))).toEqual([4, 1, 0]);
    expect(values(countNonzero(all.slice(1, 2)))).toEqual([1]);
  });
});

test('of no parameters there is one count, 0', () => {
  tf.tidy(() => {
    expect(values(countNonzero([]))).toEqual([0]);
  });
});

test('beyond 2^24 weights, where float32 leaves numbers out, it counts each', () => {
  tf.tidy(() => {
    const size = 2 ** 24 + 3;
    const variable = tf.ones([size]);
    const counts = values(countNonzero([{ variable, size } as unknown as Parameter]));
    expect(counts).toEqual([2 ** 24, 3]);
  });
});
