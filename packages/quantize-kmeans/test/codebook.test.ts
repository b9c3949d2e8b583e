import { readFileSync } from 'node:fs';
import { randomUniform } from '@espalier/core';
import { describe, expect, it } from 'vitest';
import { lloydCodebook, optimalCodebook } from '../src/index.js';
import { initialCentroids, type LloydInit } from '../src/initial-centroids.js';
import { lloyd } from '../src/lloyd.js';
import { Moments } from '../src/moments.js';
import { optimalCentroids } from '../src/optimal-centroids.js';
import type { Sorted } from '../src/sorted.js';

interface Row {
  array: string;
  k: number;
  init: LloydInit;
  start: number[];
  lloydCentroids: number[];
  lloydInertia: number;
  optimalInertia: number;
  optimalCentroids?: number[];
}
const golden = JSON.parse(readFileSync(new URL('fixtures/kmeans-1d.json', import.meta.url), 'utf8')) as {
  arrays: Record<string, number[]>;
  rows: Row[];
};

const sortedOf = (values: readonly number[]): Sorted => ({
  values: Float64Array.from(values).sort(),
  weights: undefined,
});

function inertiaOf(
  values: Iterable<number>,
  centroids: ArrayLike<number>,
  weights?: ArrayLike<number>,
): number {
  let total = 0;
  let i = 0;
  for (const x of values) {
    total += (weights?.[i++] ?? 1) * Math.min(...Array.from(centroids, (c) => (x - c) ** 2));
  }
  return total;
}

const normal = (n: number, seed: number): Float32Array => {
  const draw = randomUniform(seed);
  return Float32Array.from(
    { length: n },
    () => Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw()),
  );
};

/** The least squared error over every way to give each value one of k centres, one of them 0 if asked for. */
function bruteForce(
  values: readonly number[],
  weights: readonly number[],
  k: number,
  keepZero: boolean,
): number {
  let best = Number.POSITIVE_INFINITY;
  const owner = new Array<number>(values.length).fill(0);
  for (let code = 0; code < k ** values.length; code++) {
    for (let i = 0, rest = code; i < values.length; i++, rest = Math.floor(rest / k)) owner[i] = rest % k;
    let total = 0;
    for (let j = 0; j < k; j++) {
      const members = values.map((_, i) => i).filter((i) => owner[i] === j);
      const weight = members.reduce((sum, i) => sum + weights[i], 0);
      const mean = members.reduce((sum, i) => sum + weights[i] * values[i], 0) / weight;
      const centre = keepZero && j === 0 ? 0 : mean;
      if (weight > 0) for (const i of members) total += weights[i] * (values[i] - centre) ** 2;
    }
    best = Math.min(best, total);
  }
  return best;
}

describe('golden vectors', () => {
  it.each(golden.rows)('$array k=$k $init', (row) => {
    const sorted = sortedOf(golden.arrays[row.array]);
    const { centroids, lowerBound } = optimalCentroids(sorted, row.k, false);
    expect(lowerBound).toBeUndefined();
    const inertia = inertiaOf(sorted.values, centroids);
    expect(Math.abs(inertia - row.optimalInertia)).toBeLessThanOrEqual(1e-9 * row.optimalInertia);
    if (row.optimalCentroids !== undefined && row.array !== 'dups60') {
      expect(centroids.length).toBe(row.k);
      for (const [i, c] of row.optimalCentroids.entries())
        expect(Math.abs(c - centroids[i])).toBeLessThan(1e-9);
    }

    if (row.init !== 'random' && row.array !== 'dups60') {
      const start = initialCentroids(sorted.values, row.k, row.init);
      for (const [i, c] of row.start.entries()) expect(Math.abs(c - start[i])).toBeLessThan(1e-9);
    }
    const reached = lloyd(new Moments(sorted), Float64Array.from(row.start).sort()).centroids;
    if (row.array === 'dups60') {
      expect(inertiaOf(sorted.values, reached)).toBeGreaterThanOrEqual(row.optimalInertia * (1 - 1e-9));
    } else {
      const expected = Float64Array.from(row.lloydCentroids).sort();
      for (const [i, c] of expected.entries()) expect(Math.abs(c - reached[i])).toBeLessThan(1e-9);
      expect(inertiaOf(sorted.values, reached)).toBeCloseTo(row.lloydInertia, 9);
    }
  });
});

