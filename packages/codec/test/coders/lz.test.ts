import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Costs, type Step } from '../../src/coders/lz/costs.js';
import { decodeLz } from '../../src/coders/lz/decode.js';
import { encodeLz, encodeLzWell } from '../../src/coders/lz/encode.js';
import { Finder } from '../../src/coders/lz/finder.js';
import { LzModel } from '../../src/coders/lz/model.js';
import { cheapest, lazily } from '../../src/coders/lz/parse.js';
import { RangeEncoder } from '../../src/coders/range/encoder.js';
import { lz } from '../reference/coders.js';
import { cheapestOfAll, priceOf } from '../reference/parse.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Bytes that repeat themselves now and then, from a seed. */
function repeating(length: number, seed: number, letters = 4): Uint8Array {
  let state = seed;
  const next = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const out: number[] = [];
  while (out.length < length) {
    if (out.length > 4 && next(3) === 0) {
      const from = next(out.length);
      const size = 2 + next(12);
      for (let i = 0; i < size; i++) out.push(out[from + i]);
    } else out.push(60 * next(letters));
  }
  return Uint8Array.from(out.slice(0, length));
}

describe('lz', () => {
  const bytes = fc.array(
    fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 5 }), fc.integer({ min: 1, max: 30 })),
    {
      maxLength: 6,
    },
  );
  test('what both encoders write is read by the book', () => {
    fc.assert(
      fc.property(
        bytes,
        fc.constantFrom(1, 2, 4, 8),
        fc.integer({ min: 0, max: 9 }),
        (pieces, itemBytes, effort) => {
          const data = Uint8Array.from(
            pieces.flatMap(([piece, times]) =>
              Array(times)
                .fill([...piece])
                .flat(),
            ),
          );
          for (const known of [0, Math.floor(data.length / 3)]) {
            const wanted = [...data.subarray(known)];
            const prefix = data.subarray(0, known);
            for (const coded of [
              encodeLz(data, itemBytes, effort, known),
              encodeLzWell(data, itemBytes, effort, known),
            ]) {
              expect([...lz(coded, wanted.length, itemBytes, prefix)]).toEqual(wanted);
              const out = new Uint8Array(data.length);
              out.set(prefix);
              decodeLz(coded, out, itemBytes, known);
              expect([...out]).toEqual([...data]);
            }
          }
        },
      ),
      { numRuns: 40 },
    );
  });

  test('a tensor of nothing is two bytes', () => {
    expect(encodeLz(new Uint8Array(0), 1, 5).length).toBe(2);
    decodeLz(encodeLz(new Uint8Array(0), 1, 5), new Uint8Array(0), 1);
  });

  /** Literals and copies as one likes. */
  function forged(steps: readonly (number | [length: number, distance: number])[]): Uint8Array {
    const coder = new RangeEncoder();
    const model = new LzModel(coder, 4);
    let position = 0;
    for (const step of steps) {
      if (typeof step === 'number') {
        model.kind(position, 0);
        model.literal(position++, 0, step);
      } else {
        model.kind(position, 1);
        model.copy(...step, step[1] === 0 ? 1 : 0);
        position += step[0];
      }
    }
    return coder.finish();
  }
  const read = (payload: Uint8Array, length: number): number[] => {
    const out = new Uint8Array(length);
    decodeLz(payload, out, 4);
    return [...out];
  };

  test('copies go back to the first byte and on to the last, over themselves too; not further: rule 60', () => {
    expect(read(forged([7, 8, [4, 2], 9, [3, 0]]), 10)).toEqual([7, 8, 7, 8, 7, 8, 9, 8, 9, 8]);
    expect(() => read(forged([7, 8, [4, 3]]), 6)).toThrow('broken rule 60 ');
    expect(() => read(forged([7, 8, [5, 2]]), 6)).toThrow('broken rule 60 ');
    expect(() => read(forged([7, 8, [4, 0]]), 6)).toThrow('broken rule 60 ');
    expect(() => read(forged([[4, 1]]), 4)).toThrow('broken rule 60 ');
  });

  test('surplus and an early end are refused', () => {
    const payload = forged([7, 8, [4, 2]]);
    expect(() => read(Uint8Array.of(...payload, 0), 6)).toThrow('broken rule 53 ');
    const long = forged(Array.from({ length: 40 }, (_, i) => (i * 97) & 255));
    expect(() => read(long.subarray(0, -1), 40)).toThrow('broken rule 52 ');
  });

  test('beyond the block in which steps are searched for at once, too', () => {
    const noise = new Uint8Array(2 ** 18 + 600);
    for (let i = 0, state = 1; i < noise.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      noise[i] = state >>> 24;
    }
    // The second block begins with what the first one ends with.
    noise.copyWithin(2 ** 18, 2 ** 18 - 600);
    const end = (bytes: number): Uint8Array => encodeLz(noise.subarray(0, bytes), 1, 0, 2 ** 18 - 700);
    const [one, two] = [end(2 ** 18), end(noise.length)];
    expect(two.length - one.length).toBeLessThan(8);
    expect(Buffer.from(lz(two, 1300, 1, noise.subarray(0, 2 ** 18 - 700)))).toEqual(
      Buffer.from(noise.subarray(2 ** 18 - 700)),
    );
    const whole = encodeLz(noise, 1, 0);
    const out = new Uint8Array(noise.length);
    decodeLz(whole, out, 1);
    expect(Buffer.from(out).equals(Buffer.from(noise))).toBe(true);
  });
});

