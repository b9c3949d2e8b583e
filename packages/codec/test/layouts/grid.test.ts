import { describe, expect, test, vi } from 'vitest';
import type { Book } from '../../src/layouts/codebook/book.js';
import { toElements } from '../../src/layouts/grid/elements.js';
import { predict, widen } from '../../src/layouts/grid/formula.js';
import { type Grid, levelsOnGrid } from '../../src/layouts/grid/levels.js';

const none = new Uint32Array(0);
const step = (more: Partial<Book> = {}): Book => ({
  kind: 'step',
  negative: 9,
  positive: 9,
  base: 0.5,
  values: none,
  ...more,
});
const floatsOf = (levels: readonly number[], book: Book, sizes: readonly number[]): number[] => {
  const target = Int32Array.from(levels);
  toElements(target, book, sizes);
  return [...new Float32Array(target.buffer)];
};

describe('steps', () => {
  test('are wider by quarters of an octave', async () => {
    const quarters = [1, 1.189207115002721, Math.SQRT2, 1.681792830507429];
    for (let e = 0; e <= 120; e++)
      expect(widen(0.75, e)).toBe(0.75 * quarters[e % 4] * 2 ** Math.floor(e / 4));
    expect(widen(1, 120)).toBe(2 ** 30);
  });

  test('times levels are elements', () => {
    expect(floatsOf([-2, 0, 3], step(), [3])).toEqual([-1, 0, 1.5]);
    const scales = [Int16Array.of(0, 4), Int16Array.of(0, 8, 1)];
    expect(floatsOf([1, 1, 1, 2, 2, 2], step({ scales }), [2, 3])).toEqual([
      0.5,
      2,
      Math.fround(0.5 * 1.189207115002721),
      2,
      8,
      Math.fround(2 * (0.5 * 1.189207115002721 * 2)),
    ]);
    // Along the first axis alone, and the last.
    expect(
      floatsOf([1, 1, 1, 1], step({ scales: [Int16Array.of(0, 4), new Int16Array(0)] }), [2, 2]),
    ).toEqual([0.5, 0.5, 1, 1]);
    expect(
      floatsOf([1, 1, 1, 1], step({ scales: [new Int16Array(0), Int16Array.of(0, 4)] }), [2, 2]),
    ).toEqual([0.5, 1, 0.5, 1]);
  });

  test('become elements where the levels lie, which a list needs not', () => {
    const bytes = Uint8Array.of(250, 0, 5);
    toElements(bytes, { kind: 'ints', negative: 6, positive: 5, base: 3, values: none }, [3]);
    expect([...bytes]).toEqual([253, 3, 8]);
    const list = Int32Array.of(7, 8);
    toElements(list, { kind: 'list', negative: 0, positive: 1, base: 9, values: none }, [2]);
    expect([...list]).toEqual([7, 8]);
    const part = Int32Array.of(9, 1, 2, 9);
    toElements(part.subarray(1, 3), step(), [2]);
    expect([...new Float32Array(part.buffer, 4, 2)]).toEqual([0.5, 1]);
    expect([part[0], part[3]]).toEqual([9, 9]);
  });

  test('levels in a row, from any on', async () => {
    vi.resetModules();
    const { ramp } = await import('../../src/layouts/grid/elements.js');
    expect([...ramp(3).subarray(0, 7)]).toEqual([-3, -2, -1, 0, 1, 2, 3]);
    expect(ramp(0)[0]).toBe(0);
    expect(ramp(65535)[0]).toBe(-65535);
    expect(ramp(65535).length).toBeGreaterThanOrEqual(65536);
    expect(ramp(0)[65535]).toBe(65535);
  });
});

