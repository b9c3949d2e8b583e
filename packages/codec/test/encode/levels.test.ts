import { describe, expect, test } from 'vitest';
import { levelCandidates, levelCount } from '../../src/encode/level-candidates.js';
import type { Search } from '../../src/encode/search.js';
import { storedSize } from '../../src/encode/size.js';
import { encodeLevels } from '../../src/encode/tiles.js';
import type { Quantized } from '../../src/layouts/codebook/find.js';
import { plainTraversal, traversalsFor } from '../../src/layouts/traversal/choices.js';
import { squash } from '../reference/bits.js';
import { fast, mix } from '../reference/coders.js';

const none = new Uint32Array(0);

/** Levels of so many elements, most of them 0. */
function quantized(count: number, zeros = 0.7, negative = 2, positive = 3): Quantized {
  let state = count;
  const levels = Int32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 < zeros ? 0 : (state % (negative + 1 + positive)) - negative;
  });
  const nonzero = levels.filter((l) => l !== 0).length;
  return { book: { kind: 'step', negative, positive, base: 1, values: none }, levels, nonzero };
}

describe('a tensor of levels in tiles', () => {
  const shape = [4, 7, 5];
  const found = quantized(140);
  // Rows along the last axis; lines along the first.
  const traversal = plainTraversal([2, 0, 1], 1, 2);

  test.each([
    ['ctx-fast' as const, fast, 0],
    ['ctx-mix' as const, mix, 1],
    ['ctx-mix' as const, mix, 2],
  ])('%s: each tile holds its rows, on its own', (codec, byTheBook, rate) => {
    for (const [tileElements, count] of [
      [Infinity, 1],
      [140, 1],
      [139, 2],
      [70, 2],
      [50, 3],
      [1, 5],
      [0.1, 5],
    ]) {
      const { levels, payloads } = encodeLevels(shape, found, traversal, codec, rate, tileElements);
      expect(payloads.length).toBe(count);
      expect(levels).toMatchObject({ rows: 5, lines: 4, width: 7 });
      const decoded = payloads.flatMap((payload, t) => {
        const rows = Math.floor((5 * (t + 1)) / count) - Math.floor((5 * t) / count);
        return byTheBook(payload, {
          rows,
          lines: 4,
          width: 7,
          negative: 2,
          positive: 3,
          tuning: levels?.tuning ?? 0,
        });
      });
      const wanted = Array.from({ length: 140 }, (_, i) => {
        const [row, line, x] = [Math.floor(i / 28), Math.floor(i / 7) % 4, i % 7];
        return found.levels[line * 35 + x * 5 + row];
      });
      expect(decoded).toEqual(wanted);
    }
  });

  test('starts at the density that they have, and says at which rate it learns', () => {
    const off = (i: number, density: number): number => Math.abs(squash((i - 128) * 16) / 65536 - density);
    for (const zeros of [0, 0.02, 0.3, 0.5, 0.9, 0.99, 0.9999, 1]) {
      const some = quantized(3000, zeros);
      const { levels } = encodeLevels([3000], some, plainTraversal([0], 0, 0), 'ctx-fast', 0, Infinity);
      const [own, density] = [levels?.tuning ?? -1, some.nonzero / 3000];
      expect(own).toBeLessThan(256);
      for (let i = 0; i < 256; i++) expect(off(own, density)).toBeLessThanOrEqual(off(i, density));
    }
    const { levels } = encodeLevels(shape, found, traversal, 'ctx-mix', 2, Infinity);
    expect((levels?.tuning ?? 0) >> 8).toBe(2);
  });
});

