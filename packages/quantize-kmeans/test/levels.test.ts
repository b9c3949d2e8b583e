import { randomUniform } from '@espalier/core';
import { describe, expect, it } from 'vitest';
import { bestLevels } from '../src/best-step.js';
import { type ChoiceOptions, chooseLevels, type Signal } from '../src/choose-levels.js';
import { emptyBits, type Places, ratesOf } from '../src/rate-model.js';

/** A matrix with values at some of its places, and importances. */
function signal(rows: number, columns: number, seed: number, share = 0.6): Signal {
  const draw = randomUniform(seed);
  const at = Array.from({ length: rows * columns }, (_, i) => i).filter(() => draw() < share);
  return {
    shape: { rows, columns },
    rows: Uint32Array.from(at, (i) => Math.floor(i / columns)),
    columns: Uint32Array.from(at, (i) => i % columns),
    values: Float32Array.from(at, () => 4 * (draw() - 0.5) ** 3),
    weights: Float32Array.from(at, () => 0.5 + draw()),
  };
}

const logit = (p: number): number => Math.log2(p / (1 - p));
const count = (list: Iterable<number>, what: number): number => [...list].filter((x) => x === what).length;

/** The model of the documentation, line by line, in bits. */
function ratesByHand(places: Places, levels: readonly number[], top: number, entryBits: number) {
  const { rows, columns } = places.shape;
  const used = levels.flatMap((level, j) => (level === 0 ? [] : [j]));
  const density = (used.length + 0.5) / (rows * columns + 1);
  const odds = (inLine: number, length: number): number =>
    Math.min(rows, columns) < 8 ? logit(density) : logit((inLine + 1) / (length + 1 / density));
  const inRow = used.map((j) => places.rows[j]);
  const inColumn = used.map((j) => places.columns[j]);
  return {
    rowBits: Array.from({ length: rows }, (_, r) => logit(density) - odds(count(inRow, r), columns)),
    columnBits: Array.from({ length: columns }, (_, c) => -odds(count(inColumn, c), rows)),
    levelBits: Array.from({ length: 2 * top + 1 }, (_, i) => {
      if (i === top) return 0;
      const same = count(levels, i - top) + count(levels, top - i);
      return (
        1 - Math.log2((same + 0.1) / (used.length + 1)) + entryBits / Math.max(1, count(levels, i - top))
      );
    }),
  };
}

describe('ratesOf', () => {
  it.each([
    [12, 9],
    [8, 8],
    [7, 40],
    [40, 7],
  ])('is the model that it says it is, %i x %i', (rows, columns) => {
    const places = signal(rows, columns, rows);
    const draw = randomUniform(2);
    const levels = Array.from(places.values, () => Math.round(6 * draw() ** 2 - 3));
    for (const entryBits of [0, 32]) {
      const found = ratesOf(places, Int16Array.from(levels), 4, entryBits);
      const expected = ratesByHand(places, levels, 4, entryBits);
      for (const key of ['rowBits', 'columnBits', 'levelBits'] as const) {
        expect(found[key]).toHaveLength(expected[key].length);
        for (const [i, bits] of expected[key].entries()) expect(found[key][i]).toBeCloseTo(bits, 9);
      }
      const all = expected.rowBits.flatMap((r) =>
        expected.columnBits.map((c) => Math.log2(1 + 2 ** -(r + c))),
      );
      expect(emptyBits(found)).toBeCloseTo(
        all.reduce((a, b) => a + b),
        6,
      );
    }
  });
});