describe('predictions', () => {
  test('are sums over the elements before in a lane, in 64ths', () => {
    const floats = Float32Array.of(1, 10, 2, 20, 3, 30);
    const predictor = { lag: 2, terms: Int16Array.of(64, 32, -64, 16) };
    expect([0, 1, 2, 3, 4, 5].map((i) => predict(floats, i, predictor))).toEqual([0, 0, 1, -10, 2.5, -17.5]);
    // The low nine bits, signed: 511 is -1, 256 is -256, 512 + 3 is 3.
    for (const [term, factor] of [
      [511, -1],
      [256, -256],
      [255, 255],
      [515, 3],
    ])
      expect(predict(Float32Array.of(64, 0), 1, { lag: 1, terms: Int16Array.of(term) })).toBe(factor);
  });

  test('take what has been decoded, and are added before the element is a float32', () => {
    const predictor = { lag: 1, terms: Int16Array.of(32) };
    expect(floatsOf([2, 0, 0, 1], step({ scales: [], predictor }), [4])).toEqual([1, 0.5, 0.25, 0.625]);
    const steep = { lag: 1, terms: Int16Array.of(255) };
    expect(() =>
      floatsOf([1, ...Array(70).fill(0)], step({ base: 1e10, scales: [], predictor: steep }), [71]),
    ).toThrow('broken rule 63 ');
  });
});