describe('the level coders', () => {
  const base = (shape: number[]) => ({
    spec: { name: 'w', shape, dtype: 'float32' as const },
    storage: 0,
    elements: shape.reduce((a, b) => a * b, 1),
    payloads: [],
  });
  const search = (more: Partial<Search> = {}): Search => ({
    effort: 5,
    more: () => true,
    prefer: 'size',
    codecs: ['rans', 'ctx-fast', 'ctx-mix'],
    tileElements: Infinity,
    ...more,
  });
  const shape = [3, 3, 4, 6];
  const found = quantized(216);
  const tried = (more: Partial<Search>) =>
    levelCandidates(base(shape), found, search(more)).map(
      ({ codec, levels }) => `${codec} ${(levels?.tuning ?? 0) >> 8}`,
    );
  const ways = traversalsFor(shape).length;
  const fasts = (n: number): string[] => Array(n).fill('ctx-fast 0');

  test('are tried as far as the effort goes', () => {
    expect(ways).toBe(7);
    expect(tried({ effort: 0 })).toEqual([...fasts(1), 'rans 0', 'ctx-mix 1']);
    expect(tried({ effort: 3 })).toEqual([...fasts(7), 'rans 0', 'ctx-mix 1']);
    expect(tried({ effort: 4 })).toEqual([...fasts(7), 'rans 0', ...Array(2).fill('ctx-mix 1')]);
    expect(tried({ effort: 5 })).toEqual([...fasts(7), 'rans 0', ...Array(2).fill('ctx-mix 1')]);
    const rates = ['ctx-mix 1', 'ctx-mix 0', 'ctx-mix 2'];
    expect(tried({ effort: 6 })).toEqual([...fasts(7), 'rans 0', ...rates, ...rates]);
    expect(tried({ effort: 7 }).length).toBe(8 + 6);
    expect(tried({ effort: 8 }).length).toBe(8 + 21);
    expect(tried({ effort: 9 }).length).toBe(8 + 21);
  });

  test('are those that may be chosen', () => {
    expect(tried({ codecs: ['ctx-fast'] })).toEqual(fasts(7));
    expect(tried({ codecs: ['rans'] })).toEqual(['rans 0']);
    expect(tried({ codecs: ['ctx-mix'] })).toEqual(Array(2).fill('ctx-mix 1'));
    expect(tried({ codecs: ['lz'] })).toEqual([]);
  });

  test('are as many as there is time for, one at least', () => {
    const within = (times: number, codecs: Search['codecs']) => {
      let left = times;
      return tried({ effort: 9, more: () => left-- > 0, codecs });
    };
    expect(within(0, ['rans', 'ctx-fast', 'ctx-mix'])).toEqual([...fasts(1), 'rans 0']);
    expect(within(2, ['rans', 'ctx-fast', 'ctx-mix'])).toEqual([...fasts(3), 'rans 0']);
    expect(within(8, ['rans', 'ctx-fast', 'ctx-mix'])).toEqual([
      ...fasts(7),
      'rans 0',
      'ctx-mix 1',
      'ctx-mix 0',
    ]);
    expect(within(0, ['ctx-mix'])).toEqual(['ctx-mix 1']);
  });

  test('the mixing one goes the ways that were shortest for the fast one', () => {
    const all = levelCandidates(base(shape), found, search());
    const sizes = all.filter(({ codec }) => codec === 'ctx-fast').map(storedSize);
    expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
    const [first, second] = all;
    const mixes = all.filter(({ codec }) => codec === 'ctx-mix');
    expect(mixes.map(({ levels }) => levels?.traversal)).toEqual(
      [first, second].map(({ levels }) => levels?.traversal),
    );
  });

  test('the one without contexts takes elements as they lie, in rows as long as allowed, of 1024 levels at most', () => {
    const rans = (dims: number[], some = quantized(dims.reduce((a, b) => a * b, 1))) => {
      const [one] = levelCandidates(base(dims), some, search({ codecs: ['rans'], effort: 0 }));
      return (
        one && {
          groups: one.levels?.traversal.groups,
          rows: one.levels?.rows,
          lines: one.levels?.lines,
          width: one.levels?.width,
        }
      );
    };
    expect(rans([3, 4])).toEqual({ groups: [[], [], [0, 1]], rows: 1, lines: 1, width: 12 });
    expect(rans([104_854])).toEqual({ groups: [[], [], [0]], rows: 1, lines: 1, width: 104_854 });
    expect(rans([104_855])).toEqual({ groups: [[0], [], []], rows: 104_855, lines: 1, width: 1 });
    expect(rans([2_000_006], quantized(2_000_006, 1))).toEqual({
      groups: [[0], [], [1]],
      rows: 1_000_003,
      lines: 1,
      width: 2,
    });
    expect(rans([3, 200, 200])).toEqual({ groups: [[0], [], [1, 2]], rows: 3, lines: 1, width: 40_000 });
    const wide = (levels: number): Quantized => quantized(3000, 0.2, 0, levels - 1);
    expect(levelCount(wide(1024))).toBe(1024);
    expect(rans([3000], wide(1024))?.width).toBe(3000);
    expect(rans([3000], wide(1025))).toBeUndefined();
  });
});

describe('the size of a form', () => {
  const spec = { name: 'w', shape: [6], dtype: 'float32' as const };
  const raw = {
    spec,
    storage: 0,
    elements: 6,
    codec: 'raw' as const,
    payloads: [new Uint8Array(20), new Uint8Array(4)],
  };
  const found = quantized(6);
  const { levels } = encodeLevels([6], found, plainTraversal([0], 0, 0), 'ctx-fast', 0, Infinity);

  test('is that of its payloads, its codebook and its numbers', () => {
    expect(storedSize(raw)).toBe(24);
    if (!levels) throw new Error('no levels');
    const of = (book: object): number =>
      storedSize({ ...raw, codec: 'ctx-fast', levels: { ...levels, book: { ...levels.book, ...book } } });
    expect(of({})).toBe(24 + 7);
    expect(of({ kind: 'list', values: new Uint32Array(5) })).toBe(24 + 7 + 20);
    expect(of({ scales: [new Int16Array(3), new Int16Array(0)] })).toBe(24 + 7 + 4 + 1);
    expect(of({ scales: [], predictor: { lag: 2, terms: new Int16Array(6) } })).toBe(24 + 7 + 6);
  });
});
