import { randomUniform } from '@espalier/core';
import { describe, expect, it } from 'vitest';
import { groupIndices, groupSize, groupsOf } from '../src/groups.js';
import { paperRatios, suggestThreshold } from '../src/index.js';
import { dropGroups, groupRates, type Judged, keptWeights } from '../src/internal/judge.js';
import { layerBits, roundTo, roundToGrid, significandBits } from '../src/precision.js';

const log = Math.log;

describe('suggestThreshold', () => {
  /** Share of the variance between two sides, at the best of all splits. */
  function clarityOf(rates: readonly number[]): number {
    const mean = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0) / list.length;
    const sorted = [...rates].sort((a, b) => a - b);
    const all = sorted.reduce((sum, x) => sum + (x - mean(sorted)) ** 2, 0);
    const between = sorted.slice(1).map((_, i) => {
      const sides = [sorted.slice(0, i + 1), sorted.slice(i + 1)];
      return sides.reduce((sum, side) => sum + side.length * (mean(side) - mean(sorted)) ** 2, 0);
    });
    return Math.max(...between) / all;
  }

  it('lies in the middle of the widest gap between the means of two modes', () => {
    // Means -3.5 and 1.5; the gap from -3 to 1.
    expect(suggestThreshold([-4, -3.5, -3, 1, 1.5, 2]).threshold).toBeCloseTo(-1, 12);
    expect(suggestThreshold([2, -3, 1, -4, 1.5, -3.5]).threshold).toBeCloseTo(-1, 12);
    // 0 is between, nearer to the upper mode: means -3 and 4/3, gaps -3 to 0 and 0 to 4/3.
    expect(suggestThreshold([-3, -3, -3, 0, 2, 2]).threshold).toBeCloseTo(-1.5, 12);
    // However narrow the gap: means 0.8 and 3.2, with 1.6 and 2.5 between.
    expect(suggestThreshold([0, 0.8, 1.6, 2.5, 3.2, 3.9], [-4, 9]).threshold).toBeCloseTo(2.05, 12);
    const draw = randomUniform(3);
    for (let i = 0; i < 20; i++) {
      const rates = Array.from({ length: 9 }, (_, j) => (j < 4 ? -3.5 : 1.5) + draw());
      const { threshold, clarity } = suggestThreshold(rates);
      expect(clarity).toBeCloseTo(clarityOf(rates), 9);
      const [below, above] = [Math.max(...rates.slice(0, 4)), Math.min(...rates.slice(4))];
      expect(threshold).toBeCloseTo((below + above) / 2, 9);
    }
  });

  it('stays within its range, beyond which rates are all alike', () => {
    expect(suggestThreshold([-9, -9, 0, 0]).threshold).toBeCloseTo(-3, 12); // -9 counts as -6
    expect(suggestThreshold([0, 0, 9, 99]).threshold).toBeCloseTo(2.5, 12); // 9 and 99 as 5
    expect(suggestThreshold([0, 0, 9, 9], [-1, 2]).threshold).toBeCloseTo(2, 12);
    expect(suggestThreshold([2.5, 2.5, 9, 9]).threshold).toBe(3);
    expect(suggestThreshold([-9, -9, -4.4, -4.4]).threshold).toBe(-4);
    expect(suggestThreshold([-99, -50, -2, -2]).clarity).toBeCloseTo(1, 12);
  });

  it('is the end of the range where there is one mode', () => {
    expect(suggestThreshold([-1, -0.5, 0, 0.2])).toMatchObject({ threshold: 3 }); // near each other
    const one = suggestThreshold([-4, -1, -1, -1, -1, 2]); // the best split is no half
    expect(one.clarity).toBeCloseTo(clarityOf([-4, -1, -1, -1, -1, 2]), 9);
    expect(one).toMatchObject({ threshold: 3 });
    expect(suggestThreshold([1, 1, 1])).toEqual({ threshold: 3, clarity: 0 });
    expect(suggestThreshold([1], [-4, 2])).toEqual({ threshold: 2, clarity: 0 });
    // As near as two modes may be.
    expect(suggestThreshold([0, 0, 1.49, 1.49]).threshold).toBe(3);
    expect(suggestThreshold([0, 0, 1.5, 1.5]).threshold).toBe(0.75);
  });
});

