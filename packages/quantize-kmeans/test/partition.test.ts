import { randomUniform } from '@espalier/core';
import { describe, expect, it } from 'vitest';
import { optimalCentroids } from '../src/optimal-centroids.js';
import { partition } from '../src/partition.js';
import { groupingError, pointsOf } from '../src/points.js';
import { compact } from '../src/quantized-tensor.js';
import type { Sorted } from '../src/sorted.js';

function points(m: number, seed: number): { values: Float64Array; weights: Float64Array } {
  const draw = randomUniform(seed);
  const values = Float64Array.from({ length: m }, () => 0.1 + 4 * draw()).sort();
  return { values, weights: Float64Array.from({ length: m }, () => 0.2 + draw()) };
}

/** Weighted squared distance of points from..to to their mean, or to a centre. */
function cost(
  values: Float64Array,
  weights: Float64Array,
  from: number,
  to: number,
  centre?: number,
): number {
  let [weight, sum] = [0, 0];
  for (let i = from; i < to; i++) {
    weight += weights[i];
    sum += weights[i] * values[i];
  }
  const at = centre ?? sum / weight;
  let total = 0;
  for (let i = from; i < to; i++) total += weights[i] * (values[i] - at) ** 2;
  return total;
}

/** Of all ways to cut positions from..m into q intervals, none of them empty, the one of least cost. */
function best(
  values: Float64Array,
  weights: Float64Array,
  from: number,
  q: number,
): { cost: number; ends: number[] } {
  const m = values.length;
  if (q === 0) return from === m ? { cost: 0, ends: [] } : { cost: Number.POSITIVE_INFINITY, ends: [] };
  let found = { cost: Number.POSITIVE_INFINITY, ends: [] as number[] };
  for (let end = from + 1; end <= m; end++) {
    const rest = best(values, weights, end, q - 1);
    const all = cost(values, weights, from, end) + rest.cost;
    if (all < found.cost) found = { cost: all, ends: [end, ...rest.ends] };
  }
  return found;
}

describe('partition', () => {
  it.each([1, 2, 3, 7, 8, 9])('is the best of all ways to cut %i points', (m) => {
    for (let seed = 1; seed <= 4; seed++) {
      const { values, weights } = points(m, 10 * m + seed);
      const { costs, ends } = partition(values, weights, 4, false);
      expect(costs.length).toBe(Math.min(4, m) + 1);
      expect(costs[0]).toBe(Number.POSITIVE_INFINITY);
      for (let q = 1; q < costs.length; q++) {
        const expected = best(values, weights, 0, q);
        expect(costs[q]).toBeCloseTo(expected.cost, 9);
        expect([...ends(q)]).toEqual(expected.ends);
      }
    }
  });

  it.each([1, 2, 3, 7, 8])('is the best beside a centre at 0 of %i points', (m) => {
    for (let seed = 1; seed <= 4; seed++) {
      const { values, weights } = points(m, 20 * m + seed);
      const { costs, ends } = partition(values, weights, 3, true);
      expect(costs.length).toBe(Math.min(3, m) + 1);
      for (let q = 0; q < costs.length; q++) {
        let expected = { cost: Number.POSITIVE_INFINITY, ends: [] as number[] };
        for (let pinned = 0; pinned <= m; pinned++) {
          const rest = best(values, weights, pinned, q);
          const all = cost(values, weights, 0, pinned, 0) + rest.cost;
          if (all < expected.cost) expected = { cost: all, ends: [pinned, ...rest.ends] };
        }
        expect(costs[q]).toBeCloseTo(expected.cost, 9);
        expect([...ends(q)]).toEqual(expected.ends);
      }
    }
  });

  it('has nothing to cut where there are no points', () => {
    const none = new Float64Array(0);
    expect([...partition(none, none, 3, true).costs]).toEqual([0]);
    expect([...partition(none, none, 3, true).ends(0)]).toEqual([0]);
  });

  it('is exact far from 0', () => {
    const { values, weights } = points(8, 5);
    const near = partition(values, weights, 3, false);
    const far = partition(
      values.map((x) => x + 1e6),
      weights,
      3,
      false,
    );
    for (const q of [1, 2, 3]) {
      expect(far.costs[q]).toBeCloseTo(near.costs[q], 6);
      expect([...far.ends(q)]).toEqual([...near.ends(q)]);
    }
  });
});

