import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeComponents, mixtureOf, mostResponsible, responsibilities } from '../src/index.js';
import { snap } from '../src/internal/snap.js';

/** Numbers with four decimals. */
const number = (min: number, max: number) =>
  fc.integer({ min: Math.ceil(min * 1e4), max: Math.floor(max * 1e4) }).map((n) => n / 1e4);
const mixtures = fc
  .array(fc.record({ mean: number(-1, 1), log: number(0, 14), rho: number(-4, 4) }), {
    minLength: 1,
    maxLength: 8,
  })
  .chain((list) =>
    fc.record({ zeroLog: number(0, 14), zeroShare: number(0.01, 0.999) }).map(({ zeroLog, zeroShare }) =>
      mixtureOf(
        list.map((c) => c.mean),
        [zeroLog, ...list.map((c) => c.log)],
        list.map((c) => c.rho),
        zeroShare,
      ),
    ),
  );

describe('the component that takes most responsibility', () => {
  it('is the one with the greatest responsibility, for any mixture and weight', () => {
    fc.assert(
      fc.property(mixtures, fc.array(number(-3, 3), { minLength: 1 }), (mixture, weights) => {
        const found = mostResponsible(mixture, Float64Array.from(weights));
        for (const [i, w] of weights.entries()) {
          const shares = responsibilities(mixture, w);
          expect(shares[found[i]]).toBeGreaterThan(Math.max(...shares) - 1e-6);
        }
      }),
    );
  });

  it('is a near one for a weight so far away that every density underflows', () => {
    const mixture = mixtureOf([-0.1, 0.1], [12, 12, 12], [0, 0], 0.999);
    expect(Array.from(mostResponsible(mixture, Float32Array.of(-300, 300)))).toEqual([1, 2]);
  });
});

describe('merging', () => {
  const mixture = mixtureOf([-0.3, -0.28, 0.005, 0.3], [8, 8, 8, 8, 8], [0, 0, 0, 0], 0.9);

  it('by the practical rule takes together what makes one hump', () => {
    const { merged, from } = mergeComponents(mixture, { distance: 2 });
    expect(from).toEqual([[0, 3], [1, 2], [4]]);
    expect(merged.means[0]).toBe(0);
    expect(merged.means[1]).toBeCloseTo(-0.29, 12);
    expect(Math.exp(merged.logShares[0])).toBeCloseTo(0.925, 12);
  });

  it('by divergence takes together what is nearly the same', () => {
    expect(mergeComponents(mixture, { divergence: 1e-10 }).from).toHaveLength(5);
    // 0.5 λ d² = 0.5 · 2981 · 0.02² = 0.596 nats between the first two, 0.037 between the third and zero.
    expect(mergeComponents(mixture, { divergence: 0.5 }).from).toEqual([[0, 3], [1], [2], [4]]);
    expect(mergeComponents(mixture, { divergence: 0.6 }).from).toEqual([[0, 3], [1, 2], [4]]);
  });

  it('averages variances by share, not precisions or deviations', () => {
    // Shares 3/40 and 1/40, variances 0.01 and 0.09: 0.75 · 0.01 + 0.25 · 0.09 = 0.03.
    const two = mixtureOf([-0.3, -0.3], [8, -Math.log(0.01), -Math.log(0.09)], [Math.log(3), 0], 0.9);
    const { merged, from } = mergeComponents(two, { distance: 1 });
    expect(from).toEqual([[0], [1, 2]]);
    expect(Math.exp(-merged.logPrecisions[1])).toBeCloseTo(0.03, 12);
    expect(merged.logPrecisions[0]).toBe(8);
  });

  it('keeps the shares a distribution', () => {
    fc.assert(
      fc.property(mixtures, number(0, 5), (any, distance) => {
        const { merged, from } = mergeComponents(any, { distance });
        expect(merged.logShares.reduce((sum, log) => sum + Math.exp(log), 0)).toBeCloseTo(1, 9);
        expect(from.flat().sort((a, b) => a - b)).toEqual(Array.from(any.means.keys()));
      }),
    );
  });
});

describe('snapping', () => {
  const mixture = mixtureOf([-0.2, 0.2, 0.9], [9, 7, 7, 7], [0, 0, 0], 0.99);
  const weights = Float32Array.of(0.001, -0.21, 0.08, 0.25, 0.001, -0.18);

  it('gives means, or averages of what took part, without unused entries', () => {
    const means = snap(mixture, weights, 'responsible', 'means');
    expect(Array.from(means.codebook)).toEqual([-0.2, 0, 0.2].map(Math.fround));
    const averages = snap(mixture, weights, 'responsible', 'averages');
    expect(averages.codebook[0]).toBeCloseTo(-0.195, 6);
    expect(averages.fixed).toEqual([1]);
  });

  it('to the nearest mean keeps more weights from 0 than by responsibility', () => {
    const w = Float32Array.of(0.11);
    expect(snap(mixture, w, 'nearest', 'means').codebook[0]).toBeCloseTo(0.2);
    expect(
      snap(mixtureOf([-0.2, 0.2], [3, 9, 9], [0, 0], 0.999), w, 'responsible', 'means').codebook[0],
    ).toBe(0);
  });

  it('keeps pruned weights at 0', () => {
    const { codebook, indices } = snap(mixture, weights, 'responsible', 'means', [1, 0, 1, 0, 1, 1]);
    expect(Array.from(indices, (i) => codebook[i] === 0)).toEqual([true, true, false, true, true, false]);
  });
});
