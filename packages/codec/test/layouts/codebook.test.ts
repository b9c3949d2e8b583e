import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Reader } from '../../src/bytes/reader.js';
import { Writer } from '../../src/bytes/writer.js';
import { type Book, bitsOf, floatOf, orderOf } from '../../src/layouts/codebook/book.js';
import { findBook } from '../../src/layouts/codebook/find.js';
import { readBook } from '../../src/layouts/codebook/read.js';
import { writeBook } from '../../src/layouts/codebook/write.js';

const floats = (...values: number[]): Uint32Array => new Uint32Array(Float32Array.from(values).buffer);
const find = (data: Uint32Array | Uint16Array | Uint8Array, float: boolean) => {
  const found = findBook(data, float);
  if (found) expect(found.nonzero).toBe(found.levels.filter((l) => l !== 0).length);
  return found && { ...found.book, values: [...found.book.values], levels: [...found.levels] };
};
const many = (of: number[]): number[] => Array(5).fill(of).flat();

describe('a codebook for floats', () => {
  test('is a step where values are multiples of one', () => {
    expect(find(floats(0, 0.5, -1, 1.5, 0), true)).toEqual({
      kind: 'step',
      negative: 2,
      positive: 3,
      base: 0.5,
      values: [],
      levels: [0, 1, -2, 3, 0],
    });
    // Not the smallest value, but its half, its third, its fourth.
    for (const [divisor, values] of [
      [2, [2, 3, -5]],
      [3, [3, 4, -5]],
      [4, [4, 5, -7]],
    ] as const) {
      const step = Math.fround(0.37);
      const found = find(floats(0, 0, ...values.map((v) => v * step)), true);
      expect([found?.kind, found?.levels.slice(2)]).toEqual(['step', [...values]]);
      expect(found?.base).toBe(step);
      expect(divisor).toBe(Math.min(...values.map(Math.abs)));
    }
    expect(find(floats(0, 0, 5, 6, -7), true)?.kind).toBe('list');
    expect(find(floats(0, 1, 2, 3), true)).toMatchObject({ negative: 0, positive: 3 });
    expect(find(floats(0, -1, -2, -3), true)).toMatchObject({ negative: 3, positive: 0 });
  });

  test.each([
    ['the largest value', 0.11852793395519257, [18, 13, 19, 3, 16, 10, 21, 20, 5, 7]],
    ['a float32 above what that says', 0.23234912753105164, [3, 15, 12, 4, 9, 19, 16, 14, 13, 8]],
    ['one below', 0.759384036064148, [11, 8, 4, 10, 3]],
  ])('finds a step that a third of the smallest value is not: by %s', (_, step, levels) => {
    const third = Math.fround(Math.fround(3 * step) / 3);
    const holds = (s: number): boolean => levels.every((l) => Math.fround(l * s) === Math.fround(l * step));
    expect(holds(third)).toBe(false);
    for (const sign of [1, -1]) {
      const found = find(floats(0, 0, ...levels.map((l) => sign * l * step)), true);
      expect([found?.kind, found?.levels.slice(2)]).toEqual(['step', levels.map((l) => sign * l)]);
      expect(holds(found?.base ?? 0)).toBe(true);
    }
  });

  test('finds the step to the bit, as quantisers make it', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-6, max: 10, noNaN: true }),
        fc.integer({ min: 20, max: 400 }),
        (raw, top) => {
          const step = Math.fround(raw);
          const levels = Array.from({ length: 2 * top + 1 }, (_, i) => i - top);
          const found = findBook(floats(...levels.map((l) => l * step)), true);
          expect(found?.book.kind).toBe('step');
          expect([...(found?.levels ?? [])]).toEqual(levels);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('is a list where they are not, sorted by value, NaNs at the ends', () => {
    const found = find(
      floats(0, 0.1, -0.7, 3, 0, 0, Number.POSITIVE_INFINITY, -1e-9, Number.NEGATIVE_INFINITY, -0),
      true,
    );
    expect(found?.kind).toBe('list');
    expect(found?.values.map(floatOf)).toEqual([
      Number.NEGATIVE_INFINITY,
      Math.fround(-0.7),
      Math.fround(-1e-9),
      -0,
      0,
      Math.fround(0.1),
      3,
      Number.POSITIVE_INFINITY,
    ]);
    expect(found?.levels).toEqual([0, 1, -3, 2, 0, 0, 3, -2, -4, -1]);
    const [quiet, minus] = [0x7fc00001, 0xffc00001];
    expect(find(Uint32Array.of(quiet, 0, 0, minus), true)).toMatchObject({
      values: [minus, 0, quiet],
      levels: [1, 0, 0, -1],
    });
    // Two values are no steps.
    expect(find(floats(0, 0, 2), true)?.kind).toBe('list');
    expect(find(floats(0, 1, -0, 2), true)?.kind).toBe('list');
    expect(find(floats(0, 1, 2, Number.NaN), true)?.kind).toBe('list');
  });

  test('is a list where most levels between would be holes', () => {
    // At most four times as many levels as values, or eight.
    expect(find(floats(0, 1, 7), true)).toMatchObject({ kind: 'step', positive: 7 });
    expect(find(floats(0, 1, 11), true)).toMatchObject({ kind: 'step', positive: 11 });
    expect(find(floats(0, 1, 12), true)?.kind).toBe('list');
    expect(find(floats(0, 1, 2, 15), true)).toMatchObject({ kind: 'step', positive: 15 });
    expect(find(floats(0, 1, 2, 16), true)?.kind).toBe('list');
  });

  test('of half precision is a list, by value', () => {
    const halves = Uint16Array.of(0, 0x3c00, 0xbc00, 0x8001, 0x0001, 0);
    expect(find(halves, true)).toEqual({
      kind: 'list',
      negative: 2,
      positive: 2,
      base: 0,
      values: [0xbc00, 0x8001, 0, 0x0001, 0x3c00],
      levels: [0, 2, -2, -1, 1, 0],
    });
  });

  test('has at most 4096 values in a list, and is none for one value', () => {
    const values = (n: number): Uint32Array =>
      Uint32Array.from({ length: n }, (_, i) => 0x3f800000 + i * i * 7);
    expect(find(values(4096), true)?.kind).toBe('list');
    expect(findBook(values(4097), true)).toBeUndefined();
    expect(
      findBook(
        Uint32Array.from({ length: 4097 }, (_, i) => bitsOf(i)),
        true,
      ),
    ).toBeUndefined();
    expect(
      find(
        Uint32Array.from({ length: 4096 }, (_, i) => bitsOf(i)),
        true,
      )?.kind,
    ).toBe('step');
    expect(findBook(floats(3, 3, 3), true)).toBeUndefined();
    expect(findBook(new Uint32Array(0), true)).toBeUndefined();
  });
});