describe('pointsOf', () => {
  const sorted: Sorted = {
    values: Float64Array.of(-3, -1, -1, 2, 2, 2, 5),
    weights: Float32Array.of(9, 1, 0.5, 0, 2, 0.25, 0),
  };

  it('are the distinct values with their weights, without those of weight 0', () => {
    const all = pointsOf(sorted, 0, 7, 10);
    expect([[...all.values], [...all.weights]]).toEqual([
      [-3, -1, 2],
      [9, 1.5, 2.25],
    ]);
    expect([all.within, all.coarseness]).toEqual([0, 0]);
    const some = pointsOf({ ...sorted, weights: undefined }, 1, 6, 10);
    expect([[...some.values], [...some.weights]]).toEqual([
      [-1, 2],
      [2, 3],
    ]);
    const exactly = pointsOf({ ...sorted, weights: undefined }, 0, 7, 4);
    expect([...exactly.values]).toEqual([-3, -1, 2, 5]);
    expect(pointsOf(sorted, 6, 7, 10).values).toHaveLength(0);
  });

  it.each([false, true])('group neighbours where there are too many, weights %s', (weighted) => {
    const draw = randomUniform(4);
    const n = 2000;
    const values = Float64Array.from({ length: n }, () => 6 * draw() ** 4 - 1).sort();
    const weights = weighted ? Float32Array.from({ length: n }, () => draw()) : undefined;
    const of = { values, weights };
    const limit = 60;
    const [from, to] = [100, 1900];
    const grouped = pointsOf(of, from, to, limit);
    expect(grouped.values.length).toBeLessThanOrEqual(limit + 1);
    expect(grouped.values.length).toBeGreaterThan(limit / 4);
    const w = (i: number): number => weights?.[i] ?? 1;
    let [at, within, coarseness, total] = [from, 0, 0, 0];
    for (let i = from; i < to; i++) total += w(i);
    const bound = (4 * total * (values[to - 1] - values[from])) / limit ** 2;
    for (const [g, mean] of grouped.values.entries()) {
      // Each group goes on until its weight fills it.
      let [mass, sum, squares] = [0, 0, 0];
      const first = at;
      while (at < to && mass < grouped.weights[g] - 1e-9) {
        mass += w(at);
        sum += w(at) * values[at];
        squares += w(at) * values[at] ** 2;
        at++;
      }
      expect(mean).toBeCloseTo(sum / mass, 9);
      within += squares - sum ** 2 / mass;
      const span = mass * (values[at - 1] - values[first]);
      coarseness = Math.max(coarseness, span);
      expect(span).toBeLessThanOrEqual(bound);
      // One more would have been too many.
      if (at < to) expect((mass + w(at)) * (values[at] - values[first])).toBeGreaterThan(bound);
    }
    expect(at).toBe(to);
    expect(grouped.within).toBeCloseTo(within, 9);
    expect(grouped.coarseness).toBeCloseTo(coarseness, 9);
    expect(groupingError(grouped, 3)).toBeCloseTo(1.5 * coarseness, 9);
  });
});

