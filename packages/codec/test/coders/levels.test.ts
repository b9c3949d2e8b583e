import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { decodeFast } from '../../src/coders/fast/decode.js';
import { codeFast } from '../../src/coders/fast/encode.js';
import { type LevelGrid, lineStart, lineStride, rowSize } from '../../src/coders/levels/rows.js';
import { decodeMix } from '../../src/coders/mix/decode.js';
import { codeMix } from '../../src/coders/mix/encode.js';
import { RangeDecoder } from '../../src/coders/range/decoder.js';
import { RangeEncoder } from '../../src/coders/range/encoder.js';
import { fast, mix } from '../reference/coders.js';
import { mirrored } from './sink.js';

const coders = [
  ['ctx-fast', codeFast, decodeFast, fast],
  ['ctx-mix', codeMix, decodeMix, mix],
] as const;

function encoded(code: typeof codeFast, grid: LevelGrid, levels: ArrayLike<number>): Uint8Array {
  const coder = new RangeEncoder();
  code(coder, grid, (row, out) => {
    for (let line = 0; line < grid.lines; line++) {
      for (let x = 0; x < grid.width; x++)
        out[lineStart(grid, line) + x] = levels[(row * grid.lines + line) * grid.width + x];
    }
  });
  return coder.finish();
}

const decoded = (decode: typeof decodeFast, g: LevelGrid, payload: Uint8Array): number[] =>
  mirrored(g, (sink) => {
    const coder = new RangeDecoder(payload);
    decode(coder, g, sink);
    coder.finish();
  });

/** Levels with so many zeros, geometric in size, from a seed. */
function draw(grid: LevelGrid, zeros: number, seed: number, spread = 0.5): number[] {
  let state = seed;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const { rows, lines, width, negative, positive } = grid;
  return Array.from({ length: rows * lines * width }, () => {
    if (next() < zeros) return 0;
    const size = 1 + Math.floor(Math.log(next()) / Math.log(spread));
    const minus = next() < (negative === 0 ? 0 : positive === 0 ? 1 : 0.5);
    return minus ? -Math.min(size, negative) : Math.min(size, positive);
  });
}

const grid = (
  rows: number,
  lines: number,
  width: number,
  negative: number,
  positive: number,
  tuning = 100,
): LevelGrid => ({
  rows,
  lines,
  width,
  negative,
  positive,
  tuning,
});