describe('judging', () => {
  // Three groups of two weights; σ²/μ² of 1/4 and 1, 4 and 1/4, 100 and 25.
  const judged = (mask?: readonly number[]): Judged => ({
    group: Int32Array.of(0, 0, 1, 1, 2, 2),
    means: [2, -1, 0.5, 2, 0.1, 0.2],
    logVariances: [log(1), log(1), log(1), log(1), log(1), log(1)],
    mask,
  });

  it('goes by the best weight of a group, and by the noise of its scale', () => {
    const alphas = [0.5, 1, 2];
    const found = groupRates(Float32Array.from(alphas, log), true, judged());
    for (const [i, ratio] of [1 / 4, 1 / 4, 25].entries()) {
      const alpha = alphas[i];
      expect(found[i]).toBeCloseTo(log(alpha + (1 + alpha) * ratio), 5);
    }
    // Pruned weights are not looked at; a group without any is beyond all.
    const rest = groupRates(Float32Array.from(alphas, log), true, judged([0, 1, 1, 0, 0, 0]));
    expect(rest[0]).toBeCloseTo(log(0.5 + 1.5), 5);
    expect(rest[1]).toBeCloseTo(log(1 + 2 * 4), 5);
    expect(rest[2]).toBeGreaterThan(20);
  });

  it('of a horseshoe goes by the mode of the scale, unless all weights are noise', () => {
    expect([...groupRates(Float32Array.of(-1, 2, 0.5), false, judged())]).toEqual([-1, 2, 20]); // log 25 > 3
    const near = { ...judged(), logVariances: [1, 1, 1, 1, 2.99 + log(0.01), 2.99 + log(0.04)] };
    expect(groupRates(Float32Array.of(-1, 2, 0.5), false, near)[2]).toBe(0.5);
    const at = { ...near, logVariances: [1, 1, 1, 1, 3.01 + log(0.01), 3.01 + log(0.04)] };
    expect(groupRates(Float32Array.of(-1, 2, 0.5), false, at)[2]).toBe(20);
  });

  it('drops what is at a threshold or above, for good, but for the best one', () => {
    const drop = (rates: readonly number[], threshold: number, before: readonly number[] = [0, 0, 0, 0]) => {
      const dropped = Uint8Array.from(before);
      dropGroups(Float32Array.from(rates), threshold, dropped);
      return [...dropped];
    };
    expect(drop([1, 2, 3, 2.5], 2.5)).toEqual([0, 0, 1, 1]);
    expect(drop([1, 2, 3, 2.5], 9)).toEqual([0, 0, 0, 0]);
    expect(drop([3, 2, 1, 2.5], 0)).toEqual([1, 1, 0, 1]);
    expect(drop([2, 2, 2, 2], 0)).toEqual([0, 1, 1, 1]);
    expect(drop([1, 2, 3, 4], 2.5, [0, 1, 0, 0])).toEqual([0, 1, 1, 1]);
    // The best of those that are there stays, though one that is gone was better.
    expect(drop([1, 2, 3, 4], 0, [1, 0, 0, 0])).toEqual([1, 0, 1, 1]);
    expect(drop([4, 3, 1, 2], 0, [0, 0, 1, 0])).toEqual([1, 1, 1, 0]);
  });

  it('keeps weights of groups that stay, without those that are noise by themselves', () => {
    const dropped = Uint8Array.of(0, 1, 0);
    expect([...keptWeights(judged(), dropped, undefined)]).toEqual([1, 1, 0, 0, 1, 1]);
    expect([...keptWeights(judged([1, 0, 1, 1, 1, 1]), dropped, undefined)]).toEqual([1, 0, 0, 0, 1, 1]);
    // log σ²/μ²: log 1/4, 0, …, log 100 = 4.6, log 25 = 3.2
    expect([...keptWeights(judged(), dropped, 4)]).toEqual([1, 1, 0, 0, 0, 1]);
    expect([...keptWeights(judged(), dropped, 0)]).toEqual([1, 0, 0, 0, 0, 0]);
    expect([...keptWeights(judged(), dropped, -9)]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

describe('groups', () => {
  /** Position of element i. */
  const positionOf = (i: number, shape: readonly number[]): number[] => {
    const position: number[] = [];
    let rest = i;
    for (const size of [...shape].reverse()) {
      position.unshift(rest % size);
      rest = Math.floor(rest / size);
    }
    return position;
  };

  it.each([
    [[3, 4], false, 'inputs', ([i]: number[]) => i, 3],
    [[3, 4], false, 'outputs', ([, o]: number[]) => o, 4],
    [[2, 3, 4, 5], false, 'inputs', ([, , i]: number[]) => i, 4],
    [[2, 3, 4, 5], false, 'outputs', ([, , , o]: number[]) => o, 5],
    [[2, 3, 4, 5], true, 'inputs', ([, , i]: number[]) => i, 4],
    [[2, 3, 4, 5], true, 'outputs', ([, , i, m]: number[]) => 5 * i + m, 20],
  ] as const)('of a kernel %o (depthwise %s) by its %s', (shape, depthwise, side, key, count) => {
    const groups = groupsOf(shape, depthwise, side);
    const size = shape.reduce((a: number, b) => a * b, 1);
    expect(groups.count).toBe(count);
    expect(groupSize(shape, groups)).toBe(size / count);
    expect(groups.broadcast.reduce((a, b) => a * b, 1)).toBe(count);
    const expected = Array.from({ length: size }, (_, i) => key(positionOf(i, shape)));
    expect([...groupIndices(shape, groups)]).toEqual(expected);
  });
});

describe('precision', () => {
  it('is as many bits as twice the variance is below 2^-t, 23 at most', () => {
    for (const [variance, bits] of [
      [1, 0],
      [0.25, 0],
      [0.24, 1],
      [0.125, 1],
      [0.124, 2],
      [2 ** -11, 9],
      [0.99 * 2 ** -11, 10],
      [2 ** -25, 23],
      [1e-30, 23],
      [0, 23],
    ])
      expect([variance, significandBits(variance)]).toEqual([variance, bits]);
  });

  it('of a layer is the mean of the weights that are left, rounded up', () => {
    expect(layerBits([1, 0, 1], [0.24, 1e-9, 0.124])).toBe(2);
    expect(layerBits([1, 1, 1], [0.24, 0.24, 0.124])).toBe(2);
    expect(layerBits([0, 0], [0.1, 0.1])).toBe(0);
    expect([0.3, -0.3, 0.375, 0.374, -0.375, 1].map((w) => roundTo(w, 2))).toEqual([
      0.25, -0.25, 0.5, 0.25, -0.25, 1,
    ]);
  });

  describe('brings a tensor to its grid', () => {
    it('with a codebook of what is there, and the zero', () => {
      // Two bits: multiples of 1/4.
      const weights = Float32Array.of(0.6, 0, -0.3, 0.1, 0.6, -0.9);
      const { codebook, indices, fixed } = roundToGrid(weights, new Float32Array(6).fill(0.1));
      expect([...codebook]).toEqual([-1, -0.25, 0, 0.5]);
      expect(indices).toEqual(Uint8Array.of(3, 2, 1, 2, 3, 0));
      expect(fixed).toEqual([2]);
      expect([...roundToGrid(Float32Array.of(1, 2), Float32Array.of(1, 1)).codebook]).toEqual([0, 1, 2]);
    });

    it('where 0 stays 0, also without bits', () => {
      // ⌊w + ½⌋: halves go up.
      const { codebook, indices } = roundToGrid(
        Float32Array.of(0, 0.5, -0.5, 1.4),
        new Float32Array(4).fill(1),
      );
      expect([...codebook]).toEqual([0, 1]);
      expect([...indices]).toEqual([0, 1, 0, 1]);
    });

    it.each([
      [256, Uint8Array],
      [257, Uint16Array],
    ])('of %i values in the least bytes', (n, kind) => {
      const weights = Float32Array.from({ length: n }, (_, i) => i / 512);
      const { codebook, indices } = roundToGrid(weights, new Float32Array(n).fill(2 ** -12));
      expect(codebook).toEqual(weights);
      expect(indices).toEqual(kind.from(weights.keys()));
    });

    it('of 65,536 values at most: bits go until they are no more', () => {
      // 2^16 values other than 0 and the zero itself, at distances of 2^-20: one value too many.
      const weights = Float32Array.from({ length: 65536 }, (_, i) => (i + 1) / 2 ** 20);
      const exact = roundToGrid(weights.subarray(0, 65535), new Float32Array(65535));
      expect(exact.codebook).toHaveLength(65536);
      expect(exact.codebook[1]).toBe(2 ** -20);
      const coarse = roundToGrid(weights, new Float32Array(65536));
      expect(coarse.codebook).toHaveLength(2 ** 15 + 1);
      expect(coarse.codebook[1]).toBe(2 ** -19);
      expect(coarse.codebook[coarse.indices[2]]).toBe(4 / 2 ** 20);
    });
  });

  it('makes the ratios of the paper', () => {
    // A column is gone; exponents of weights up to 1.5: 2 bits, 1 of sign, 1 significand bit.
    const layer = {
      weights: Array.from({ length: 16 }, () => [1.5, 0, -0.5, 0.5, 0, 1.5]).flat(),
      variances: new Float32Array(96).fill(0.2),
      shape: [32, 3],
      before: 192,
    };
    const { pruning, fastPrediction, maximum, bits, exponentBits } = paperRatios([layer]);
    expect([bits, exponentBits]).toEqual([[1], 2]);
    expect(pruning).toBe(3);
    expect(fastPrediction).toBeCloseTo((192 * 32) / (64 * 4), 9);
    // Values 1.5 twice, -0.5 and 0.5: 1.5 bits each, and a table of three.
    expect(maximum).toBeCloseTo((192 * 32) / (64 * 1.5 + 3 * 32), 9);
  });
});
