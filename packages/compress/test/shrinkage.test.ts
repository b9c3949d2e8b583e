import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, test } from 'vitest';
import { bitsAtSameError, chooseDoubt, leastDoubt } from '../src/plan/shrinkage.js';
import { factorize } from '../src/round/factor.js';
import { depthwise, rowMajor } from '../src/trace/layout.js';
import { errorOf } from './moments.js';

const diagonal = (...energies: number[]): Float64Array => {
  const moments = new Float64Array(energies.length ** 2);
  energies.forEach((energy, i) => {
    moments[i * energies.length + i] = energy;
  });
  return moments;
};
/** Of features that have nothing in common: what is left of each row is its step, whatever sign it has. */
function byHand(steps: readonly number[], energies: readonly number[]): number {
  const error = steps.reduce((sum, step, i) => sum + (energies[i] as number) * step ** 2, 0);
  return 0.5 * Math.log2(error) - steps.reduce((sum, step) => sum + Math.log2(step), 0) / steps.length;
}

describe('what a doubt costs', () => {
  test('is half the logarithm of the error on the examples set apart, less that of the steps', () => {
    const split = { size: 3, biased: false, learned: diagonal(1, 4, 2), checked: diagonal(3, 1, 0.5) };
    const damping = (0.003 * 7) / 3;
    const steps = [1, 4, 2].map((energy) => 1 / Math.sqrt(energy + 2 * damping + 7 / 3));
    expect(bitsAtSameError(rowMajor(3, 2), split, 1)).toBeCloseTo(byHand(steps, [3, 1, 0.5]), 9);
  });

  test('of groups, each with its own moments', () => {
    const learned = Float64Array.of(...diagonal(1, 2), ...diagonal(5, 1));
    const checked = Float64Array.of(...diagonal(2, 3), ...diagonal(1, 7));
    const split = { size: 2, biased: false, learned, checked };
    const steps = [
      [1, 1.5],
      [2, 1.5],
      [5, 3],
      [1, 3],
    ].map(([energy, mean]) => 1 / Math.sqrt((energy as number) + 1.006 * (mean as number)));
    expect(bitsAtSameError(depthwise(2, 2, 1), split, 1)).toBeCloseTo(byHand(steps, [2, 3, 1, 7]), 9);
  });

  test('counts the bias, and covariances between the examples set apart', () => {
    // One row whose mean is 2: what its error does to the mean, the bias makes up for.
    const learned = Float64Array.of(6, 2, 2, 1);
    const checked = Float64Array.of(13, 3, 3, 1);
    const split = { size: 2, biased: true, learned, checked };
    const error = errorOf(checked, 2, (row) => (row === 0 ? 1 : -2));
    // One row's step is no matter.
    expect(bitsAtSameError(rowMajor(1, 3), split, 0.3)).toBeCloseTo(0.5 * Math.log2(error), 9);
  });

  test('is the mean over signs of what rows leave that make up for each other: nearly its exact value', () => {
    const size = 24;
    const energy = (i: number, j: number, common: number): number => (i === j ? 1 : common);
    const moments = (common: number): Float64Array =>
      Float64Array.from({ length: size ** 2 }, (_, i) => energy(Math.floor(i / size), i % size, common));
    const [learned, checked] = [moments(0.6), moments(0.4)];
    const { lower, pivots } = factorize(learned, size, 0.1, false);
    const mean = pivots.reduce((a, b) => a + b, 0) / size;
    let exact = 0;
    let octaves = 0;
    for (let row = 0; row < size; row++) {
      // What a unit in the bracket of this row alone does: e with M e = unit.
      const e = new Float64Array(size);
      for (let j = 0; j < size; j++) {
        e[j] = j === row ? 1 : 0;
        for (let k = 0; k < j; k++) e[j] -= lower[j * size + k] * e[k];
      }
      const step = 1 / Math.sqrt(pivots[row] + mean);
      exact += step ** 2 * errorOf(checked, size, (i) => e[i]);
      octaves += Math.log2(step) / size;
    }
    const found = bitsAtSameError(rowMajor(size, 1), { size, biased: false, learned, checked }, 0.1);
    expect(Math.abs(found - (0.5 * Math.log2(exact) - octaves))).toBeLessThan(0.15);
  });
});

describe('the doubt', () => {
  const candidates = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1];
  /** Rows that have `learned` of their variance in common in most examples, and `checked` in the others. */
  const shared = (learned: number, checked: number, rows = 8) => {
    const moments = (part: number): Float64Array =>
      Float64Array.from({ length: rows * rows }, (_, i) => (i % (rows + 1) === 0 ? 1 : part));
    return { size: rows, biased: false, learned: moments(learned), checked: moments(checked) };
  };

  test.each([
    [0.95, 0.95],
    [0.95, 0.5],
    [0.8, 0.1],
    [0.9, -0.1],
  ])(
    'of features with %d in common, and %d where they are checked: one of no greater cost beside it',
    (a, b) => {
      const split = shared(a, b);
      const cost = candidates.map((doubt) => bitsAtSameError(rowMajor(8, 48), split, doubt));
      const chosen = candidates.indexOf(chooseDoubt(rowMajor(8, 48), split));
      expect(chosen).toBeGreaterThanOrEqual(0);
      for (const beside of [chosen - 1, chosen + 1]) {
        if (beside in cost) expect(cost[beside]).toBeGreaterThanOrEqual(cost[chosen] as number);
      }
    },
  );

  test('is little where what was learned holds, and great where the contrary does', () => {
    expect(chooseDoubt(rowMajor(8, 48), shared(0.99, 0.99))).toBeLessThanOrEqual(0.01);
    expect(chooseDoubt(rowMajor(8, 48), shared(0.9, -0.12))).toBeGreaterThanOrEqual(0.3);
  });

  test('is at least what few positions for each row leave open', () => {
    expect(leastDoubt(100, 3)).toBeCloseTo(0.5, 12);
    expect(leastDoubt(1280, 96)).toBeCloseTo((0.03 * 1280) / (0.03 * 1280 + 96), 12);
    expect(leastDoubt(10, 0)).toBe(1);
  });
});
