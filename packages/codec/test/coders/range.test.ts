import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { codeBit, codeGolomb, codeTree, freshStates } from '../../src/coders/range/adaptive.js';
import { RangeDecoder } from '../../src/coders/range/decoder.js';
import { RangeEncoder } from '../../src/coders/range/encoder.js';
import { initial } from '../../src/coders/range/logistic.js';
import { makeState, nextState } from '../../src/coders/range/state.js';
import {
  Bits,
  Capped,
  density,
  golomb,
  State,
  tree,
  squash as trueSquash,
  stretch as trueStretch,
} from '../reference/bits.js';

/** Bits and the probabilities of a 1, in 1/65536, that both ends give them. */
type Message = readonly (readonly [p: number, bit: number])[];

function encoded(message: Message): Uint8Array {
  const coder = new RangeEncoder();
  for (const [p, bit] of message) expect(coder.code(p, bit)).toBe(bit);
  return coder.finish();
}

const ideal = (message: Message): number =>
  message.reduce((sum, [p, bit]) => sum - Math.log2(bit ? p / 65536 : 1 - p / 65536), 0);

function expectBack(message: Message): void {
  const bytes = encoded(message);
  const [book, own] = [new Bits(bytes), new RangeDecoder(bytes)];
  for (const [p, bit] of message) {
    expect(book.bit(p)).toBe(bit);
    expect(own.code(p)).toBe(bit);
  }
  expect(book.beyond).toBe(2);
  own.finish();
  // Two bytes of the last five are not stored; a probability is cut to what the range holds of it.
  expect(bytes.length * 8).toBeLessThanOrEqual(1.01 * ideal(message) + 24);
  expect(bytes.length).toBeGreaterThanOrEqual(2);
}

const probability = fc.oneof(fc.constantFrom(1, 2, 32768, 65534, 65535), fc.integer({ min: 1, max: 65535 }));
const message = fc.array(fc.tuple(probability, fc.constantFrom(0, 1)), { maxLength: 300 });

describe('the range coder', () => {
  test('says any bits by any probabilities, at their price', () => {
    fc.assert(fc.property(message, expectBack), { numRuns: 60 });
  });

  test('carries through any number of bytes of 255', () => {
    // Likely zeros leave the low end where it is; each unlikely outcome moves it to the top of what is left.
    const top: Message = [[32768, 0], ...Array(40).fill([1, 0]), ...Array(60).fill([65535, 0])];
    expectBack(top);
    for (let n = 0; n < 40; n++)
      expectBack([...Array(n).fill([65535, 0]), ...Array(n).fill([65535, 1]), [1, 1]]);
    // The low end just below a multiple of 2^24: 255s that wait, then a carry or none.
    const waiting: Message = Array.from({ length: 200 }, (_, i) => [65535, i % 50 === 49 ? 1 : 0]);
    expectBack(waiting);
    expectBack([...waiting, [65535, 0], [65535, 0], [1, 0]]);
  });

  test('a payload of nothing has two bytes', () => {
    expect([...encoded([])]).toEqual([0, 0]);
    new RangeDecoder(encoded([])).finish();
  });

  test('a first byte above 127 is impossible: rule 51', () => {
    expect(() => new RangeDecoder(Uint8Array.of(128, 0, 0, 0))).toThrow('broken rule 51 ');
    expect(new RangeDecoder(Uint8Array.of(127, 255, 255, 255)).code(32768)).toBe(0);
  });

  test('more or less than was written is noticed: rules 52 and 53', () => {
    const bits: Message = Array.from({ length: 64 }, (_, i) => [32768, (i * i) & 1]);
    const bytes = encoded(bits);
    const longer = new RangeDecoder(Uint8Array.of(...bytes, 0));
    for (const [p] of bits) longer.code(p);
    expect(() => longer.finish()).toThrow('broken rule 53 ');
    const shorter = new RangeDecoder(bytes.subarray(0, -1));
    expect(() => {
      for (const [p] of bits) shorter.code(p);
    }).toThrow('broken rule 52 ');
    const endless = new RangeDecoder(new Uint8Array(0));
    expect(() => {
      for (let i = 0; i < 1000; i++) endless.code(32768);
    }).toThrow('broken rule 52 ');
  });
});

/** The modules as they are when they are loaded, for what they do then is all that they do. */
async function fresh<T>(load: () => Promise<T>): Promise<T> {
  vi.resetModules();
  return load();
}

