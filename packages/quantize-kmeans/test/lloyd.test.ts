import { randomUniform } from '@espalier/core';
import { describe, expect, it } from 'vitest';
import { initialCentroids } from '../src/initial-centroids.js';
import { intervals, lloyd } from '../src/lloyd.js';
import { Moments } from '../src/moments.js';
import { type Sorted, upperBound } from '../src/sorted.js';

const sortedOf = (values: readonly number[], weights?: readonly number[]): Sorted => ({
  values: Float64Array.from(values),
  weights: weights && Float32Array.from(weights),
});

/** `n` ascending values and their weights. */
function sample(n: number, seed: number): { values: number[]; weights: number[] } {
  const draw = randomUniform(seed);
  const values = Array.from({ length: n }, () => 8 * draw() ** 3 - 2).sort((a, b) => a - b);
  return { values, weights: values.map(() => Math.fround(draw())) };
}

/** Lloyd's iteration as it is written down: each value to the nearest centre, each centre to its values' mean. */
function plainLloyd(
  values: readonly number[],
  weights: readonly number[],
  start: readonly number[],
  pinned = -1,
  most = 1000,
): { centroids: number[]; iterations: number } {
  const centroids = [...start];
  const assign = (): number[] =>
    values.map((x) =>
      centroids.reduce((best, c, j) => (Math.abs(x - c) < Math.abs(x - centroids[best]) ? j : best), 0),
    );
  let owners = assign();
  for (let iterations = 1; iterations <= most; iterations++) {
    for (const j of centroids.keys()) {
      if (j === pinned) continue;
      const mine = [...values.keys()].filter((i) => owners[i] === j);
      const weight = mine.reduce((sum, i) => sum + weights[i], 0);
      if (weight > 0) centroids[j] = mine.reduce((sum, i) => sum + weights[i] * values[i], 0) / weight;
    }
    const next = assign();
    if (next.every((owner, i) => owner === owners[i])) return { centroids, iterations };
    owners = next;
  }
  return { centroids, iterations: most };
}

describe('Moments', () => {
  it.each([0, 1, 255, 256, 257, 512, 700])('are the sums of the first i of %i values', (n) => {
    const { values, weights } = sample(n, 3);
    const plain = new Moments(sortedOf(values));
    const weighted = new Moments(sortedOf(values, weights));
    for (const i of [0, 1, 100, 255, 256, 257, 511, 512, 513, 700].filter((at) => at <= n)) {
      const sum = (of: (j: number) => number): number => {
        let total = 0;
        for (let j = 0; j < i; j++) total += of(j);
        return total;
      };
      plain.upTo(i);
      expect(plain.weight).toBe(i);
      expect(plain.sum).toBeCloseTo(
        sum((j) => values[j]),
        9,
      );
      expect(plain.squares).toBeCloseTo(
        sum((j) => values[j] ** 2),
        9,
      );
      weighted.upTo(i);
      expect(weighted.weight).toBeCloseTo(
        sum((j) => weights[j]),
        9,
      );
      expect(weighted.sum).toBeCloseTo(
        sum((j) => weights[j] * values[j]),
        9,
      );
      expect(weighted.squares).toBeCloseTo(
        sum((j) => weights[j] * values[j] ** 2),
        9,
      );
    }
  });
});

describe('upperBound', () => {
  it('is where the first greater value stands, within bounds', () => {
    const values = Float64Array.of(1, 2, 2, 2, 3, 5);
    expect([0, 1, 1.5, 2, 3, 4, 5, 9].map((x) => upperBound(values, x))).toEqual([0, 1, 1, 4, 5, 5, 6, 6]);
    expect(upperBound(values, 0, 2, 4)).toBe(2);
    expect(upperBound(values, 9, 2, 4)).toBe(4);
    expect(upperBound(values, 2, 2, 5)).toBe(4);
  });
});

describe('intervals', () => {
  it('give a value to the nearest centre, on a tie to the lower one', () => {
    const moments = new Moments(sortedOf([-1, 0, 1, 2, 3, 4]));
    expect([...intervals(moments, Float64Array.of(0, 2, 4))]).toEqual([3, 5, 6]);
    expect([...intervals(moments, Float64Array.of(-9, 9))]).toEqual([2, 6]);
  });

  it('give what several equal centres have to the first of them', () => {
    const moments = new Moments(sortedOf([0, 1, 2, 3, 4]));
    expect([...intervals(moments, Float64Array.of(1, 1, 1))]).toEqual([5, 5, 5]);
    expect([...intervals(moments, Float64Array.of(0, 0, 3, 3))]).toEqual([2, 2, 5, 5]);
  });
});

