import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { codebook, density, mask, statistics } from '../src/index.js';
import { cellsOf } from '../src/measure/mask.js';

/** What numpy says of [3, -1, 0, 4, 1, -5, 9, 2.5]: mean, std, quantile(., [.25, .5, .75]). */
const numpy = { mean: 1.6875, deviation: 3.815572532399299, quartiles: [-0.25, 1.75, 3.25] };

describe('statistics', () => {
  it('are those of numpy', () => {
    const found = statistics([3, -1, 0, 4, 1, -5, 9, 2.5]);
    expect(found).toMatchObject({ count: 8, zeros: 1, distinct: 8, nonFinite: 0, min: -5, max: 9 });
    expect(found.mean).toBe(numpy.mean);
    expect(found.deviation).toBeCloseTo(numpy.deviation, 14);
    expect(found.quartiles).toEqual(numpy.quartiles);
    expect(found.entropy).toBeCloseTo(3, 14);
  });

  it('count zeros of both signs as one, NaN as one, and leave what is not finite out of the rest', () => {
    const found = statistics(Float32Array.of(0, -0, NaN, NaN, Infinity, -Infinity, 1));
    expect(found).toMatchObject({ count: 7, zeros: 2, distinct: 5, nonFinite: 4, min: 0, max: 1 });
    expect(found.mean).toBeCloseTo(1 / 3, 14);
    const none = statistics([]);
    expect(none).toMatchObject({ count: 0, distinct: 0, entropy: 0, min: null, quartiles: null });
    expect(statistics([NaN])).toMatchObject({ distinct: 1, nonFinite: 1, max: null, deviation: null });
  });

  it('leave the values alone and agree with the definitions', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 1, maxLength: 60 }), (list) => {
        const values = Float32Array.from(list);
        const { zeros, distinct, entropy, deviation, mean } = statistics(values);
        expect([...values]).toEqual(list);
        const shares = [...new Set(list)].map((v) => list.filter((w) => w === v).length / list.length);
        expect(distinct).toBe(shares.length);
        expect(zeros).toBe(list.filter((v) => v === 0).length);
        expect(entropy).toBeCloseTo(
          shares.reduce((sum, p) => sum - p * Math.log2(p), 0),
          10,
        );
        const average = list.reduce((a, b) => a + b) / list.length;
        const variance = list.reduce((sum, v) => sum + (v - average) ** 2, 0) / list.length;
        expect(mean).toBeCloseTo(average, 10);
        expect(deviation).toBeCloseTo(Math.sqrt(variance), 10);
      }),
    );
  });
});

describe('density', () => {
  it('is that of a normal distribution where values are normal', () => {
    // Quantiles of the normal distribution by its symmetric triangle of three uniform numbers would be coarse; exact ones
    // come from Box and Muller on a grid.
    const values: number[] = [];
    for (let i = 0; i < 200; i++)
      for (let j = 0; j < 50; j++)
        values.push(Math.sqrt(-2 * Math.log((i + 0.5) / 200)) * Math.cos((2 * Math.PI * (j + 0.5)) / 50));
    const { low, high, shares } = density(values, 101)!;
    const wider = 1 + values.length ** -0.4; // the variance that the kernel adds
    const step = (high - low) / 100;
    for (let i = 0; i < shares.length; i++) {
      const x = low + i * step;
      expect(Math.abs(shares[i] - Math.exp((-0.5 * x * x) / wider))).toBeLessThan(0.02);
    }
  });

  it('leaves zeros out, and is not there for less than two values', () => {
    const { low, high, shares } = density([1, 2, 0, 0, 0, 0], 5)!;
    expect([low, high, shares.length]).toEqual([1, 2, 5]);
    expect(shares[0]).toBeCloseTo(shares[4], 10);
    for (const none of [[], [0, 0], [3, 3, 0], [NaN, 1]]) expect(density(none)).toBeUndefined();
  });
});

describe('masks', () => {
  it('have one cell per weight where there is room', () => {
    const { width, height, rows, columns, cells } = mask(
      'w',
      [2, 2, 3],
      [1, 0, 1, 0, 0, 0, 1, 1, 1, 0, 0, 5],
    )!;
    expect([width, height, rows, columns]).toEqual([3, 4, 4, 3]);
    expect([...cellsOf({ cells })]).toEqual([255, 0, 255, 0, 0, 0, 255, 255, 255, 0, 0, 255]);
    expect(mask('b', [3], [1, 0, 1])).toBeUndefined();
    expect(mask('e', [0, 3], [])).toBeUndefined();
  });

  it('of any shape have few cells, whose shares are those of the weights', () => {
    const size = fc.integer({ min: 1, max: 90 });
    fc.assert(
      fc.property(size, size, fc.integer({ min: 1, max: 9 }), fc.nat(), (rows, columns, every, most) => {
        const values = Float32Array.from({ length: rows * columns }, (_, i) => (i % every === 0 ? 1 : 0));
        const cap = 16 + (most % 500);
        const { width, height, cells } = mask('w', [rows, columns], values, { most: cap })!;
        expect(width * height).toBeLessThanOrEqual(cap);
        expect([width <= columns, height <= rows]).toEqual([true, true]);
        cellsOf({ cells }).forEach((share, cell) => {
          let [kept, all] = [0, 0];
          for (let r = 0; r < rows; r++)
            for (let c = 0; c < columns; c++) {
              if (Math.floor((r * height) / rows) * width + Math.floor((c * width) / columns) !== cell)
                continue;
              all++;
              if (values[r * columns + c] !== 0) kept++;
            }
          expect(Math.abs(share / 255 - kept / all)).toBeLessThanOrEqual(1 / 255);
          expect([share === 0, share === 255]).toEqual([kept === 0, kept === all]);
        });
      }),
      { numRuns: 30 },
    );
  });
});

describe('codebooks', () => {
  it('hold every value and how often it is there', () => {
    expect(codebook('w', [2, 0, -0, 2, -3])).toEqual({ tensor: 'w', values: [-3, 0, 2], counts: [1, 2, 2] });
    expect(codebook('w', [1, 2, 3], 2)).toBeUndefined();
    expect(codebook('w', [1, NaN])).toBeUndefined();
    expect(codebook('w', [])).toBeUndefined();
  });
});