describe('the levels of a tensor on a grid', () => {
  const on = (values: readonly number[], shape: number[], grid: Partial<Grid> = {}) =>
    levelsOnGrid('w', shape, new Uint8Array(Float32Array.from(values).buffer), {
      step: 0.5,
      exponents: shape.map(() => undefined),
      ...grid,
    });

  test('are what its elements are made of', () => {
    const { book, levels, nonzero } = on([0, -1, 1.5, 0], [2, 2]);
    expect(book).toEqual(step({ negative: 2, positive: 3 }));
    expect([[...levels], nonzero]).toEqual([[0, -2, 3, 0], 2]);
    expect(levels.some((l) => Object.is(l, -0))).toBe(false);
    expect(on([1, 2], [2]).book).toMatchObject({ negative: 0, positive: 4 });
    expect(on([-1, -2], [2]).book).toMatchObject({ negative: 4, positive: 0 });
  });

  test('by the exponents of their place', () => {
    const exponents = [[0, 4], undefined, [0, 8, 0]];
    const values = [0.5, 2, 0.5, 0.5, 2, 0.5, 1, 4, 1, 1, 4, 1];
    const { book, levels } = on(values, [2, 2, 3], { exponents });
    expect([...levels]).toEqual(Array(12).fill(1));
    expect(book.scales).toEqual([Int16Array.of(0, 4), new Int16Array(0), Int16Array.of(0, 8, 0)]);
    // Exponents of 0 are none.
    expect(on([1], [1], { exponents: [[0]] }).book.scales).toBeUndefined();
    expect(
      on([1, 1, 2, 2], [2, 2], {
        exponents: [
          [0, 4],
          [0, 0],
        ],
      }).book.scales,
    ).toEqual([Int16Array.of(0, 4), new Int16Array(0)]);
  });

  test('beside their prediction', () => {
    const { book, levels } = on([1, 0.5, 0.25, 0.625], [4], {
      prediction: { distance: 1, coefficients: [0.5] },
    });
    expect([...levels]).toEqual([2, 0, 0, 1]);
    expect(book).toMatchObject({
      scales: [new Int16Array(0)],
      predictor: { lag: 1, terms: Int16Array.of(32) },
    });
    const lanes = on([1, 2, 1, -4], [2, 2], { prediction: { distance: 2, coefficients: [1, -2] } });
    expect([...lanes.levels]).toEqual([2, 4, 0, 0]);
  });

  test.each<[string, number[], number[], Partial<Grid>]>([
    ['does not hold element 1, which is 0.6', [1, Math.fround(0.6)], [2], {}],
    ['does not hold element 0, which is Infinity', [Infinity], [1], {}],
    ['does not hold element 0, which is NaN', [Number.NaN], [1], {}],
    ['has levels from 0 to 65536', [32768], [1], {}],
    ['has levels from -65536 to 0', [-32768], [1], {}],
    ['has a step', [0], [1], { step: 0 }],
    ['has a step', [0], [1], { step: -1 }],
    ['has a step', [0], [1], { step: 0.1 }],
    ['has exponents for 0 axes', [1], [1], { exponents: [] }],
    ['has 2 exponents on axis 0, which has 1 elements', [1], [1], { exponents: [[0, 0]] }],
    ['has exponent -1', [1], [1], { exponents: [[-1]] }],
    ['has exponent 128', [1], [1], { exponents: [[128]] }],
    ['has exponent 0.5', [1], [1], { exponents: [[0.5]] }],
    ['has exponents up to 121; 120 are the most', [0, 0], [2, 1], { exponents: [[0, 61], [60]] }],
    [
      'has a prediction of 1 coefficients for 0 lanes',
      [1],
      [1],
      { prediction: { distance: 0, coefficients: [1] } },
    ],
    [
      'has a prediction of 3 coefficients for 2 lanes',
      [1, 1, 1],
      [3],
      { prediction: { distance: 2, coefficients: [1, 1, 1] } },
    ],
    [
      'has a prediction of 0 coefficients for 1 lanes',
      [1],
      [1],
      { prediction: { distance: 1, coefficients: [] } },
    ],
    [
      'has a prediction of 8 coefficients for 1 lanes',
      Array(9).fill(1),
      [9],
      { prediction: { distance: 1, coefficients: Array(8).fill(0) } },
    ],
    [
      'has a prediction of 1 coefficients for 0.5 lanes',
      [1],
      [1],
      { prediction: { distance: 0.5, coefficients: [1] } },
    ],
    ['has 2 coefficients for 1 elements', [1], [1], { prediction: { distance: 1, coefficients: [1, 0] } }],
    ['does not hold element 0, which is 0.3', [Math.fround(0.3)], [1], {}],
    ['has coefficient 4', [1], [1], { prediction: { distance: 1, coefficients: [4] } }],
    ['has coefficient -4.015625', [1], [1], { prediction: { distance: 1, coefficients: [-4.015625] } }],
    ['has coefficient 0.01', [1], [1], { prediction: { distance: 1, coefficients: [0.01] } }],
  ])('there are none where it %s', (message, values, shape, grid) => {
    expect(() => on(values, shape, grid)).toThrow(`the grid of "w" ${message}`);
  });

  test('what is no list of exponents, and what is unknown, is refused', () => {
    const wrong = (grid: object) => () => on([1], [1], grid);
    expect(wrong({ exponents: undefined })).toThrow('the grid of "w" has no list of exponents');
    expect(wrong({ exponents: 'x' })).toThrow('the grid of "w" has no list of exponents');
    expect(wrong({ exponent: [] })).toThrow(
      'unknown field of a grid "exponent": known step, exponents, prediction',
    );
  });

  test('the most of each is taken', () => {
    expect(on([32767.5], [1]).book.positive).toBe(65535);
    expect(on([-32767.5], [1]).book.negative).toBe(65535);
    expect(on([0.5 * 2 ** 30], [1], { exponents: [[120]] }).levels[0]).toBe(1);
    // The nearest level, above or below; its float32 need not be the product in float64.
    const step = Math.fround(0.1);
    const tenths = Array.from({ length: 41 }, (_, i) => Math.fround((i - 20) * step));
    expect([...on(tenths, [41], { step }).levels]).toEqual(tenths.map((_, i) => i - 20));
    expect(on([0, 0], [2, 1], { exponents: [[0, 60], [60]] }).nonzero).toBe(0);
    expect(
      on(Array(9).fill(0), [9], { prediction: { distance: 1, coefficients: Array(7).fill(-4) } }).book
        .predictor?.terms[6],
    ).toBe(-256);
    expect(
      on([0], [1], { prediction: { distance: 1, coefficients: [3.984375] } }).book.predictor?.terms[0],
    ).toBe(255);
  });
});