describe('chooseLevels', () => {
  const lambdas = [0, 1e-4, 1e-3, 1e-2];

  it.each(lambdas)('takes for each value the level that costs least, at an exchange rate of %d', (lambda) => {
    const of = signal(12, 10, 7);
    const width = 0.02;
    const { step, levels, top, points, distortion, bits } = chooseLevels(of, width, {
      lambda,
      reconstruction: 'uniform',
      rounds: 1,
    });
    expect(step).toBe(Math.fround(width));
    expect(top).toBe(Math.round(Math.max(...of.values.map(Math.abs)) / step));
    expect([...points]).toEqual(Array.from({ length: 2 * top + 1 }, (_, i) => (i - top) * step));
    const rounded = Array.from(of.values, (x) => Math.max(-top, Math.min(top, Math.round(x / step))));
    const { rowBits, columnBits, levelBits } = ratesByHand(of, rounded, top, 0);
    let [error, spent] = [0, 0];
    for (const [j, x] of of.values.entries()) {
      const costOf = (level: number): [number, number, number] => {
        const d = of.weights[j] * (x - level * step) ** 2;
        const b = level === 0 ? 0 : rowBits[of.rows[j]] + columnBits[of.columns[j]] + levelBits[level + top];
        return [d + lambda * b, d, b];
      };
      const side = x < 0 ? -1 : 1;
      const most = Math.max(1, Math.abs(rounded[j]));
      const tried = [0, 1, 2, 3].map((i) => most - i).filter((m) => m > 0);
      const all = [0, ...tried.map((m) => side * m)];
      const chosen = costOf(levels[j]);
      expect(all).toContain(levels[j] + 0);
      for (const level of all) expect(chosen[0]).toBeLessThanOrEqual(costOf(level)[0] + 1e-12);
      error += chosen[1];
      spent += chosen[2];
    }
    expect(distortion).toBeCloseTo(error, 9);
    const all = rowBits.flatMap((r) => columnBits.map((c) => Math.log2(1 + 2 ** -(r + c))));
    expect(bits).toBeCloseTo(
      all.reduce((a, b) => a + b, spent),
      6,
    );
  });

  it('puts points at the weighted mean of their members, the zero excepted', () => {
    const of = signal(12, 10, 8);
    const { levels, top, points, step } = chooseLevels(of, 0.05, {
      lambda: 1e-3,
      reconstruction: 'centroid',
      rounds: 1,
    });
    const used = new Set(levels);
    expect(used.size).toBeGreaterThan(3);
    for (let level = -top; level <= top; level++) {
      const members = [...levels.keys()].filter((j) => levels[j] === level);
      const weight = members.reduce((sum, j) => sum + of.weights[j], 0);
      const mean = members.reduce((sum, j) => sum + of.weights[j] * of.values[j], 0) / weight;
      expect(points[level + top]).toBeCloseTo(level === 0 || members.length === 0 ? level * step : mean, 9);
    }
  });

  it('takes the plain mean of members that are all unimportant', () => {
    const of = { ...signal(2, 2, 1, 2), values: Float32Array.of(1, 1.25, -1, 0.75) };
    const { points, top } = chooseLevels({ ...of, weights: new Float32Array(4) }, 1, {
      lambda: 0,
      reconstruction: 'centroid',
      rounds: 1,
    });
    // With nothing at stake all are 0: the point keeps its place.
    expect([...points]).toEqual([-1, 0, 1]);
    expect(top).toBe(1);
  });

  it('has three levels at least and 32,767 at most', () => {
    const of = signal(4, 4, 3);
    const options: ChoiceOptions = { lambda: 0, reconstruction: 'uniform', rounds: 1 };
    expect(chooseLevels(of, 100, options).top).toBe(1);
    expect(chooseLevels(of, 1e-9, options).top).toBe(16383);
  });

  it('goes on while more than a thousandth of the levels change, no longer than asked', () => {
    const of = signal(30, 20, 9);
    const at = (rounds: number) => {
      const { levels, bits, distortion } = chooseLevels(of, 0.03, {
        lambda: 3e-3,
        reconstruction: 'centroid',
        rounds,
      });
      return JSON.stringify([[...levels], bits, distortion]);
    };
    expect(at(1)).not.toBe(at(2));
    expect(at(2)).not.toBe(at(3));
    expect(at(200)).toBe(at(400));
  });
});

