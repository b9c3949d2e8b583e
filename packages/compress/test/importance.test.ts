import { describe, expect, test } from 'vitest';
import { coarse } from '../src/numbers/coarse.js';
import { importanceOf } from '../src/plan/importance.js';
import { fallingVariance, reordered } from '../src/plan/row-order.js';
import type { Factor } from '../src/round/factor.js';
import { depthwise, rowMajor } from '../src/trace/layout.js';

const factorOf = (...pivots: number[]): Factor => ({
  size: pivots.length,
  lower: new Float64Array(pivots.length ** 2),
  pivots: Float64Array.from(pivots),
});

describe('importance', () => {
  test('is what is left of the row and the mean row, times what the column and the mean column are felt', () => {
    // Rows of energies 4, 1 and the constant 1, of which 3 and 1 are left; columns felt 10 and 30 in all.
    const moments = Float64Array.of(4, 9, 9, 9, 1, 9, 9, 9, 1);
    const sensitivity = Float64Array.of(8, 29, 2, 1);
    const found = importanceOf(rowMajor(2, 2), sensitivity, moments, [factorOf(3, 1, 7)]);
    // A unit of a sum's square is felt 10 / 5 = 2 and 30 / 5 = 6, the mean 4; rows' mean is 2.
    expect([...found]).toEqual([
      coarse(3 + 2) * coarse(2 + 4),
      coarse(3 + 2) * coarse(6 + 4),
      coarse(1 + 2) * coarse(2 + 4),
      coarse(1 + 2) * coarse(6 + 4),
    ]);
  });

  test('groups have rows of their own; the mean column is that of all groups', () => {
    const moments = Float64Array.of(2, 0, 0, 2, 1, 0, 0, 3);
    const sensitivity = Float64Array.of(4, 8, 12, 8);
    const found = importanceOf(depthwise(2, 2, 1), sensitivity, moments, [factorOf(1, 3), factorOf(5, 1)]);
    // Felt: (4 + 12) / 4 = 4 and (8 + 8) / 4 = 4.
    expect([...found]).toEqual([coarse(1 + 2) * 8, 8 * 8, coarse(3 + 2) * 8, 4 * 8]);
  });

  test('nothing is unimportant: not a row that never was, nor a column that is not felt', () => {
    const moments = Float64Array.of(0, 0, 0, 1);
    const found = importanceOf(rowMajor(2, 2), Float64Array.of(0, 0, 0, 8), moments, [factorOf(1e-3, 1)]);
    for (const number of found) expect(number).toBeGreaterThan(0.5);
    const none = importanceOf(rowMajor(1, 2), new Float64Array(2), Float64Array.of(0), [factorOf(1e-30)]);
    for (const number of none) expect(number).toBeGreaterThan(0);
  });
});

describe('the order of rows', () => {
  test('falls with their variance about the mean, over all groups', () => {
    // Energies 5, 4, 3 about means 2, 0, 1: variances 1, 4, 2; of the second group 0.5, 0, 3.
    const first = [5, 0, 0, 2, 0, 4, 0, 0, 0, 0, 3, 1, 2, 0, 1, 1];
    const second = [0.5, 0, 0, 0, 0, 1, 0, 1, 0, 0, 3, 0, 0, 1, 0, 1];
    const gram = (...moments: number[]) => ({ size: 4, positions: 10, moments: Float64Array.from(moments) });
    expect([...fallingVariance(rowMajor(3, 1), gram(...first))]).toEqual([1, 2, 0]);
    expect([...fallingVariance(depthwise(3, 2, 1), gram(...first, ...second))]).toEqual([2, 1, 0]);
  });

  test('moments follow, with the constant last, or without it', () => {
    const moments = Float64Array.from({ length: 18 }, (_, i) => 10 * Math.floor(i / 3) + (i % 3));
    const order = Int32Array.of(1, 0);
    expect([...reordered(moments, 3, order, 3)]).toEqual([
      11, 10, 12, 1, 0, 2, 21, 20, 22, 41, 40, 42, 31, 30, 32, 51, 50, 52,
    ]);
    expect([...reordered(moments, 3, order, 2)]).toEqual([11, 10, 1, 0, 41, 40, 31, 30]);
  });
});