describe('a codebook for integers', () => {
  test('is consecutive numbers, signed where they have four bytes', () => {
    expect(find(Uint8Array.of(3, 5, 4, 3, 3, 3), false)).toEqual({
      kind: 'ints',
      negative: 0,
      positive: 2,
      base: 3,
      values: [],
      levels: [0, 2, 1, 0, 0, 0],
    });
    expect(find(Uint32Array.from(many([0, 4294967295, 4294967294, 1])), false)).toMatchObject({
      kind: 'ints',
      negative: 2,
      positive: 1,
      base: 0,
    });
    // 2^31 - 1 and -2^31 are no neighbours: a list by value.
    expect(find(Uint32Array.of(0x7fffffff, 0x80000000, 0, 0), false)).toMatchObject({
      kind: 'list',
      values: [0x80000000, 0, 0x7fffffff],
    });
    expect(find(Uint16Array.of(65535, 0, 0, 1), false)).toMatchObject({
      kind: 'list',
      values: [0, 1, 65535],
    });
  });

  test('is a list where most numbers between would be holes', () => {
    expect(find(Uint8Array.of(0, 0, 7), false)).toMatchObject({ kind: 'ints', positive: 7 });
    expect(find(Uint8Array.of(0, 0, 8), false)).toMatchObject({ kind: 'list', values: [0, 8] });
  });

  test('spans at most 65536 numbers', () => {
    const range = (n: number): Uint32Array => Uint32Array.from({ length: n }, (_, i) => i);
    expect(find(range(65536), false)?.kind).toBe('ints');
    expect(findBook(range(65537), false)).toBeUndefined();
    const spread = Uint32Array.from({ length: 20_000 }, (_, i) => 4 * i);
    expect(findBook(spread, false)).toBeUndefined();
    expect(find(spread.subarray(0, 16_384), false)?.kind).toBe('ints');
  });
});

