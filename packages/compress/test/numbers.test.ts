import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { coarse } from '../src/numbers/coarse.js';
import { entropyOf } from '../src/numbers/entropy.js';
import { solve } from '../src/numbers/least-squares.js';
import { exactProduct, mostInner } from '../src/numbers/product.js';

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

test('half octaves, and other parts: the nearest one; nothing stays nothing', () => {
  expect([0, 1, 4, 1.18, 1.2, 0.1].map((x) => coarse(x))).toEqual([0, 1, 4, 1, 2 ** 0.5, 2 ** -3.5]);
  expect(coarse(1.05, 16)).toBeCloseTo(2 ** (1 / 16), 12);
  // Last bits make no difference.
  expect(coarse(0.7 * (1 + 1e-6))).toBe(coarse(0.7));
});

test('products of whole numbers whose sums float32 has: in whatever order they are added, and no tensor stays', () => {
  const { numTensors } = tf.memory();
  const [rows, inner, columns] = [5, 64, 7];
  const number = (i: number): number => Math.sin(1 + i * i) * 10 ** ((i % 5) - 2);
  const left = Float64Array.from({ length: rows * inner }, (_, i) => number(i));
  const right = Float64Array.from({ length: inner * columns }, (_, i) => number(3 * i + 1));
  const product = exactProduct(left, right, [rows, inner, columns]);
  for (let r = 0; r < rows; r++) {
    const greatest = Math.max(
      ...Array.from(
        { length: inner },
        (_, k) =>
          Math.abs(left[r * inner + k]) *
          Math.max(...right.subarray(k * columns, (k + 1) * columns).map(Math.abs)),
      ),
    );
    for (let c = 0; c < columns; c++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += left[r * inner + k] * right[k * columns + c];
      // 17 bits of each.
      expect(Math.abs(product[r * columns + c] - sum)).toBeLessThan((greatest * inner) / 2 ** 17);
    }
  }
  // The inner axis in another order: the very same sums.
  const turned = (k: number): number => (k * 37 + 11) % inner;
  const otherLeft = left.map((_, i) => left[Math.floor(i / inner) * inner + turned(i % inner)]);
  const otherRight = right.map((_, i) => right[turned(Math.floor(i / columns)) * columns + (i % columns)]);
  expect(exactProduct(otherLeft, otherRight, [rows, inner, columns])).toEqual(product);
  expect(mostInner).toBe(256);
  expect([...exactProduct(Float64Array.of(1, 2, 3, 4), Float64Array.of(1, 0, 2, 1), [2, 2, 2])]).toEqual([
    5, 2, 11, 4,
  ]);
  expect([...exactProduct(new Float64Array(2), Float64Array.of(1, 2), [1, 2, 1])]).toEqual([0]);
  expect(tf.memory().numTensors).toBe(numTensors);
});