describe('optimalCentroids', () => {
  const draw = randomUniform(8);
  const values = Float64Array.from({ length: 900 }, () => 3 * draw() - 1).sort();
  const weights = Float32Array.from({ length: 900 }, () => draw());
  const errorOf = (centroids: Float64Array): number =>
    values.reduce((sum, x, i) => sum + weights[i] * Math.min(...centroids.map((c) => (x - c) ** 2)), 0);

  it.each([false, true])('bound the optimum from below where they group values, zero %s', (keepZero) => {
    for (const k of [2, 3, 6]) {
      const exact = optimalCentroids({ values, weights }, k, keepZero);
      expect(exact.lowerBound).toBeUndefined();
      const optimum = errorOf(exact.centroids);
      const grouped = optimalCentroids({ values, weights }, k, keepZero, 100);
      expect(grouped.centroids).toHaveLength(k);
      expect(grouped.centroids.includes(0)).toBe(keepZero);
      expect(grouped.lowerBound).toBeLessThanOrEqual(optimum);
      // 100 groups of 3 units: a span of 0.03 and so an error of groups of about w s² / 12 = 0.03.
      expect(grouped.lowerBound).toBeGreaterThan(optimum - 6);
      expect(errorOf(grouped.centroids)).toBeLessThan(1.01 * optimum);
    }
  });

  it('know their bound from the groups: cost and what is within, less what grouping may hide', () => {
    const border = values.findIndex((x) => x > 0);
    const range = values[values.length - 1] - values[0];
    for (const k of [2, 5]) {
      const points = pointsOf({ values, weights }, 0, values.length, 100);
      const { costs } = partition(points.values, points.weights, k, false);
      const free = optimalCentroids({ values, weights }, k, false, 100);
      expect(free.lowerBound).toBeCloseTo(costs[k] + points.within - groupingError(points, range), 9);
      // Beside 0 each side has half of the points, and all ways to share the free centres out are tried.
      const mirror = { values: values.map((x) => -x).reverse(), weights: weights.slice().reverse() };
      const n = values.length;
      const left = pointsOf(mirror, n - border, n, 50);
      const right = pointsOf({ values, weights }, border, n, 50);
      const [a, b] = [left, right].map((side) => partition(side.values, side.weights, k - 1, true).costs);
      const cost = Math.min(...Array.from({ length: k }, (_, q) => a[q] + b[k - 1 - q]));
      const error = Math.max(groupingError(left, range), groupingError(right, range));
      const beside = optimalCentroids({ values, weights }, k, true, 100);
      expect(beside.lowerBound).toBeCloseTo(cost + left.within + right.within - error, 1);
    }
  });

  it('count the 0 to the range of values that lie on one side of it', () => {
    for (const [side, sign] of [
      [values.map((x) => x + 2), 1],
      [values.map((x) => -x - 2).reverse(), -1],
    ] as const) {
      const own = sign === 1 ? weights : weights.slice().reverse();
      const positive = sign === 1 ? side : side.map((x) => -x).reverse();
      const points = pointsOf({ values: positive, weights }, 0, side.length, 50);
      const { costs } = partition(points.values, points.weights, 2, true);
      const found = optimalCentroids({ values: side, weights: own }, 3, true, 100);
      const range = positive[positive.length - 1];
      const bound = costs[2] + points.within - groupingError(points, range);
      expect(found.lowerBound).toBeCloseTo(bound, 1);
      // Without the 0 in the range it would be another bound.
      expect(groupingError(points, range) - groupingError(points, range - positive[0])).toBeGreaterThan(0.2);
    }
  });

  it('are exact beside 0 when one side has fewer values than there are centres, or none', () => {
    const few = Float64Array.of(-4, 1, 2, 6, 7);
    expect([...optimalCentroids({ values: few, weights: undefined }, 4, true).centroids]).toEqual([
      -4, 0, 1.5, 6.5,
    ]);
    expect([...optimalCentroids({ values: few, weights: undefined }, 9, true).centroids]).toEqual([
      -4, 0, 1, 2, 6, 7,
    ]);
    const positive = Float64Array.of(1, 2, 6, 7);
    expect([...optimalCentroids({ values: positive, weights: undefined }, 3, true).centroids]).toEqual([
      0, 1.5, 6.5,
    ]);
    const negative = Float64Array.of(-7, -6, -2, -1);
    expect([...optimalCentroids({ values: negative, weights: undefined }, 3, true).centroids]).toEqual([
      -6.5, -1.5, 0,
    ]);
  });

  it('are one where all weights are 0, and the 0 alone where that is all there may be', () => {
    const none = optimalCentroids(
      { values: Float64Array.of(2, 3), weights: Float32Array.of(0, 0) },
      2,
      false,
    );
    expect([...none.centroids]).toEqual([2]);
    expect([...optimalCentroids({ values, weights }, 1, true).centroids]).toEqual([0]);
  });
});

describe('compact', () => {
  it('drops entries that nothing uses, and says which one is the zero', () => {
    const tensor = compact(Float32Array.of(-2, -1, 0, 3, 4), Uint8Array.of(4, 0, 2, 2, 4), true);
    expect([...tensor.codebook]).toEqual([-2, 0, 4]);
    expect([...tensor.indices]).toEqual([2, 0, 1, 1, 2]);
    expect(tensor.fixed).toEqual([1]);
    expect(compact(Float32Array.of(0, 1), Uint8Array.of(0, 1), false).fixed).toBeUndefined();
    expect(compact(Float32Array.of(0, 1), Uint8Array.of(1, 1), true).fixed).toBeUndefined();
    expect(compact(Float32Array.of(0, 1), Uint8Array.of(1, 0), true).fixed).toEqual([0]);
  });

  it('has bytes for indices up to 256 entries that are used', () => {
    const entries = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => i);
    for (const [all, used] of [
      [300, 300],
      [257, 257],
      [300, 257],
      [300, 256],
      [256, 256],
      [2, 2],
    ]) {
      const own = used <= 256 ? Uint8Array : Uint16Array;
      const { codebook, indices } = compact(entries(all), Uint16Array.from(entries(used)), false);
      expect(codebook).toEqual(entries(used));
      expect(indices).toEqual(own.from(entries(used)));
    }
  });
});
