import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { entropyOf } from '../src/numbers/entropy.js';
import { solve } from '../src/numbers/least-squares.js';
import { productOf } from '../src/numbers/product.js';

test('entropy, in bytes: of 4, 2, 1 and 1 of eight numbers 1.75 bits each', () => {
  expect(entropyOf(Float32Array.of(7, 7, 3, 7, -1, 3, 0, 7))).toBeCloseTo(14 / 8, 12);
  expect(entropyOf(new Float32Array(100).fill(5))).toBeCloseTo(0, 12);
  expect(entropyOf(Float32Array.from({ length: 256 }, (_, i) => i))).toBeCloseTo(256, 9);
});

test('least squares, of any size: what is solved for comes back', () => {
  const sizes = fc.integer({ min: 1, max: 7 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 1e6 }), (size, seed) => {
      const number = (i: number): number => Math.sin(seed + 12.9898 * i);
      const half = Array.from({ length: size }, (_, i) =>
        Array.from({ length: size }, (_, j) => number(i * size + j) + (i === j ? 3 : 0)),
      );
      const x = Array.from({ length: size }, (_, i) => 5 * number(100 + i));
      const a = new Float64Array(size * size);
      const b = new Float64Array(size);
      for (let i = 0; i < size; i++) {
        for (let j = 0; j < size; j++) {
          for (let k = 0; k < size; k++) a[i * size + j] += half[i][k] * half[j][k];
          b[i] += a[i * size + j] * x[j];
        }
      }
      solve(a, b).forEach((found, i) => {
        expect(found).toBeCloseTo(x[i], 6);
      });
    }),
  );
});

test('products, plain and transposed, which dispose their factors', () => {
  const { numTensors } = tf.memory();
  const a = (): tf.Tensor2D => tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
  expect([...productOf(a(), tf.tensor2d([1, 0, 2, 1, 0, 3], [3, 2]))]).toEqual([5, 11, 14, 23]);
  expect([...productOf(a(), tf.tensor2d([1, -1], [2, 1]), true)]).toEqual([-3, -3, -3]);
  expect(tf.memory().numTensors).toBe(numTensors);
});