describe('optimalCodebook', () => {
  it('is as good as the best of all assignments', () => {
    const draw = randomUniform(3);
    for (let round = 0; round < 60; round++) {
      const n = 1 + Math.floor(draw() * 7);
      const values = Float32Array.from({ length: n }, () => Math.round(draw() * 12 - 6) / 4);
      const weights = Float32Array.from({ length: n }, () => (draw() < 0.2 ? 0 : draw()));
      for (const k of [1, 2, 3]) {
        for (const keepZero of [false, true]) {
          for (const w of [undefined, weights]) {
            const result = optimalCodebook(values, k, { keepZero, ...(w && { weights: w }) });
            const best = bruteForce([...values], [...(w ?? values.map(() => 1))], k, keepZero);
            expect(result.inertia).toBeCloseTo(best, 6);
            expect(result.gap).toBe(0);
            if (keepZero) expect(result.centroids).toContain(0);
          }
        }
      }
    }
  });

  it('gives every value its nearest entry, strictly ascending entries, and the error it states', () => {
    const values = normal(5000, 1);
    for (const k of [1, 2, 7, 16, 300]) {
      for (const keepZero of [false, true]) {
        const { centroids, indices, inertia } = optimalCodebook(values, k, { keepZero });
        expect(centroids.length).toBe(k);
        expect(indices).toBeInstanceOf(k <= 256 ? Uint8Array : Uint16Array);
        for (let j = 1; j < k; j++) expect(centroids[j]).toBeGreaterThan(centroids[j - 1]);
        expect(centroids.includes(0)).toBe(keepZero);
        const stated = values.reduce((sum, x, i) => sum + (x - centroids[indices[i]]) ** 2, 0);
        expect(inertia).toBeCloseTo(stated, 9);
        expect(inertia).toBeCloseTo(inertiaOf(values, centroids), 9);
      }
    }
  });

  it('is never worse than Lloyd from any start', () => {
    const values = normal(3000, 2).map((x) => (Math.abs(x) < 0.5 ? 0 : x));
    for (const keepZero of [false, true]) {
      const best = optimalCodebook(values, 16, { keepZero }).inertia;
      for (const init of ['linear', 'density', 'random'] as const) {
        const { inertia, centroids } = lloydCodebook(values, 16, { init, keepZero });
        expect(inertia).toBeGreaterThanOrEqual(best * (1 - 1e-9));
        if (keepZero) expect(centroids).toContain(0);
      }
    }
  });

  it('bounds what grouping may cost, and Lloyd closes nearly all of it', () => {
    const values = normal(20000, 4).sort();
    const sorted: Sorted = { values, weights: undefined };
    for (const keepZero of [false, true]) {
      const exact = inertiaOf(values, optimalCentroids(sorted, 12, keepZero).centroids);
      for (const limit of [100, 1000]) {
        const { centroids, lowerBound } = optimalCentroids(sorted, 12, keepZero, limit);
        const inertia = inertiaOf(values, centroids);
        expect(lowerBound).toBeLessThanOrEqual(exact);
        expect(lowerBound).toBeGreaterThan(exact * (limit === 100 ? 0 : 0.98));
        expect(inertia).toBeLessThan(exact * (limit === 100 ? 1.02 : 1.0005));
        expect(inertia).toBeGreaterThanOrEqual(exact * (1 - 1e-9));
      }
    }
  });

  it('holds for values far from zero and for tiny and huge ones', () => {
    const offset = Float32Array.from(normal(2000, 5), (x) => 1000 + x);
    const centred = Float64Array.from(offset, (x) => x - 1000);
    const near = optimalCentroids({ values: centred.sort(), weights: undefined }, 8, false).centroids;
    const far = optimalCodebook(offset, 8).centroids;
    for (let j = 0; j < 8; j++) expect(far[j] - 1000).toBeCloseTo(near[j], 4);
    expect(optimalCodebook(Float32Array.of(1e-30, 2e-30, 1e30), 2).centroids).toEqual(
      Float32Array.of(1.5e-30, 1e30),
    );
    expect([...optimalCodebook(Float32Array.of(-0, 0, -1e-45), 3).centroids]).toEqual([
      -1.401298464324817e-45, 0,
    ]);
  });

  it('gives fewer entries where there are fewer distinct values', () => {
    expect([...optimalCodebook(Float32Array.of(2, 1, 2, 1), 5).centroids]).toEqual([1, 2]);
    expect([...optimalCodebook(Float32Array.of(0, 0), 4, { keepZero: true }).centroids]).toEqual([0]);
    expect([...optimalCodebook(Float32Array.of(0, 3, 3), 4, { keepZero: true }).centroids]).toEqual([0, 3]);
    expect([...optimalCodebook(Float32Array.of(-1, 1), 2, { keepZero: true }).centroids]).toHaveLength(2);
  });

  it('gives weights their say, and none to weight 0', () => {
    const values = Float32Array.of(0, 1, 10, 11, 1000);
    const { centroids } = optimalCodebook(values, 2, { weights: Float32Array.of(1, 3, 1, 1, 0) });
    expect([...centroids]).toEqual([0.75, 10.5]);
    expect([...optimalCodebook(values, 2, { weights: new Float32Array(5) }).indices]).toHaveLength(5);
  });

  it('refuses bad input', () => {
    const values = Float32Array.of(1, 2);
    expect(() => optimalCodebook(values, 0)).toThrow(/k is 0/);
    expect(() => optimalCodebook(values, 2.5)).toThrow(/whole number/);
    expect(() => optimalCodebook(values, 4097)).toThrow(/k is 4097/);
    expect(optimalCodebook(values, 4096).centroids).toEqual(values);
    expect(() => optimalCodebook(new Float32Array(0), 2)).toThrow(/no values/);
    expect(() => optimalCodebook(Float32Array.of(1, Number.NaN), 2)).toThrow(/Value 1 is NaN/);
    expect(() => optimalCodebook(Float32Array.of(Number.NEGATIVE_INFINITY), 2)).toThrow(/-Infinity/);
    expect(() => optimalCodebook(values, 2, { weights: Float32Array.of(1) })).toThrow(/1 weights for 2/);
    expect(() => optimalCodebook(values, 2, { weights: Float32Array.of(1, -1) })).toThrow(/weight 1 is -1/);
    expect(() => optimalCodebook(values, 2, { keepZeros: true } as never)).toThrow(/keepZero/);
  });
});
