import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { crc32c } from '../src/bytes/crc32c.js';
import { Reader } from '../src/bytes/reader.js';
import { sha256 } from '../src/bytes/sha256.js';
import { asBytes } from '../src/bytes/view.js';
import { Writer } from '../src/bytes/writer.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('crc32c', () => {
  test('has the published values', () => {
    expect(crc32c(utf8('123456789'))).toBe(0xe3069283);
    // RFC 3720, B.4
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => 31 - i))).toBe(0x113fdb5c);
    expect(crc32c(new Uint8Array(0))).toBe(0);
  });

  test('of a part, and of what follows another', () => {
    const bytes = utf8('xx123456789yy');
    expect(crc32c(bytes, 2, 11)).toBe(0xe3069283);
    expect(crc32c(bytes, 5, 11, crc32c(bytes, 2, 5))).toBe(0xe3069283);
  });
});

describe('sha256', () => {
  test.each([0, 1, 3, 55, 56, 63, 64, 65, 119, 120, 1000])(
    'of %d bytes is that of the standard',
    (length) => {
      const data = Uint8Array.from({ length }, (_, i) => (i * 131 + length) & 255);
      const wanted = createHash('sha256').update(data).digest('hex');
      expect(sha256([data])).toBe(wanted);
      expect(sha256([data.subarray(0, length >> 1), new Uint8Array(0), data.subarray(length >> 1)])).toBe(
        wanted,
      );
    },
  );

  test('of "abc" is that of FIPS 180-4', () => {
    expect(sha256([utf8('abc')])).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});

describe('fields', () => {
  test('are written little-endian, however many there are', () => {
    const out = new Writer();
    out.u8(7);
    out.uint(0x123456789a, 6);
    out.uint(300, 1);
    out.f64(-2.5);
    out.put(Uint8Array.of(1, 2));
    expect(out.length).toBe(18);
    expect([...out.take()]).toEqual([7, 0x9a, 0x78, 0x56, 0x34, 0x12, 0, 44, 0, 0, 0, 0, 0, 0, 4, 192, 1, 2]);
    const long = new Writer();
    for (let i = 0; i < 1000; i++) long.u8(i);
    long.put(new Uint8Array(5000).fill(9));
    long.put(new Uint8Array(0));
    expect(long.length).toBe(6000);
    const bytes = long.take();
    expect([bytes.length, bytes[255], bytes[256], bytes[999], bytes[1000], bytes[5999]]).toEqual([
      6000, 255, 0, 231, 9, 9,
    ]);
    // A copy.
    long.u8(1);
    expect(bytes.length).toBe(6000);
    const exact = new Writer();
    exact.put(new Uint8Array(256).fill(3));
    exact.put(Uint8Array.of(4));
    expect([...exact.take().subarray(254)]).toEqual([3, 3, 4]);
  });

  test('integers take seven bits a byte, as few as they need', () => {
    for (const [value, bytes] of [
      [0, [0]],
      [127, [127]],
      [128, [128, 1]],
      [16383, [255, 127]],
      [16384, [128, 128, 1]],
      [2 ** 49 - 1, [255, 255, 255, 255, 255, 255, 127]],
    ] as const) {
      const out = new Writer();
      out.varint(value);
      expect([...out.take()]).toEqual([...bytes]);
      const reader = new Reader(Uint8Array.from(bytes));
      expect([reader.varint(), reader.position]).toEqual([value, bytes.length]);
    }
  });

  test.each([
    [2, [128, 0]],
    [2, [255, 128, 0]],
    [3, [128, 128, 128, 128, 128, 128, 128, 1]],
    [1, [128]],
    [1, []],
  ])('an integer breaks rule %d: %j', (rule, bytes) => {
    expect(() => new Reader(Uint8Array.from(bytes)).varint()).toThrow(`broken rule ${rule} `);
  });

  test('are read up to the end, not further', () => {
    const reader = new Reader(Uint8Array.of(1, 2, 3, 4, 5, 6, 7));
    expect([reader.uint(2), reader.position, reader.numbersLeft]).toEqual([0x201, 2, 0]);
    expect([...reader.take(3)]).toEqual([3, 4, 5]);
    expect([reader.uint(2), reader.take(0).length]).toEqual([0x706, 0]);
    expect(() => reader.take(1)).toThrow('broken rule 1 ');
    expect(() => reader.take(Number.NaN)).toThrow('broken rule 1 ');
    expect(() => new Reader(Uint8Array.of(1, 2)).uint(3)).toThrow('broken rule 1 ');
    expect(new Reader(Uint8Array.of(1, 2, 3, 4, 5, 6)).uint(6)).toBe(0x060504030201);
    expect(new Reader(new Uint8Array(0), 5).numbersLeft).toBe(5);
  });

  test('any view is its bytes, without a copy', () => {
    const buffer = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8).buffer;
    expect([...asBytes(buffer)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect([...asBytes(new DataView(buffer, 2, 3))]).toEqual([3, 4, 5]);
    expect([...asBytes(new Uint16Array(buffer, 4, 1))]).toEqual([5, 6]);
    asBytes(new Uint32Array(buffer))[0] = 9;
    expect(new Uint8Array(buffer)[0]).toBe(9);
  });
});