describe('what was there before', () => {
  /** By looking at all of it: nearest first, each longer than those before it. */
  function allMatches(data: Uint8Array, position: number): number[][] {
    const found: number[][] = [];
    let longest = 2;
    for (let distance = 1; distance <= position; distance++) {
      let length = 0;
      while (
        length < 512 &&
        position + length < data.length &&
        data[position + length] === data[position + length - distance]
      )
        length++;
      if (length > longest) {
        longest = length;
        found.push([length, distance]);
      }
    }
    return found;
  }
  const copiesAt = ({ first, starts, copies }: ReturnType<Finder['matches']>, position: number): number[][] =>
    Array.from({ length: (starts[position - first + 1] - starts[position - first]) / 2 }, (_, k) => [
      ...copies.subarray(starts[position - first] + 2 * k, starts[position - first] + 2 * k + 2),
    ]);

  test.each([
    ['few letters', repeating(700, 1, 2)],
    ['many letters', repeating(700, 2, 5)],
    ['a text', utf8('the rain in Spain stays mainly in the plain; the rain in Spain '.repeat(4))],
    ['a run', new Uint8Array(400).fill(7)],
    ['nothing', new Uint8Array(0)],
    ['two bytes', Uint8Array.of(1, 1)],
  ])('%s: every copy worth a look is found', (_, data) => {
    const finder = new Finder(data, 10_000);
    const half = data.length >> 1;
    finder.skip(0, 20);
    const first = finder.matches(Math.min(20, data.length), half);
    const firstCopies = first.copies.slice();
    for (let i = first.first; i < half; i++)
      expect(copiesAt({ ...first, copies: firstCopies }, i)).toEqual(allMatches(data, i));
    const second = finder.matches(half, data.length);
    for (let i = half; i < data.length; i++) expect(copiesAt(second, i)).toEqual(allMatches(data, i));
    expect([second.first, second.end, second.starts.length]).toEqual([
      half,
      data.length,
      data.length - half + 1,
    ]);
  });

  test('so many nodes are looked at, newest first', () => {
    const data = utf8('abcX abcXY abcXYZ abc abcXYZ');
    const last = data.length - 6;
    const at = (depth: number): number[][] => {
      const finder = new Finder(data, depth);
      finder.skip(0, last);
      return copiesAt(finder.matches(last, data.length), last);
    };
    expect(at(1)).toEqual([[3, 4]]);
    expect(at(100)).toEqual([
      [3, 4],
      [6, 11],
    ]);
    expect(at(0)).toEqual([]);
  });

  test('long copies are as long as they go, up to 4096 bytes', () => {
    const piece = repeating(700, 5, 200);
    const data = new Uint8Array(9000);
    for (let at = 0; at < data.length; at += 700) data.set(piece.subarray(0, data.length - at), at);
    data[6500] ^= 1;
    const finder = new Finder(data, 64);
    const matches = finder.matches(0, data.length);
    for (let i = 700; i < data.length; i++) {
      const [length, distance] = copiesAt(matches, i).at(-1) ?? [0, 1];
      const whole = finder.common(i, distance, Infinity);
      if (length >= 512) expect(length).toBe(Math.min(whole, length));
      if (i + 512 <= 6500) expect(length).toBeGreaterThanOrEqual(512);
      if (i === 700 || i === 6501) expect(length).toBe(Math.min(4096, whole));
    }
    expect(copiesAt(matches, 700).at(-1)).toEqual([4096, 700]);
    expect(copiesAt(matches, 701).at(-1)).toEqual([4095, 700]);
    expect(copiesAt(matches, 6000).at(-1)).toEqual([500, 700]);
  });

  test('how far bytes are alike', () => {
    const finder = new Finder(utf8('abcabcabd'), 1);
    expect([
      finder.common(3, 3, 99),
      finder.common(3, 3, 4),
      finder.common(6, 3, 99),
      finder.common(6, 2, 9),
    ]).toEqual([5, 4, 2, 0]);
    expect(finder.common(8, 1, 5)).toBe(0);
    expect(finder.common(9, 1, 5)).toBe(0);
  });
});