describe('bestLevels', () => {
  it.each([1e-5, 1e-4, 1e-3, 1e-2])('costs no more than any step that could be tried, at %d', (lambda) => {
    const of = signal(20, 16, 11);
    const cost = ({ distortion, bits }: { distortion: number; bits: number }): number =>
      distortion + lambda * bits;
    const weight = of.weights.reduce((a, b) => a + b);
    const peak = Math.max(...of.values.map(Math.abs));
    // s = sqrt(6 lambda / (w ln 2)), w the mean importance, between a thousand levels and three.
    const rule = Math.sqrt((6 * lambda * of.values.length) / (weight * Math.log(2)));
    const middle = Math.min(Math.max(rule, peak / 1000), 1.5 * peak);
    const short = (step: number) => chooseLevels(of, step, { lambda, reconstruction: 'uniform', rounds: 5 });
    const steps = Array.from({ length: 13 }, (_, i) => middle * 2 ** ((i - 6) / 2));
    const costs = steps.map((step) => cost(short(step)));
    const best = steps[costs.indexOf(Math.min(...costs))];
    const found = bestLevels(of, lambda, 'uniform');
    expect(found.step).toBeCloseTo(best, 6);
    const long = chooseLevels(of, best, { lambda, reconstruction: 'uniform', rounds: 20 });
    expect(found.levels).toEqual(long.levels);
    expect(found.bits).toBe(long.bits);
  });

  it('looks from a thousand levels to three, and three octaves beyond', () => {
    const of = signal(9, 9, 12);
    const peak = Math.max(...of.values.map(Math.abs));
    expect(peak).toBeLessThan(1);
    // Bits that cost nothing: the finest step. Bits that are dear: all is 0 at any step, and the first is taken.
    expect(bestLevels(of, 1e-30, 'uniform').step / (peak / 1000 / 8)).toBeCloseTo(1, 6);
    const coarse = bestLevels(of, 1e3, 'uniform');
    expect(coarse.step / ((1.5 * peak) / 8)).toBeCloseTo(1, 6);
    expect(coarse.levels.every((level) => level === 0)).toBe(true);
  });

  it('does with values below 0 what it does with those above', () => {
    const of = signal(12, 10, 14);
    const positive = { ...of, values: of.values.map(Math.abs) };
    const negative = { ...of, values: of.values.map((x) => -Math.abs(x)) };
    const [up, down] = [positive, negative].map((own) => bestLevels(own, 1e-6, 'centroid'));
    expect(down.step).toBe(up.step);
    expect(down.bits).toBeCloseTo(up.bits, 6);
    expect([...down.levels].map((level) => 0 - level)).toEqual([...up.levels]);
  });

  describe('of a large tensor', () => {
    const lambda = 1e-3;
    const cost = ({ distortion, bits }: { distortion: number; bits: number }): number =>
      distortion + lambda * bits;
    /** The best step for the rows of a signal whose number `every` divides, by hand. */
    const bestOf = (of: Signal, every: number): number => {
      const { rows, columns } = of.shape;
      const its = [...of.rows.keys()].filter((j) => of.rows[j] % every === 0);
      const sample: Signal = {
        shape: { rows: Math.ceil(rows / every), columns },
        rows: Uint32Array.from(its, (j) => of.rows[j] / every),
        columns: Uint32Array.from(its, (j) => of.columns[j]),
        values: Float32Array.from(its, (j) => of.values[j]),
        weights: Float32Array.from(its, (j) => of.weights[j]),
      };
      const weight = of.weights.reduce((a, b) => a + b);
      const rule = Math.sqrt((6 * lambda * of.values.length) / (weight * Math.log(2)));
      const steps = Array.from({ length: 13 }, (_, i) => rule * 2 ** ((i - 6) / 2));
      const costs = steps.map((step) =>
        cost(chooseLevels(sample, step, { lambda, reconstruction: 'uniform', rounds: 5 })),
      );
      return steps[costs.indexOf(Math.min(...costs))];
    };
    /** Every so many rows one has larger weights than the rest, which matter more: its best step is another one. */
    const uneven = (rows: number, columns: number, every = 3): Signal => {
      const of = signal(rows, columns, 21, 0.9);
      const large = (j: number): boolean => of.rows[j] % every === 0;
      return {
        ...of,
        values: of.values.map((x, j) => (large(j) ? x : x / 4)),
        weights: of.weights.map((w, j) => (large(j) ? w : 20 * w)),
      };
    };

    it.each([
      [24, 3],
      [22, 3],
      [24, 2],
      [25, 2],
    ])('of %i rows is the best one for a part of them, evenly spread: each %i.', (rows, every) => {
      const of = uneven(rows, 16, every);
      const [all, part] = [bestOf(of, 1), bestOf(of, every)];
      expect(part).not.toBe(all);
      const n = of.values.length;
      for (const [most, step] of [
        [n, all],
        [n / every, part],
        [n / (every - 0.5), part],
      ])
        expect(bestLevels(of, lambda, 'uniform', most).step / step).toBeCloseTo(1, 6);
    });

    it('takes two rows, but not one for all', () => {
      const few = uneven(4, 60);
      const half = few.values.length / 3;
      expect(bestLevels(few, lambda, 'uniform', half).step / bestOf(few, 3)).toBeCloseTo(1, 6);
      const two = uneven(2, 60);
      expect(bestLevels(two, lambda, 'uniform', 40).step / bestOf(two, 1)).toBeCloseTo(1, 6);
    });
  });

  it('has nothing to do where there is nothing', () => {
    const none = { ...signal(3, 3, 1, 0) };
    expect(none.values).toHaveLength(0);
    expect(bestLevels(none, 0.1, 'uniform')).toMatchObject({ step: 1, distortion: 0, top: 1 });
  });
});