describe('lloyd', () => {
  it.each([1, 2, 3, 4])('takes the steps that the textbook takes (%i)', (seed) => {
    const { values, weights } = sample(600, seed);
    const start = [-1.5, -0.5, 0, 1, 5];
    for (const [own, pinned] of [
      [undefined, undefined],
      [weights, undefined],
      [weights, 2],
    ] as const) {
      const expected = plainLloyd(values, own ?? values.map(() => 1), start, pinned);
      const found = lloyd(new Moments(sortedOf(values, own)), Float64Array.from(start), { pinned });
      expect(found.iterations).toBe(expected.iterations);
      expect(expected.iterations).toBeGreaterThan(3);
      for (const [j, c] of expected.centroids.entries()) expect(found.centroids[j]).toBeCloseTo(c, 9);
    }
  });

  it('stops after so many iterations, and leaves the start as it was', () => {
    const { values, weights } = sample(600, 5);
    const start = Float64Array.of(-1.5, -0.5, 0, 1);
    for (const maxIterations of [1, 2, 3]) {
      const found = lloyd(new Moments(sortedOf(values, weights)), start, { maxIterations });
      const expected = plainLloyd(values, weights, [...start], -1, maxIterations);
      expect(found.iterations).toBe(maxIterations);
      for (const [j, c] of expected.centroids.entries()) expect(found.centroids[j]).toBeCloseTo(c, 9);
    }
    expect([...start]).toEqual([-1.5, -0.5, 0, 1]);
  });

  it('keeps the centre of a cluster that is empty or of no weight', () => {
    const empty = lloyd(new Moments(sortedOf([0, 1, 9, 10])), Float64Array.of(0, 5, 9));
    expect([...empty.centroids]).toEqual([0.5, 5, 9.5]);
    const weightless = lloyd(new Moments(sortedOf([0, 1, 9, 10], [1, 1, 0, 0])), Float64Array.of(0, 9));
    expect([...weightless.centroids]).toEqual([0.5, 9]);
  });
});

describe('initialCentroids', () => {
  const values = Float64Array.of(0, 1, 2, 3, 10);

  it('linear: equally spaced over the range', () => {
    expect([...initialCentroids(values, 5, 'linear')]).toEqual([0, 2.5, 5, 7.5, 10]);
    expect([...initialCentroids(Float64Array.of(4, 5, 8), 1, 'linear')]).toEqual([6]);
    expect([...initialCentroids(Float64Array.of(4, 5, 8), 2, 'linear')]).toEqual([4, 8]);
  });

  it('density: quantiles (i + 1/2) / k, between values in proportion', () => {
    // Positions 1 and 3 of 0 to 4; then 2; then 0.4, 1.2, 2, 2.8 and 3.6.
    expect([...initialCentroids(values, 2, 'density')]).toEqual([1, 3]);
    expect([...initialCentroids(values, 1, 'density')]).toEqual([2]);
    const five = initialCentroids(values, 5, 'density');
    for (const [i, expected] of [0.4, 1.2, 2, 2.8, 7.2].entries()) expect(five[i]).toBeCloseTo(expected, 12);
    expect([...initialCentroids(Float64Array.of(7), 2, 'density')]).toEqual([7, 7]);
  });

  it('random: distinct values of the data, as many as there are, by the seed', () => {
    const data = Float64Array.of(1, 1, 1, 1, 1, 2, 3, 3, 4);
    for (let seed = 0; seed < 20; seed++) {
      for (const k of [1, 2, 3, 4]) {
        const chosen = [...initialCentroids(data, k, 'random', seed)];
        expect(chosen).toHaveLength(k);
        expect(new Set(chosen).size).toBe(k);
        expect(chosen.every((c, i) => data.includes(c) && (i === 0 || c > chosen[i - 1]))).toBe(true);
      }
      expect([...initialCentroids(data, 6, 'random', seed)]).toEqual([1, 2, 3, 4]);
      // The first draw says which value comes first.
      expect([...initialCentroids(data, 1, 'random', seed)]).toEqual([
        data[Math.floor(randomUniform(seed)() * 9)],
      ]);
    }
  });
});