describe('what steps cost', () => {
  const bits = (count: number, all: number, prior: number, kinds: number): number =>
    -Math.log2((count + prior) / (all + kinds * prior));

  test('is the entropy of the steps before, by their contexts', () => {
    // a b c (copy 3 from 3) d (copy 2 from 3, again) (copy 4 from 6)
    const data = Uint8Array.of(97, 98, 99, 97, 98, 99, 200, 98, 99, 97, 98, 99, 200);
    const steps: Step[] = [
      { length: 1, distance: 0 },
      { length: 1, distance: 0 },
      { length: 1, distance: 0 },
      { length: 3, distance: 3 },
      { length: 1, distance: 0 },
      { length: 2, distance: 3 },
      { length: 4, distance: 6 },
    ];
    const costs = new Costs(data, 1);
    costs.learn(steps, 0, [0]);
    // After a literal: 4 literals of 3 + 1 steps before copies …
    expect(costs.kind[costs.kindAt(0, 0)]).toBeCloseTo(bits(3, 5, 0.5, 2), 12);
    expect(costs.kind[costs.kindAt(5, 0) + 1]).toBeCloseTo(bits(2, 5, 0.5, 2), 12);
    expect(costs.kind[costs.kindAt(5, 1)]).toBeCloseTo(bits(1, 2, 0.5, 2), 12);
    expect(costs.kind[costs.kindAt(5, 1) + 1]).toBeCloseTo(bits(1, 2, 0.5, 2), 12);
    // Literals after 97: 98; after 98: 99, both in the class of 96 to 127; the first one after nothing.
    expect(costs.literal[costs.literalAt(0, 0)]).toBeCloseTo(bits(1, 1, 0.08, 256), 12);
    expect(costs.literal[costs.literalAt(1, 0)]).toBeCloseTo(bits(1, 2, 0.08, 256), 12);
    expect(costs.literal[costs.literalAt(4, 0)]).toBeCloseTo(bits(1, 2, 0.08, 256), 12);
    expect(costs.literal[costs.literalAt(6, 1)]).toBeCloseTo(bits(1, 1, 0.08, 256), 12);
    expect(costs.literal[costs.literalAt(7, 1)]).toBeCloseTo(bits(0, 0, 0.08, 256), 12);
    // Again? After literals: once no, once yes; after a copy: no.
    expect([...costs.again]).toEqual(
      [bits(1, 2, 0.5, 2), bits(1, 2, 0.5, 2), bits(1, 1, 0.5, 2), bits(0, 1, 0.5, 2)].map((x) =>
        expect.closeTo(x, 12),
      ),
    );
    // Lengths less 1: 2 and 3 (size 1) not again; 1 (size 0) again.
    expect(costs.length[1]).toBeCloseTo(bits(2, 2, 0.2, 32), 12);
    expect(costs.length[0]).toBeCloseTo(bits(0, 2, 0.2, 32), 12);
    expect(costs.length[32]).toBeCloseTo(bits(1, 1, 0.2, 32), 12);
    // Distances: 3 (size 1) of a length of 3; 6 (size 2) of one of 4 or more.
    expect(costs.distance[32 + 1]).toBeCloseTo(bits(1, 1, 0.2, 32), 12);
    expect(costs.distance[64 + 2]).toBeCloseTo(bits(1, 1, 0.2, 32), 12);
    expect(costs.distance[0]).toBeCloseTo(bits(0, 0, 0.2, 32), 12);
    // The last distance before decides what is "again".
    costs.learn(steps, 0, [3]);
    expect([...costs.again]).toEqual(
      [bits(0, 2, 0.5, 2), bits(2, 2, 0.5, 2), bits(1, 1, 0.5, 2), bits(0, 1, 0.5, 2)].map((x) =>
        expect.closeTo(x, 12),
      ),
    );
  });

  test('in the second form one of 15 distances has a cost of its own, and each length', () => {
    const data = Uint8Array.of(1, 2, 3, 1, 2, 3, 9, 2, 3, 1);
    const steps: Step[] = [
      ...Array(3).fill({ length: 1, distance: 0 }),
      { length: 3, distance: 3 },
      { length: 1, distance: 0 },
      { length: 2, distance: 6 },
    ];
    const costs = new Costs(data, 1, 15);
    costs.learn(steps, 0, Array(15).fill(Infinity));
    // Twice none of the last, after a literal.
    expect(costs.again[0]).toBeCloseTo(bits(2, 2, 0.5, 16), 12);
    expect(costs.again[1]).toBeCloseTo(bits(0, 2, 0.5, 16), 12);
    // The first eleven bits of lengths were 0 twice, the last one was 1 and 0.
    const half = bits(1, 2, 0.4, 2);
    expect(costs.lengths[0]).toBeCloseTo(11 * bits(2, 2, 0.4, 2) + half, 12);
    expect(costs.lengths[1]).toBeCloseTo(costs.lengths[0], 12);
    expect(costs.lengths[2]).toBeCloseTo(10 * bits(2, 2, 0.4, 2) + bits(0, 2, 0.4, 2) + 1, 12);
    // From the distance before the last one.
    costs.learn([...steps, { length: 3, distance: 3 }], 0, Array(15).fill(Infinity));
    expect(costs.again[16 + 2]).toBeCloseTo(bits(1, 1, 0.5, 16), 12);
  });

  test('literals of wider elements are told apart by their place', () => {
    const data = Uint8Array.of(1, 2, 1, 2, 1, 2);
    const costs = new Costs(data, 2);
    costs.learn(Array(6).fill({ length: 1, distance: 0 }), 0, [0]);
    expect(costs.literal[costs.literalAt(2, 0)]).toBeCloseTo(bits(3, 3, 0.08, 256), 12);
    expect(costs.literal[costs.literalAt(3, 0)]).toBeCloseTo(bits(3, 3, 0.08, 256), 12);
    expect(costs.kind.length).toBe(8);
    expect(costs.kind[costs.kindAt(1, 0)]).toBeCloseTo(bits(3, 3, 0.5, 2), 12);
    expect(costs.kind[costs.kindAt(1, 1)]).toBeCloseTo(1, 12);
  });
});

