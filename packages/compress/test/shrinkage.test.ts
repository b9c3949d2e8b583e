import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, test } from 'vitest';
import { entropyOf } from '../src/numbers/entropy.js';
import { bitsAtSameError, chooseDoubt, leastDoubt } from '../src/plan/shrinkage.js';
import { depthwise, rowMajor } from '../src/trace/layout.js';
import { errorOf } from './moments.js';

const diagonal = (...energies: number[]): Float64Array => {
  const moments = new Float64Array(energies.length ** 2);
  energies.forEach((energy, i) => {
    moments[i * energies.length + i] = energy;
  });
  return moments;
};
const values = (count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(1 + i * i));

/** Of features that have nothing in common each weight goes to the nearest step. */
function byHand(weights: readonly number[], steps: readonly number[], energies: readonly number[]): number {
  const levels = weights.map((w, i) => Math.round(w / (steps[i] as number)));
  const error = weights.reduce(
    (sum, w, i) => sum + (energies[i] as number) * (w - (levels[i] as number) * (steps[i] as number)) ** 2,
    0,
  );
  return (8 * entropyOf(Float32Array.from(levels))) / weights.length + 0.5 * Math.log2(error);
}

/** Steps of these proportions whose root mean square is the weights' over 1.5. */
function scaled(weights: readonly number[], proportions: readonly number[]): number[] {
  const squares = (list: readonly number[]): number => list.reduce((sum, x) => sum + x * x, 0);
  const factor = Math.sqrt(squares(weights) / squares(proportions)) / 1.5;
  return proportions.map((p) => p * factor);
}

describe('what a doubt costs', () => {
  test('is the entropy of the levels and half the logarithm of the error on the examples set apart', () => {
    const weights = values(6);
    const [learned, checked] = [diagonal(1, 4, 2), diagonal(3, 1, 0.5)];
    const split = { size: 3, biased: false, learned, checked };
    const damping = (0.003 * 7) / 3;
    const mean = 7 / 3 + damping;
    const proportions = [1, 1, 4, 4, 2, 2].map((energy) => 1 / Math.sqrt(energy + damping + mean));
    const energies = [3, 3, 1, 1, 0.5, 0.5];
    expect(bitsAtSameError(weights, rowMajor(3, 2), split, 1)).toBeCloseTo(
      byHand([...weights], scaled([...weights], proportions), energies),
      5,
    );
  });

  test('of groups, each with its own moments', () => {
    const weights = values(4);
    const learned = Float64Array.of(...diagonal(1, 2), ...diagonal(5, 1));
    const checked = Float64Array.of(...diagonal(2, 3), ...diagonal(1, 7));
    const split = { size: 2, biased: false, learned, checked };
    const proportions = [
      [1, 1.5],
      [5, 3],
      [2, 1.5],
      [1, 3],
    ].map(([energy, mean], i) => {
      const damping = 0.003 * (i % 2 ? 3 : 1.5);
      return 1 / Math.sqrt((energy as number) + (mean as number) + 2 * damping);
    });
    expect(bitsAtSameError(weights, depthwise(2, 2, 1), split, 1)).toBeCloseTo(
      byHand([...weights], scaled([...weights], proportions), [2, 1, 3, 7]),
      5,
    );
  });

  test('counts the bias, and covariances between the examples set apart', () => {
    // One row whose mean is 2: what its error does to the mean, the bias makes up for.
    const learned = Float64Array.of(6, 2, 2, 1);
    const checked = Float64Array.of(13, 3, 3, 1);
    const split = { size: 2, biased: true, learned, checked };
    const weights = Float32Array.of(0.9, -0.4, 0.25);
    const steps = scaled([...weights], [1, 1, 1]);
    const levels = [...weights].map((w, i) => Math.round(w / (steps[i] as number)));
    const error = [...weights].reduce((sum, w, i) => {
      const own = w - (levels[i] as number) * (steps[i] as number);
      return sum + errorOf(checked, 2, (row) => (row === 0 ? own : -2 * own));
    }, 0);
    const bits = (8 * entropyOf(Float32Array.from(levels))) / 3 + 0.5 * Math.log2(error);
    expect(bitsAtSameError(weights, rowMajor(1, 3), split, 0.3)).toBeCloseTo(bits, 4);
  });
});

describe('the doubt', () => {
  const candidates = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1];
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
      const weights = values(8 * 48);
      const cost = candidates.map((doubt) => bitsAtSameError(weights, rowMajor(8, 48), split, doubt));
      const chosen = candidates.indexOf(chooseDoubt(weights, rowMajor(8, 48), split));
      expect(chosen).toBeGreaterThanOrEqual(0);
      for (const beside of [chosen - 1, chosen + 1]) {
        if (beside in cost) expect(cost[beside]).toBeGreaterThanOrEqual(cost[chosen] as number);
      }
    },
  );

  test('is little where what was learned holds, and great where the contrary does', () => {
    const weights = values(8 * 48);
    expect(chooseDoubt(weights, rowMajor(8, 48), shared(0.99, 0.99))).toBeLessThanOrEqual(0.01);
    expect(chooseDoubt(weights, rowMajor(8, 48), shared(0.9, -0.12))).toBeGreaterThanOrEqual(0.3);
  });

  test('of many columns is that of every so-manieth, 48 at most', () => {
    const weights = values(8 * 100);
    const split = shared(0.95, 0.5);
    const every = Array.from({ length: 34 }, (_, i) => 3 * i);
    const some = Float32Array.from(
      Array.from({ length: 8 }, (_, r) => every.map((c) => weights[r * 100 + c] as number)).flat(),
    );
    expect(chooseDoubt(weights, rowMajor(8, 100), split)).toBe(chooseDoubt(some, rowMajor(8, 34), split));
  });

  test('is at least what few positions for each row leave open', () => {
    expect(leastDoubt(100, 3)).toBeCloseTo(0.5, 12);
    expect(leastDoubt(1280, 96)).toBeCloseTo((0.03 * 1280) / (0.03 * 1280 + 96), 12);
    expect(leastDoubt(10, 0)).toBe(1);
  });
});
