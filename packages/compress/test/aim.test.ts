import { describe, expect, test } from 'vitest';
import { type Aim, aimOf } from '../src/search/aim.js';
import { search } from '../src/search/search.js';
import { Work } from '../src/time-budget.js';

describe('an aim', () => {
  test('in decibels: 6.02 of them an octave, and at most a quarter more than asked for', () => {
    const { aim, bytes } = aimOf({ quality: 40 }, 100);
    expect(bytes).toBe(false);
    expect([39.99, 40, 41].map(aim.meets)).toEqual([false, true, true]);
    expect([40.2, 40.3].map(aim.near)).toEqual([true, false]);
    expect(aim.octaves(40.1)).toBeCloseTo(0, 12);
    expect(aim.octaves(40.1 + 6.02)).toBeCloseTo(1, 12);
    expect(aim.octaves(40.1 - 12.04)).toBeCloseTo(-2, 12);
    expect([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN].map(aim.octaves)).toEqual([
      6, -6, -6,
    ]);
    expect([aim.better(2, 1), aim.better(1, 2), aim.better(1, 1)]).toEqual([true, false, false]);
    expect((aim.luck as number) * 6.02).toBeCloseTo(1, 12);
    expect([45, 44.9].map(aimOf({}, 1).aim.meets)).toEqual([true, false]);
  });

  test('in bytes: a bit a weight an octave, and finer is better', () => {
    const { aim, bytes } = aimOf({ size: 1000 }, 400);
    expect(bytes).toBe(true);
    expect([1001, 1000, 1].map(aim.meets)).toEqual([false, true, true]);
    expect([985, 986].map(aim.near)).toEqual([false, true]);
    expect(aim.octaves(995)).toBe(0);
    // 100 bytes are 2 bits for each of 400 weights.
    expect(aim.octaves(1095)).toBeCloseTo(2, 12);
    expect(aim.octaves(945)).toBeCloseTo(-1, 12);
    expect([aim.better(1, 2), aim.better(2, 1), aim.better(1, 1)]).toEqual([true, false, false]);
    expect(aim.luck).toBeUndefined();
  });

  test('in bits a weight: whole bytes of all weights', () => {
    const { aim } = aimOf({ bits: 2.5 }, 333);
    expect([104, 105].map(aim.meets)).toEqual([true, false]);
    expect(aimOf({ size: 5 }, 0).aim.octaves(6)).toBeCloseTo(8 * (6 - 4.975), 9);
  });
});

describe('a search', () => {
  const aim: Aim = {
    meets: (figure) => figure >= 0,
    near: (figure) => figure < 0.02,
    octaves: (figure) => figure,
    better: (a, b) => a > b,
  };
  const tried = async (figure: (octaves: number) => number, own: Aim = aim, start = 1) => {
    const trials: number[] = [];
    const found = await search(start, own, async (fineness) => {
      trials.push(Math.log2(fineness));
      return figure(Math.log2(fineness));
    });
    return { found, trials };
  };

  test('goes as far as the figure lets expect, six octaves at most', async () => {
    const { trials, found } = await tried((f) => 4.01 - f);
    expect(trials[0]).toBe(0);
    expect(trials[1]).toBeCloseTo(4.01, 9);
    expect(found.met).toBe(true);
    expect((await tried((f) => 60 - f)).trials.slice(0, 3)).toEqual([0, 6, 12]);
    expect((await tried((f) => -60 - f)).trials.slice(0, 3)).toEqual([0, -6, -12]);
  });

  test('between one that is good and one that is not goes where a straight line would, a tenth of the way at least', async () => {
    // A kink at 1: 0.5 too good at 0, 2 too bad at 2.
    const kinked = (f: number): number => (f < 1 ? 0.5 : f > 1.5 ? -2 : 0.01);
    const { trials } = await tried((f) => (f === 0 ? 2 : kinked(f)));
    expect(trials.slice(0, 2)).toEqual([0, 2]);
    expect(trials[2]).toBeCloseTo((2 * 2) / (2 + 2), 9);
    const steep = await tried((f) => (f === 0 ? 4 : f > 3.9 ? -100 : 0.01));
    expect(steep.trials[2]).toBeCloseTo((4 * 4) / (4 + 6), 9);
    const near = await tried((f) => (f === 0 ? 0.1 : f > 0.09 ? -100 : 0.01));
    expect(near.trials[2]).toBeCloseTo(0.1 * 0.1, 9);
    const far = await tried((f) => (f === 0 ? -1 : f < -0.9 ? 100 : 0.01));
    expect(far.trials[2]).toBeCloseTo(-1 + 0.1 * 0 + (6 / 7) * 1, 9);
  });

  test('ends after ten trials, or three where there is no time for more', async () => {
    const { trials } = await tried((f) => (f > 1 ? -1 : 1));
    expect(trials.length).toBeLessThanOrEqual(10);
    const restless = await tried((f) => 1 + Math.abs(Math.sin(99 * f)) - 5 * (f % 2), {
      ...aim,
      near: () => false,
    });
    expect(restless.trials.length).toBeLessThanOrEqual(10);
    let now = 0;
    const stage = new Work(1, () => now).stage(1);
    let count = 0;
    await search(
      1,
      { ...aim, near: () => false },
      async () => {
        now += 100;
        return ++count;
      },
      stage,
    );
    expect(count).toBe(3);
  });

  test('asks for another trial beside one that is near, where luck counts, and takes the best that is believed', async () => {
    const { trials } = await tried((f) => -f, { ...aim, luck: 0.1 });
    expect(trials).toEqual([0, expect.closeTo(-0.0625, 9)]);
    // The first says 1 where the others say that 2 octaves are missing.
    const { found } = await tried((f) => (f === 0 ? 0.01 : -2 - f), { ...aim, luck: 0.1 });
    expect(found.fineness).toBeLessThan(2 ** -1.9);
    const believed = await tried((f) => (f === 0 ? 0.01 : -2 - f), { ...aim, luck: 3 });
    expect(believed.found.fineness).toBe(1);
  });

  test('where nothing is good enough gives the nearest', async () => {
    const figure = (f: number): number => -1 - Math.abs(f + 3);
    const { found, trials } = await tried(figure);
    expect(found).toMatchObject({ met: false, figure: Math.max(...trials.map(figure)) });
    // Where no good one is believed, the coarsest of them all the same.
    const good = (f: number): number => (f > 0.3 ? -1 : 0.5);
    const lucky = await tried(good, { ...aim, luck: -9 });
    expect(lucky.found.met).toBe(true);
    expect(Math.log2(lucky.found.fineness)).toBeCloseTo(
      Math.max(...lucky.trials.filter((f) => good(f) >= 0)),
      9,
    );
  });
});