describe('the steps', () => {
  const stepsOf = (
    data: Uint8Array,
    start = 0,
  ): { finder: Finder; matches: ReturnType<Finder['matches']> } => {
    const finder = new Finder(data, 1000);
    finder.skip(0, start);
    return { finder, matches: finder.matches(start, data.length) };
  };
  const literal = { length: 1, distance: 0 };

  test('taken lazily: a copy, unless the next position has a much better one', () => {
    const take = (text: string, before = 0): Step[] => {
      const { finder, matches } = stepsOf(utf8(text));
      return lazily(finder, matches, before);
    };
    const literals = (n: number): Step[] => Array(n).fill(literal);
    expect(take('abcdefghabcdefgh')).toEqual([...literals(8), { length: 8, distance: 8 }]);
    // Three bytes are not worth a distance; four are.
    expect(take('abcXYZabc')).toEqual(literals(9));
    expect(take('abcdXYZabcd')).toEqual([...literals(7), { length: 4, distance: 7 }]);
    // Two are worth a copy from the last distance.
    expect(take('abcdeXYabcdeQYab')).toEqual([
      ...literals(7),
      { length: 5, distance: 7 },
      literal,
      { length: 3, distance: 7 },
    ]);
    // "abcd" is there, but "bcdefghi" one later is much better.
    const parts = 'zabcd_bcdefghijk_abcdefghijk';
    expect(take(parts).slice(-2)).toEqual([literal, { length: 10, distance: 12 }]);
    // A run is a copy from the byte before.
    expect(take('aaaaaaaaaa')).toEqual([literal, { length: 9, distance: 1 }]);
    expect(take('abababab', 2)).toEqual([literal, literal, { length: 6, distance: 2 }]);
    expect(take('')).toEqual([]);
  });

  /** What the steps that were searched for cost, and what the cheapest of all would. */
  const prices = (data: Uint8Array, itemBytes: number, start: number, before: readonly number[]) => {
    const { finder, matches } = stepsOf(data, start);
    const costs = new Costs(data, itemBytes, before.length);
    const lazy = lazily(finder, matches, before[0] < Infinity ? before[0] : 0);
    const found = cheapest(finder, matches, costs, lazy, before);
    expect(found.reduce((n, { length }) => n + length, start)).toBe(data.length);
    const price = priceOf(costs, found, start, before);
    return { found, price, least: cheapestOfAll(costs, data, start, before, price) };
  };

  test('searched for: none cost less, or hardly', () => {
    let exact = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const data = repeating(40 + seed, seed, 2 + (seed % 4));
      const start = seed % 2 ? 0 : 10;
      const before = seed % 5 === 0 && start ? 3 : 0;
      const { price, least } = prices(data, [1, 2, 4][seed % 3], start, [before]);
      // Of the ways to a position only the best one is kept, whatever its last distance is worth later.
      expect(price).toBeLessThan(1.05 * least);
      if (price < least + 1e-9) exact++;
    }
    expect(exact).toBeGreaterThanOrEqual(38);
  });

  test('searched for: two bytes from the last distance, which no other copy has', () => {
    // Records of six bytes that are the same at first, and then all but each third byte.
    const data = Uint8Array.from({ length: 96 }, (_, i) =>
      i < 36 || i % 3 < 2 ? (i % 6) * 5 + 1 : (Math.imul(i, 2654435761) >>> 24) | 1,
    );
    const { found, price, least } = prices(data, 1, 0, [0]);
    expect(price).toBeLessThan(least + 1e-9);
    expect(found.filter(({ length, distance }) => length === 2 && distance === 6).length).toBeGreaterThan(12);
  });

  test('searched for in the second form: from the last distances, too', () => {
    const none = Array(15).fill(Infinity);
    let exact = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const data = repeating(22 + seed, seed, 2 + (seed % 3));
      const start = seed % 2 ? 0 : 8;
      const before = start ? [4, 7, ...none].slice(0, 15) : none;
      const { price, least } = prices(data, 1, start, before);
      expect(price).toBeLessThan(1.05 * least);
      if (price < least + 1e-9) exact++;
    }
    expect(exact).toBeGreaterThanOrEqual(10);
  });
});

describe('what the decoder has already', () => {
  const known = repeating(200, 3, 200);
  const wanted = (steps: readonly Step[], many: number): Uint8Array => {
    const coder = new RangeEncoder();
    const model = new LzModel(coder, 1, many);
    for (const { length, distance } of steps) {
      model.kind(200, 1);
      model.copy(length, distance, model.recent.indexOf(distance) + 1);
    }
    return coder.finish();
  };

  test('is copied, from its first byte to its last', () => {
    const data = Uint8Array.of(...known, ...known);
    const one = [{ length: 200, distance: 200 }];
    expect(encodeLz(data, 1, 5, 200)).toEqual(wanted(one, 1));
    expect(encodeLzWell(data, 1, 5, 200)).toEqual(wanted(one, 1));
    expect(encodeLzWell(data, 1, 5, 200, () => true, 15)).toEqual(wanted(one, 15));
  });
});
