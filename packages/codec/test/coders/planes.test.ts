import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodePlanes } from '../../src/coders/planes/decode.js';
import { encodePlanes } from '../../src/coders/planes/encode.js';
import { planes } from '../reference/coders.js';

function expectBack(data: Uint8Array, itemBytes: number, turned: boolean): Uint8Array {
  const payload = encodePlanes(data, itemBytes, turned);
  expect([...planes(payload, data.length, itemBytes, turned)]).toEqual([...data]);
  const out = new Uint8Array(data.length);
  decodePlanes(payload, out, itemBytes, turned);
  expect([...out]).toEqual([...data]);
  return payload;
}

/** `length` bytes of `distinct` values, as many of each. */
const even = (length: number, distinct: number): number[] =>
  Array.from({ length }, (_, i) => (Math.imul(i % distinct, 167) + 31) & 255);

describe('planes', () => {
  test('any bytes are read by the book, turned or not', () => {
    const width = fc.constantFrom<[number, boolean]>(
      [1, false],
      [2, false],
      [4, false],
      [4, true],
      [8, true],
    );
    const byte = fc.oneof(fc.constantFrom(0, 128, 255, 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(
        width,
        fc.array(byte, { minLength: 1, maxLength: 30 }),
        fc.integer({ min: 1, max: 60 }),
        ([itemBytes, turned], pool, items) => {
          const data = Uint8Array.from(
            { length: items * itemBytes },
            (_, i) => pool[Math.imul(i, 7) % pool.length],
          );
          expectBack(data, itemBytes, turned);
        },
      ),
      { numRuns: 80 },
    );
  });

  test('of floats, the exponent is a plane of its own, without the sign', () => {
    const values = Float32Array.from(
      { length: 400 },
      (_, i) => (i % 2 ? -1 : 1) * (1 + ((i * 37) % 400) / 400),
    );
    const data = new Uint8Array(values.buffer);
    const payload = expectBack(data, 4, true);
    // 1 <= |x| < 2.
    expect(payload[3]).toBe(1);
  });

  // Coded where the entropy of n elements and 0.7 log2(n + 1) bits for each value that occurs are less than n bytes.
  test.each([
    [240, 1, 1],
    [256, 64, 1],
    [256, 128, 0],
    [240, 80, 0],
    [1024, 128, 1],
    [1024, 256, 0],
    [3, 1, 1],
    [3, 3, 1],
    [16, 16, 1],
    [200, 100, 0],
  ])('%d bytes of %d values: coded (1) or not (0)? %d', (length, distinct, coded) => {
    const data = Uint8Array.from(even(length, distinct));
    expect(expectBack(data, 1, false)[0]).toBe(coded);
    // The same as one plane of four, the others being noise or all alike.
    const noise = Uint8Array.from({ length: 4 * length }, (_, i) =>
      i % 4 === 2 ? data[i >> 2] : i % 4 === 1 ? 9 : Math.imul(i, 0x9e3779b1) >>> 24,
    );
    const payload = expectBack(noise, 4, false);
    expect([payload[1], payload[2]]).toEqual([1, coded]);
  });

  test('raw planes come first, lowest first, and cost their bytes', () => {
    const noise = Array.from({ length: 64 }, (_, i) => (i * 89) & 255);
    const data = Uint8Array.from({ length: 192 }, (_, i) =>
      i % 3 === 1 ? 5 : noise[Math.floor(i / 3)] ^ (i % 3),
    );
    const payload = expectBack(data, 3, false);
    expect([...payload.subarray(0, 3)]).toEqual([0, 1, 0]);
    expect([...payload.subarray(3, 67)]).toEqual(noise);
    expect([...payload.subarray(67, 131)]).toEqual(noise.map((byte) => byte ^ 2));
  });

  test('what is unknown, too short or too long is refused', () => {
    const data = Uint8Array.from(even(240, 2));
    const payload = encodePlanes(data, 1, false);
    const out = new Uint8Array(240);
    expect(() => decodePlanes(Uint8Array.of(2, ...payload.subarray(1)), out, 1, false)).toThrow(
      'broken rule 57 ',
    );
    expect(() => decodePlanes(Uint8Array.of(...payload, 0), out, 1, false)).toThrow('broken rule 53 ');
    expect(() => decodePlanes(payload.subarray(0, -1), out, 1, false)).toThrow('broken rule 52 ');
    expect(() => decodePlanes(Uint8Array.of(0, 1, 2), out, 1, false)).toThrow('broken rule 1 ');
    expect(() => decodePlanes(new Uint8Array(0), out, 1, false)).toThrow('broken rule 1 ');
  });
});