describe('level 0', () => {
  test('is zero, unless something else is more than twice as frequent', () => {
    const times = (...counts: number[]): Uint8Array =>
      Uint8Array.from(counts.flatMap((n, v) => Array(n).fill(v)));
    expect(find(times(3, 6, 1), false)?.base).toBe(0);
    expect(find(times(3, 7, 1), false)?.base).toBe(1);
    expect(find(times(1, 3, 7), false)?.base).toBe(2);
    expect(find(times(1, 3, 6), false)?.base).toBe(1);
    // Where zero is not there, what is more frequent than the first.
    expect(find(times(0, 2, 3), false)?.base).toBe(1);
    expect(find(times(0, 2, 5), false)?.base).toBe(2);
    expect(find(times(0, 1, 1), false)?.base).toBe(1);
    expect(find(floats(...many([0.25, 0.5]), 0.5, 0, ...Array(9).fill(0.5)), true)).toMatchObject({
      kind: 'list',
      negative: 2,
      positive: 0,
    });
  });
});

describe('in the header', () => {
  const spec = (dtype: 'float32' | 'int32', shape: number[], stored?: 'uint8' | 'float16') => ({
    name: '',
    shape,
    dtype,
    ...(stored && { quantization: { dtype: stored } }),
  });
  const written = (book: Book, itemBytes: number, rate = 0): number[] => {
    const out = new Writer();
    writeBook(out, book, itemBytes, rate);
    return [...out.take()];
  };
  const read = (bytes: number[], elements: Parameters<typeof readBook>[2], numbers = 1000) => {
    const reader = new Reader(Uint8Array.from(bytes), numbers);
    const book = readBook(reader, reader.uint(1), elements);
    expect(reader.position).toBe(bytes.length);
    return book;
  };
  const none = new Uint32Array(0);
  const float = { spec: spec('float32', [6, 2]), itemBytes: 4, count: 12 };
  const byte = { spec: spec('float32', [6], 'uint8'), itemBytes: 1, count: 6 };
  const word = { spec: spec('int32', [6]), itemBytes: 4, count: 6 };
  const step: Book = { kind: 'step', negative: 2, positive: 300, base: 0.5, values: none };

  test('a step is its four bytes', () => {
    expect(written(step, 4)).toEqual([0, 2, 172, 2, 0, 0, 0, 63]);
    expect(read(written(step, 4), float)).toEqual(step);
    expect(written(step, 4, 2)[0]).toBe(16);
  });

  test('integers are the one of level 0', () => {
    const book: Book = { kind: 'ints', negative: 1, positive: 2, base: 200, values: none };
    expect(written(book, 1)).toEqual([0, 1, 2, 200]);
    expect(read(written(book, 1), byte)).toEqual(book);
    expect(read(written({ ...book, base: 4294967290 }, 4), word)).toEqual({ ...book, base: 4294967290 });
  });

  test('a list has all but the zero of level 0', () => {
    const book: Book = { kind: 'list', negative: 1, positive: 1, base: 0, values: floats(-1, 0, 1) };
    expect(written(book, 4)).toEqual([1, 1, 1, 0, 0, 128, 191, 0, 0, 128, 63]);
    expect(read(written(book, 4), float)).toEqual(book);
    const other: Book = { ...book, values: Uint32Array.of(3, 9, 4) };
    expect(written(other, 1)).toEqual([3, 1, 1, 3, 9, 4]);
    expect(read(written(other, 1), byte)).toEqual(other);
  });

  test('steps that differ, and predictions, come after it', () => {
    const scales = [new Int16Array(0), Int16Array.of(100, 3)];
    const bytes = written({ ...step, scales }, 4);
    expect(bytes.slice(0, 9)).toEqual([4, 2, 172, 2, 0, 0, 0, 63, 2]);
    expect(read(bytes, float)).toEqual({ ...step, scales });
    const predictor = { lag: 2, terms: Int16Array.of(0, 63, -256, 255, 17, -1) };
    expect(orderOf(predictor)).toBe(3);
    const both = read(written({ ...step, scales, predictor }, 4), float);
    expect(both.scales).toEqual(scales);
    // The low nine bits of a term are what it says.
    expect([...(both.predictor?.terms ?? [])].map((t) => (t << 23) >> 23)).toEqual([...predictor.terms]);
    const alone = read(written({ ...step, scales: [], predictor }, 4), float);
    expect(alone.scales).toEqual([]);
    expect(written({ ...step, scales: [], predictor }, 4)[0]).toBe(3 << 5);
  });

  const bits = [0, 0, 0, 63];
  const [huge, minus, infinite, nan] = [
    [255, 255, 127, 127],
    [0, 0, 0, 191],
    [0, 0, 128, 127],
    [0, 0, 192, 127],
  ];
  test.each<[string, number[], Parameters<typeof readBook>[2], number]>([
    ['one level', [0, 0, 0, ...bits], float, 32],
    ['too many levels', [0, 128, 128, 2, 128, 128, 2, ...bits], float, 32],
    ['a list of 4097', [1, 128, 32, 0], byte, 35],
    ['an element of level 0 without a list', [2, 1, 1, ...bits], float, 15],
    ['steps along axes of integers', [4, 1, 1, 0], byte, 15],
    ['a prediction of integers', [32, 1, 1, 0], byte, 15],
    ['a prediction in a list', [33, 1, 1], float, 15],
    ['a prediction of 64 in a list', [129, 1, 1], float, 15],
    ['a step of 0', [0, 1, 1, 0, 0, 0, 0], float, 34],
    ['a step below 0', [0, 1, 1, ...minus], float, 34],
    ['a step without end', [0, 1, 1, ...infinite], float, 34],
    ['a step that is no number', [0, 1, 1, ...nan], float, 34],
    ['a top without end', [0, 0, 2, ...huge], float, 34],
    ['a bottom without end', [0, 2, 0, ...huge], float, 34],
    ['no distance', [32, 1, 1, ...bits, 0], float, 43],
    ['more terms than elements', [64, 1, 1, ...bits, 7], float, 43],
    ['a list that ends early', [1, 1, 1, 0, 0, 128], float, 1],
  ])('%s: refused', (_, bytes, elements, rule) => {
    expect(() => read(bytes, elements)).toThrow(`broken rule ${rule} `);
  });

  test('the largest of each is accepted', () => {
    expect(read([0, 255, 255, 1, 128, 128, 2, ...bits], float)).toMatchObject({
      negative: 32767,
      positive: 32768,
    });
    expect(read([0, 0, 1, ...huge], float).base).toBe(Math.fround(3.4028234663852886e38));
    expect(read([0, 1, 0, ...huge], float).negative).toBe(1);
    expect(read([1, 128, 16, 255, 15, ...Array(4095).fill(7)], byte).values.length).toBe(4096);
    const predictor = { lag: 6, terms: new Int16Array(12) };
    expect(read(written({ ...step, scales: [], predictor }, 4), float).predictor?.lag).toBe(6);
  });

  test('exponents add up to 120 at most, and the top stays finite: rules 41 and 34', () => {
    const of = (...tops: number[]): Book => ({
      ...step,
      positive: 1,
      negative: 1,
      base: 2 ** -20,
      scales: tops.map((top, axis) =>
        Int16Array.from({ length: [6, 2][axis] }, (_, i) => (i === 1 ? top : 0)),
      ),
    });
    expect(read(written(of(60, 60), 4), float).scales?.[0][1]).toBe(60);
    expect(() => read(written(of(60, 61), 4), float)).toThrow('broken rule 41 ');
    const large = { ...of(100, 0), base: 2 ** 103 };
    expect(() => read(written(large, 4), float)).toThrow('broken rule 34 ');
    expect(read(written({ ...large, base: 2 ** 102 }, 4), float).base).toBe(2 ** 102);
    const uneven = { ...of(97, 0), base: 2 ** 103 };
    expect(() => read(written(uneven, 4), float)).toThrow('broken rule 34 ');
  });

  test('numbers are counted before they are read', () => {
    const bytes = written({ ...step, scales: [new Int16Array(6).fill(1), new Int16Array(0)] }, 4);
    expect(read(bytes, float, 6).scales?.[0].length).toBe(6);
    expect(() => read(bytes, float, 5)).toThrow(expect.objectContaining({ code: 'limit' }));
  });

  test('floats and their bits', () => {
    expect([bitsOf(1), bitsOf(-0), bitsOf(0.1)]).toEqual([0x3f800000, 0x80000000, 0x3dcccccd]);
    expect(Object.is(floatOf(0x80000000), -0)).toBe(true);
  });
});
