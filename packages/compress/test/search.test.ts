import '@tensorflow/tfjs-backend-cpu';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aimOf } from '../src/search/aim.js';
import { search } from '../src/search/search.js';

describe('search', () => {
  test('finds the coarsest steps that meet an aim, whatever the slope', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 4, max: 9, noNaN: true }),
        fc.double({ min: 30, max: 60, noNaN: true }),
        async (slope, aim) => {
          const psnr = (fineness: number): number => 20 - slope * Math.log2(fineness);
          const found = await search(
            1e-3,
            {
              meets: (figure) => figure >= aim,
              near: (figure) => figure < aim + 0.25,
              octaves: (figure) => (figure - aim - 0.1) / 6.02,
              better: (a, b) => a > b,
            },
            async (fineness) => psnr(fineness),
          );
          expect(found.met).toBe(true);
          expect(found.figure).toBeGreaterThanOrEqual(aim);
          expect(found.figure).toBeLessThan(aim + 0.6);
        },
      ),
    );
  });

  test('needs few trials where the outputs fall faster than steps let expect', async () => {
    // Measured: 13 dB an octave, where 6.02 are the rule.
    let trials = 0;
    const { aim } = aimOf({ quality: 46 }, 1);
    const found = await search(0.02, aim, async (fineness) => {
      trials++;
      return 20 - 13 * Math.log2(fineness / 0.1);
    });
    expect(found.met).toBe(true);
    expect(found.figure).toBeLessThan(46.25);
    expect(trials).toBeLessThanOrEqual(6);
  });

  test('finds a size in few trials', async () => {
    const elements = 61e6;
    let trials = 0;
    const { aim } = aimOf({ bits: 4.5 }, elements);
    // A normal's entropy falls by a bit an octave, but for what is added where levels are few.
    const bytes = (fineness: number): number => (elements / 8) * (Math.log2(1 + 4.13 / fineness) + 0.02);
    const found = await search(0.0195, aim, async (fineness) => {
      trials++;
      return bytes(fineness);
    });
    expect(found.met).toBe(true);
    expect(found.figure).toBeGreaterThan((0.985 * 4.5 * elements) / 8);
    expect(trials).toBeLessThanOrEqual(5);
  });

  test('does not believe a figure that all others contradict', async () => {
    // Falls by 6 dB an octave, but for one place where rounding happens to be kind.
    const psnr = (fineness: number): number =>
      20 -
      6.02 * Math.log2(fineness) +
      (Math.abs(Math.log2(fineness) + 4.2) < 0.02 ? 12 : Math.sin(1e4 * fineness) / 4);
    const { aim } = aimOf({ quality: 50 }, 1);
    const { met, figure, fineness } = await search(2 ** -4.2, aim, async (f) => psnr(f));
    expect(met).toBe(true);
    expect(figure).toBeGreaterThanOrEqual(50);
    expect(fineness).toBeLessThan(2 ** -4.85);
  });
});
