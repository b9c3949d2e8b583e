import { broken } from './errors.js';
import type { Reader } from './reader.js';

/** Most distinct values that a list of values may hold. */
export const MAX_BOOK = 4096;
/** Most levels that computed books (integers, steps) may span. */
export const MAX_LEVELS = 65536;

/** How the elements of the levels are written: consecutive integers, a float32 step, a list, halves. */
export const BOOK_KINDS = ['integers', 'step', 'list', 'halves'] as const;

/**
 * A key that orders bit patterns by value: floats in IEEE total order (-NaN, …, -0, +0, …, NaN), integers
 * by their size. Unsigned 32 bits.
 */
export function orderKey(bits: number, float: boolean, itemBytes: number): number {
  if (!float) return itemBytes === 4 ? (bits ^ 0x80000000) >>> 0 : bits;
  if (itemBytes === 2) return bits & 0x8000 ? ~bits & 0xffff : bits | 0x8000;
  return (bits & 0x80000000 ? ~bits : bits | 0x80000000) >>> 0;
}

const scratch = new DataView(new ArrayBuffer(4));

/** The bits of a float32. */
export function bitsOf(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}

/** The float32 of the bits. */
export function floatOf(bits: number): number {
  scratch.setUint32(0, bits);
  return scratch.getFloat32(0);
}

/** The bits of the float32 that a half stands for. */
export function halfToFloatBits(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  if (exponent === 31) return (((half & 0x8000) << 16) | 0x7f800000 | (fraction << 13)) >>> 0;
  const value = exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25);
  return bitsOf(sign * value);
}

/** Most that the exponents of an element may add up to: a factor of 2^30. */
export const MAX_EXPONENT = 120;

/** A codebook as the header has it; {@link buildBook} makes the table. */
export interface Book {
  kind: (typeof BOOK_KINDS)[number];
  /** Levels run from -negative to +positive. */
  negative: number;
  positive: number;
  /** The integer of level 0 (integers), or the step. */
  base: number;
  /** Bit patterns by level + negative (list, halves: as float32). */
  values: Uint32Array;
  /** Per axis of the tensor, how many quarters of an octave the step is larger at each index; step only. */
  exponents?: (Uint8Array | undefined)[];
}

/** The element, as a bit pattern, of each level + negative; where steps differ, the level itself. */
export function buildBook({ kind, negative, positive, base, values, exponents }: Book): Uint32Array {
  if (kind !== 'integers' && kind !== 'step') return values;
  const book = new Uint32Array(negative + 1 + positive);
  for (let i = 0; i < book.length; i++) {
    const level = i - negative;
    book[i] = exponents
      ? level
      : kind === 'integers'
        ? base + level
        : level === 0
          ? 0
          : bitsOf(Math.fround(level * base));
  }
  return book;
}

/**
 * Reads a codebook; `flags`: bits 0-1 its kind, bit 2 whether the element of level 0 is listed, bit 5 whether steps
 * differ along axes; `float`: the elements are float32, or halves when they have 2 bytes.
 */
export function readBook(
  reader: Reader,
  flags: number,
  itemBytes: number,
  float: boolean,
  shape: readonly number[],
): Book {
  const kind = BOOK_KINDS[flags & 3];
  const explicitZero = (flags & 4) !== 0;
  const negative = reader.varint();
  const positive = reader.varint();
  const size = negative + 1 + positive;
  const book: Book = { kind, negative, positive, base: 0, values: new Uint32Array(0) };
  if (size < 2 || size > MAX_LEVELS) broken(32); // a codebook has an impossible size
  if (flags & 32 && kind !== 'step') broken(34); // a step is not a positive float32
  if (kind === 'integers') {
    const coded = reader.varint();
    book.base = coded % 2 ? -(coded + 1) / 2 : coded / 2;
    const low = itemBytes === 4 ? -(2 ** 31) : 0;
    const high = itemBytes === 4 ? 2 ** 31 : 2 ** (8 * itemBytes);
    if (float || explicitZero || book.base - negative < low || book.base + positive >= high) {
      broken(33); // a range of integers does not fit its type
    }
    return book;
  }
  if (kind === 'step') {
    book.base = floatOf(reader.u32());
    let top = Math.fround(Math.max(negative, positive) * book.base);
    if (flags & 32) {
      book.exponents = readExponents(reader, shape);
      const most = book.exponents.reduce(
        (sum, axis) => sum + (axis?.reduce((a, b) => Math.max(a, b)) ?? 0),
        0,
      );
      if (most > MAX_EXPONENT) broken(41); // steps differ too much
      top = Math.fround(top * 2 ** Math.ceil(most / 4));
    }
    if (!float || itemBytes !== 4 || explicitZero || !(book.base > 0) || !Number.isFinite(top)) {
      broken(34); // a step is not a positive float32
    }
    return book;
  }
  if (size > MAX_BOOK) broken(35); // a codebook has too many values
  if (kind === 'halves' && (!float || itemBytes !== 4)) broken(36); // only float32 has a codebook of halves
  const bytes = kind === 'halves' ? 2 : itemBytes;
  if ((size - (explicitZero ? 0 : 1)) * bytes > reader.end - reader.position) broken(37); // a codebook is cut off
  const values = new Uint32Array(size);
  book.values = values;
  for (let i = 0; i < size; i++) {
    if (i === negative && !explicitZero) continue;
    if (kind === 'halves') values[i] = halfToFloatBits(reader.u16());
    else values[i] = itemBytes === 4 ? reader.u32() : itemBytes === 2 ? reader.u16() : reader.u8();
    if (i > 0 && orderKey(values[i - 1], float, itemBytes) >= orderKey(values[i], float, itemBytes)) {
      broken(38); // a codebook is not strictly increasing
    }
  }
  return book;
}

/** Per axis a byte, how many bits an exponent has (0: none on this axis), then the exponents, low bits first. */
function readExponents(reader: Reader, shape: readonly number[]): (Uint8Array | undefined)[] {
  return shape.map((size) => {
    const bits = reader.u8();
    if (bits === 0) return undefined;
    if (bits > 7) broken(41); // steps differ too much
    const start = reader.skip(Math.ceil((bits * size) / 8));
    const exponents = new Uint8Array(size);
    for (let i = 0; i < size; i++) {
      const at = i * bits;
      const word = reader.bytes[start + (at >> 3)] | (reader.bytes[start + (at >> 3) + 1] << 8);
      exponents[i] = (word >> (at & 7)) & ((1 << bits) - 1);
    }
    return exponents;
  });
}
