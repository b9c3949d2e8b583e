import { optimalCodebook } from '@espalier/quantize-kmeans';
import { statistics } from '@espalier/report';
import { expect, test } from 'vitest';
import { centres } from '../src/shared-values.js';

/** Numbers with a heavy tail, from a linear congruential generator. */
function weights(size: number, sparsity = 0): Float32Array {
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  return Float32Array.from({ length: size }, () => {
    const [u, v] = [random(), random()];
    if (random() < sparsity) return 0;
    return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v) * Math.exp(random());
  });
}

test('centres found on groups of neighbours are next to the best', () => {
  for (const sparsity of [0, 0.7]) {
    const values = weights(30_000, sparsity);
    const facts = statistics(values);
    const found = centres(values, [16, 64], facts);
    for (const [i, k] of [16, 64].entries()) {
      const best = optimalCodebook(values, k, { keepZero: sparsity > 0 });
      expect(found[i].squares).toBeGreaterThanOrEqual(best.inertia * (1 - 1e-6));
      expect(found[i].squares).toBeLessThan(1.01 * best.inertia);
      expect(found[i].centroids).toHaveLength(k);
      expect(found[i].centroids.includes(0)).toBe(sparsity > 0);
    }
  }
});

test('they are the best, and lose nothing, where few values are shared', () => {
  const values = weights(1500);
  const [{ centroids, squares }] = centres(values, [16], statistics(values));
  const best = optimalCodebook(values, 16);
  expect([...centroids]).toEqual([...best.centroids]);
  // Summed in another order.
  expect(squares).toBeCloseTo(best.inertia, 10);
  const shared = Float32Array.from({ length: 9000 }, (_, i) => (i % 16) - 5);
  expect(centres(shared, [16], statistics(shared))[0].squares).toBe(0);
});

test('of bytes that stand for values the centres are the same, without sorting', () => {
  const levels = Uint8Array.from(weights(20_000), (v) =>
    Math.max(0, Math.min(255, Math.round(60 * v + 128))),
  );
  // A falling scale, and one at which some value is 0.
  for (const [scale, min] of [
    [0.02, -2.56],
    [-0.5, 3],
    [0, 7],
  ]) {
    const values = Float32Array.from(levels, (level) => level * scale + min);
    const facts = statistics(values);
    const [given, sorted] = [centres(values, [16, 256], facts, levels), centres(values, [16, 256], facts)];
    for (const [i, { centroids, squares }] of given.entries()) {
      expect(squares).toBeCloseTo(sorted[i].squares, 6);
      if (scale !== 0) expect([...centroids]).toEqual([...sorted[i].centroids]);
    }
  }
});
