import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeRans } from '../../src/coders/rans/decode.js';
import { encodeRans } from '../../src/coders/rans/encode.js';
import { rans, varint } from '../reference/coders.js';
import { mirrored } from './sink.js';

/** Symbols from 0, each so many times, well mixed. */
function symbolsOf(counts: readonly number[]): Uint16Array {
  const all = counts.flatMap((n, s) => Array<number>(n).fill(s));
  let state = 9;
  for (let i = all.length - 1; i > 0; i--) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const j = Math.floor((state / 2 ** 32) * (i + 1));
    [all[i], all[j]] = [all[j], all[i]];
  }
  return Uint16Array.from(all);
}

const gridOf = (length: number, count: number) => {
  const lines = length % 3 === 0 ? 3 : 1;
  const rows = length % 4 === 0 ? 4 : 1;
  const shape = { rows, lines, width: length / rows / lines };
  return {
    ...shape,
    negative: Math.floor(count / 3),
    positive: count - 1 - Math.floor(count / 3),
    tuning: 0,
  };
};

const own = (payload: Uint8Array, length: number, count: number): number[] => {
  const grid = gridOf(length, count);
  return mirrored(grid, (sink) => decodeRans(payload, grid, sink)).map((level) => level + grid.negative);
};

/** The frequencies, and where the states are. */
function headOf(payload: Uint8Array, count: number): { frequencies: number[]; states: number } {
  const at = { position: 0 };
  const frequencies = Array.from({ length: count }, () => varint(payload, at));
  return { frequencies, states: at.position };
}

const cases: [string, number[]][] = [
  ['even', [100, 100, 100, 100]],
  ['skewed', [1, 900, 60, 7, 0, 31]],
  ['one in very many', [1, 9000]],
  ['one of each, and very many', [...Array(1000).fill(1), 9000]],
  ['more symbols than half of what there is to share', [...Array(1023).fill(3), 5]],
  ['thirds', [1000, 1000, 1000]],
  ['few', [2, 1]],
  ['a gap', [5, 0, 0, 0, 7]],
];

describe('rans', () => {
  test.each(cases)('%s: is read by the book, at the price of its frequencies', (_, counts) => {
    const symbols = symbolsOf(counts);
    const payload = encodeRans(symbols, counts.length);
    const grid = gridOf(symbols.length, counts.length);
    expect(rans(payload, grid).map((level) => level + grid.negative)).toEqual([...symbols]);
    expect(own(payload, symbols.length, counts.length)).toEqual([...symbols]);
    const { frequencies, states } = headOf(payload, counts.length);
    const bits = counts.reduce((sum, n, s) => sum - (n && n * Math.log2(frequencies[s] / 4096)), 0);
    expect(payload.length - states - 8).toBeGreaterThanOrEqual(bits / 8 - 4);
    expect(payload.length - states - 8).toBeLessThanOrEqual(1.01 * (bits / 8) + 4);
  });

  test.each(cases)(
    '%s: frequencies add up, none that is needed is 0, and no other ones are cheaper',
    (_, counts) => {
      const { frequencies } = headOf(encodeRans(symbolsOf(counts), counts.length), counts.length);
      expect(frequencies.reduce((a, b) => a + b)).toBe(4096);
      expect(frequencies.map((f) => f > 0)).toEqual(counts.map((n) => n > 0));
      // Convex: where no exchange of one unit saves anything, nothing does.
      const gain = (s: number): number => counts[s] * Math.log2((frequencies[s] + 1) / frequencies[s]);
      const loss = (s: number): number =>
        frequencies[s] === 1 ? Infinity : counts[s] * Math.log2(frequencies[s] / (frequencies[s] - 1));
      const used = [...counts.keys()].filter((s) => counts[s] > 0);
      const most = Math.max(...used.map(gain));
      const least = Math.min(...used.map(loss));
      expect(most).toBeLessThanOrEqual(least + 1e-9);
    },
  );

  test('any symbols are read by the book', () => {
    const any = fc.tuple(
      fc.array(fc.integer({ min: 0, max: 11 }), { minLength: 1, maxLength: 90 }),
      fc.integer({ min: 12, max: 400 }),
    );
    fc.assert(
      fc.property(any, ([symbols, count]) => {
        const payload = encodeRans(Uint16Array.from(symbols), count);
        const grid = gridOf(symbols.length, count);
        expect(rans(payload, grid).map((level) => level + grid.negative)).toEqual(symbols);
        expect(own(payload, symbols.length, count)).toEqual(symbols);
      }),
      { numRuns: 60 },
    );
  });

  const symbols = symbolsOf([40, 50, 60]);
  const payload = encodeRans(symbols, 3);
  const { states } = headOf(payload, 3);
  const forged = (at: number, value: number): Uint8Array => {
    const copy = payload.slice();
    new DataView(copy.buffer).setUint32(at, value, true);
    return copy;
  };

  test.each([
    ['frequencies that are too small', Uint8Array.of(1, 2, 3, ...payload.subarray(states)), 61],
    ['frequencies that are too large', Uint8Array.of(0x80, 0x20, 1, 0, ...payload.subarray(states)), 61],
    ['a first state that is too small', forged(states, 2 ** 15 - 1), 62],
    ['a second state that is too small', forged(states + 4, 2 ** 15 - 1), 62],
    ['a first state that is too large', forged(states, 2 ** 31), 62],
    ['a second state that is too large', forged(states + 4, 2 ** 31), 62],
    ['a state that is none of an encoder', forged(states, 2 ** 31 - 1), 53],
    ['a word too many', Uint8Array.of(...payload, 0, 0), 53],
    ['a byte too few', payload.subarray(0, -1), 52],
    ['a word too few', payload.subarray(0, -2), 52],
    ['no state', payload.subarray(0, states + 7), 1],
  ])('%s: refused', (_, bytes, rule) => {
    expect(() => own(bytes, 150, 3)).toThrow(`broken rule ${rule} `);
  });

  test('a state may be the smallest there is, and a stream of nothing but it', () => {
    const one = encodeRans(Uint16Array.of(1, 1, 1, 1), 2);
    expect(headOf(one, 2)).toEqual({ frequencies: [0, 4096], states: 3 });
    expect(one.length).toBe(11);
    expect(own(one, 4, 2)).toEqual([1, 1, 1, 1]);
    const wrong = one.slice();
    wrong[3] = 1;
    expect(() => own(wrong, 4, 2)).toThrow('broken rule 53 ');
    const second = one.slice();
    second[7] = 1;
    expect(() => own(second, 4, 2)).toThrow('broken rule 53 ');
  });
});