describe('the frozen tables', () => {
  const all = (count: number, of: (i: number) => number): number[] =>
    Array.from({ length: count }, (_, i) => of(i));

  test('are those of the format', async () => {
    const { DELTA, DENSITY, RANGE, squash, stretch, tables } = await fresh(
      () => import('../../src/coders/range/logistic.js'),
    );
    expect(RANGE).toBe(2128);
    expect([...squash.subarray(0, 4257)]).toEqual(all(4257, (i) => trueSquash(i - 2128)));
    expect([...stretch]).toEqual(all(4096, trueStretch));
    expect([...DENSITY]).toEqual(all(4096, density));
    expect([...DELTA.subarray(0, 1024)]).toEqual(all(1024, (n) => Math.floor(8192 / (n + 1.5))));
    expect(tables.length).toBe(4096 + 4257 + 1024 + 4096);
    expect([...tables]).toEqual([
      ...stretch,
      ...squash.subarray(0, 4257),
      ...DELTA.subarray(0, 1024),
      ...DENSITY,
    ]);
  });

  test('follow the logistic function', () => {
    for (let x = -2128; x <= 2128; x += 7)
      expect(Math.abs(trueSquash(x) - 65536 / (1 + Math.exp(-x / 256)))).toBeLessThan(1.5);
  });

  test('the initial probability is a stretch in sixteenths', () => {
    for (const tuning of [0, 1, 60, 128, 129, 255, 256, 0x3ff]) {
      const i = (tuning & 255) - 128;
      expect(Math.abs(initial(tuning) - 65536 / (1 + Math.exp(-i / 16)))).toBeLessThan(1.5);
      expect(initial(tuning)).toBe(trueSquash(i * 16));
    }
  });

  test.each([0, 1, 13473, 13474, 30000])('are at the start of an array with %d places more', async (size) => {
    const { makeTables } = await fresh(() => import('../../src/coders/levels/tables.js'));
    const { tables } = await import('../../src/coders/range/logistic.js');
    for (const state of [makeState(32768, 0), 7]) {
      const m = makeTables(size, state);
      expect(m.length).toBeGreaterThanOrEqual(13473 + size);
      expect(m.subarray(0, 13473)).toEqual(tables);
      expect(m.subarray(13473, 13473 + size).every((one) => one === state)).toBe(true);
    }
    // Small ones are the same array, for one after the other.
    expect(makeTables(size, 1) === makeTables(size, 2)).toBe(size <= 13473);
  });
});

describe('states', () => {
  test('learn as the format says', () => {
    const run = fc.array(fc.constantFrom(0, 1), { maxLength: 80 });
    fc.assert(
      fc.property(
        fc.integer({ min: 16, max: 65520 }),
        fc.integer({ min: 0, max: 1022 }),
        run,
        (p, count, bits) => {
          const state = new State(p, count);
          let own = makeState(p, count);
          for (const bit of bits) {
            state.learn(bit);
            own = nextState(own, bit);
            expect([own >>> 10, own & 1023]).toEqual([state.p, state.count]);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('move towards 16/65536 and its complement', async () => {
    const { TARGET0, TARGET1 } = await fresh(() => import('../../src/coders/range/state.js'));
    expect([TARGET0, TARGET1]).toEqual([(16 / 65536) * 2 ** 19, (1 - 16 / 65536) * 2 ** 19 - 1]);
  });

  test('count to 1022 and never take a bit for certain', () => {
    for (const bit of [0, 1]) {
      let own = makeState(32768, 0);
      for (let i = 0; i < 6000; i++) own = nextState(own, bit);
      expect(own & 1023).toBe(1022);
      const p = own >>> 16;
      expect(bit ? 65536 - p : p).toBeGreaterThanOrEqual(16);
      expect(bit ? 65536 - p : p).toBeLessThanOrEqual(40);
    }
  });
});

describe('bits, trees and integers', () => {
  test('are read by the book', () => {
    const bit = fc.tuple(fc.constant('bit' as const), fc.constantFrom(0, 1));
    const byte = fc.tuple(fc.constant('tree' as const), fc.integer({ min: 0, max: 255 }));
    const integer = fc.tuple(fc.constant('golomb' as const), fc.integer({ min: 1, max: 2 ** 25 - 1 }));
    fc.assert(
      fc.property(fc.array(fc.oneof(bit, byte, integer), { maxLength: 60 }), (words) => {
        const coder = new RangeEncoder();
        const states = freshStates(400);
        for (const [kind, value] of words) {
          if (kind === 'bit') expect(codeBit(coder, states, 0, value)).toBe(value);
          else if (kind === 'tree') expect(codeTree(coder, states, 9, 8, value)).toBe(256 + value);
          else expect(codeGolomb(coder, states, 300, value)).toBe(value);
        }
        const bytes = coder.finish();
        const [book, own] = [new Bits(bytes), new RangeDecoder(bytes)];
        const known = Array.from({ length: 400 }, () => new Capped());
        const again = freshStates(400);
        for (const [kind, value] of words) {
          if (kind === 'bit') {
            expect(known[0].code(book)).toBe(value);
            expect(codeBit(own, again, 0, 0)).toBe(value);
          } else if (kind === 'tree') {
            expect(tree(book, 8, (node) => known[9 + node])).toBe(value);
            expect(codeTree(own, again, 9, 8, 0)).toBe(256 + value);
          } else {
            expect(golomb(book, (k) => known[300 + k])).toBe(value);
            expect(codeGolomb(own, again, 300, 0)).toBe(value);
          }
        }
        own.finish();
      }),
      { numRuns: 60 },
    );
  });

  test('a count stops at 255', () => {
    const coder = new RangeEncoder();
    const states = freshStates(1);
    const bits = Array.from({ length: 700 }, (_, i) => (i < 500 ? 1 : i % 3 ? 0 : 1));
    for (const bit of bits) codeBit(coder, states, 0, bit);
    expect(states[0] & 1023).toBe(255);
    const book = new Bits(coder.finish());
    const known = new Capped();
    expect(bits.map(() => known.code(book))).toEqual(bits);
  });

  test('an integer of more than 25 bits is refused: rule 55', () => {
    const code = (value: number): number => codeGolomb(new RangeEncoder(), freshStates(40), 0, value);
    expect(code(2 ** 25 - 1)).toBe(2 ** 25 - 1);
    expect(() => code(2 ** 25)).toThrow('broken rule 55 ');
  });
});