describe.each(coders)('%s', (name, code, decode, byTheBook) => {
  const expectBack = (g: LevelGrid, levels: number[]): Uint8Array => {
    const payload = encoded(code, g, levels);
    expect(byTheBook(payload, g)).toEqual(levels);
    expect(decoded(decode, g, payload)).toEqual(levels);
    return payload;
  };

  test.each([
    ['few', grid(6, 5, 7, 2, 3), 0.8, 0.5],
    ['many', grid(4, 3, 9, 3, 3, 200), 0.05, 0.5],
    ['none below', grid(3, 4, 8, 0, 4, 120), 0.6, 0.5],
    ['none above', grid(3, 4, 8, 4, 0, 120), 0.6, 0.5],
    ['of one size', grid(5, 4, 5, 1, 1, 90), 0.5, 0.5],
    ['up to 14', grid(4, 4, 8, 14, 14, 150), 0.3, 0.95],
    ['up to 15', grid(4, 4, 8, 15, 15, 150), 0.3, 0.95],
    ['up to 16', grid(4, 4, 8, 16, 16, 150), 0.3, 0.95],
    ['up to 1000', grid(4, 4, 8, 1000, 1000, 150), 0.3, 0.995],
    ['of different ends', grid(4, 4, 8, 3, 40, 150), 0.3, 0.9],
    ['in one line', grid(1, 1, 2500, 2, 2), 0.7, 0.5],
    ['in one column of lines', grid(1, 2500, 1, 2, 2), 0.7, 0.5],
    ['in rows of one', grid(2500, 1, 1, 2, 2), 0.7, 0.5],
    ['few and far between', grid(1, 2, 1800, 2, 2, 10), 0.985, 0.5],
    ['in pairs', grid(9, 2, 2, 5, 5, 0), 0.4, 0.7],
    ['at the densest start', grid(3, 3, 20, 5, 5, 255), 0.4, 0.7],
    ['at rate 0', grid(8, 4, 10, 2, 2, 100), 0.7, 0.5],
    ['at rate 2', grid(8, 4, 10, 2, 2, 100 | (2 << 8)), 0.7, 0.5],
    ['at rate 3', grid(8, 4, 10, 2, 2, 100 | (3 << 8)), 0.7, 0.5],
  ])('levels %s are read by the book', (_, g, zeros, spread) => {
    const rate = name === 'ctx-fast' ? 255 : 1023;
    const own = { ...g, tuning: g.tuning & rate };
    expectBack(own, draw(own, zeros, 1 + g.rows * g.width, spread));
  });

  test('levels of any shape are read by the book', () => {
    const size = fc.integer({ min: 1, max: 5 });
    const shape = fc.tuple(
      size,
      size,
      size,
      fc.integer({ min: 0, max: 20 }),
      fc.integer({ min: 1, max: 20 }),
    );
    fc.assert(
      fc.property(
        shape,
        fc.integer({ min: 0, max: 1 }),
        fc.integer(),
        ([r, l, w, small, large], turned, seed) => {
          const g = turned ? grid(r, l, w, large, small) : grid(r, l, w, small, large);
          expectBack(g, draw(g, 0.4, seed, 0.8));
        },
      ),
      { numRuns: 40 },
    );
  });

  test('levels are read by the book from the first byte on that a program codes', async () => {
    vi.resetModules();
    const [{ codeFast: ownFast }, { codeMix: ownMix }, { RangeEncoder: Encoder }] = await Promise.all([
      import('../../src/coders/fast/encode.js'),
      import('../../src/coders/mix/encode.js'),
      import('../../src/coders/range/encoder.js'),
    ]);
    const g = grid(9, 5, 20, 3, 3, 110);
    const levels = draw(g, 0.7, 4);
    const coder = new Encoder();
    (name === 'ctx-fast' ? ownFast : ownMix)(coder, g, (row, out) => {
      for (let i = 0; i < 100; i++) out[lineStart(g, Math.floor(i / 20)) + (i % 20)] = levels[100 * row + i];
    });
    expect(byTheBook(coder.finish(), g)).toEqual(levels);
  });

  test('a decoder that is given less says so: rule 52', () => {
    const g = grid(8, 2, 16, 3, 3);
    const payload = encoded(code, g, draw(g, 0.3, 5));
    for (const length of [0, 3, payload.length - 1])
      expect(() => decoded(decode, g, payload.subarray(0, length))).toThrow(/broken rule 5[25] /);
    expect(() => decoded(decode, g, Uint8Array.of(...payload, 0))).toThrow('broken rule 53 ');
    // At the end of a row at the latest, where there are zeros alone.
    const zeros = grid(2000, 1, 4, 1, 1, 255);
    const long = encoded(code, zeros, Array(8000).fill(0));
    expect(() => decoded(decode, zeros, long.subarray(0, 3))).toThrow('broken rule 52 ');
  });

  test('a level beyond the ends is refused: rule 55', () => {
    const levels = [0, 40, 0, 3];
    const payload = encoded(code, grid(1, 1, 4, 40, 40), levels);
    expect(() => decoded(decode, grid(1, 1, 4, 39, 39), payload)).toThrow('broken rule 55 ');
    expect(() => encoded(code, grid(1, 1, 4, 39, 39), levels)).toThrow(/too large|broken rule 55 /);
    expect(decoded(decode, grid(1, 1, 4, 40, 40), payload)).toEqual(levels);
  });

  test('what does not change soon costs next to nothing; what is noise costs its entropy', () => {
    const large = grid(40, 8, 25, 1, 1, 128);
    expect(encoded(code, large, Array(8000).fill(0)).length).toBeLessThan(60);
    expect(encoded(code, large, Array(8000).fill(1)).length).toBeLessThan(90);
    const noise = draw(large, 0.5, 3);
    // Zero or not, and the sign of half of them.
    expect(encoded(code, large, noise).length).toBeLessThan((1.04 * (8000 * 1.5)) / 8);
  });
});

test('a bordered row has two lines and two columns before it, two lines and one column behind', () => {
  const g = grid(1, 3, 5, 1, 1);
  expect([lineStride(g), lineStart(g, 0), lineStart(g, 2), rowSize(g)]).toEqual([8, 18, 34, 56]);
});
