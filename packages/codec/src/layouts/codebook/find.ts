import { MAX_BOOK, MAX_LEVELS } from '../../numbers.js';
import { type Book, bitsOf, floatOf } from './book.js';

/** Elements as unsigned bit patterns. */
export type Patterns = Uint32Array | Uint16Array | Uint8Array;

/** A codebook and the level of every element. */
export interface Quantized {
  book: Book;
  levels: Int32Array;
  /** How many elements are not at level 0. */
  nonzero: number;
}

/**
 * Finds the codebook that holds all elements, if one of an allowed size does.
 *
 * @param zero - Level 0 is zero, whatever is more frequent: then steps need no list.
 */
export function findBook(data: Patterns, float: boolean, zero?: boolean): Quantized | undefined {
  const itemBytes = data.BYTES_PER_ELEMENT;
  const counts = new Map<number, number>();
  for (let i = 0; i < data.length; i++) {
    const seen = counts.get(data[i]);
    if (seen === undefined && counts.size >= (float ? MAX_BOOK : MAX_LEVELS)) return undefined;
    counts.set(data[i], (seen ?? 0) + 1);
  }
  if (counts.size < 2) return undefined;
  let center = 0;
  let most = counts.get(0) ?? 0;
  // Level 0 is what is written most cheaply: zero, unless something else is clearly more frequent.
  for (const [bits, count] of counts) {
    if (zero) break;
    if (count > most * 2 || (most === 0 && count > most)) {
      most = count;
      center = bits;
    }
  }
  const sorted = sortPatterns(counts.keys(), float, itemBytes);
  const book =
    (float && itemBytes === 4 ? stepBook(sorted, center) : undefined) ??
    (float ? undefined : integerBook(sorted, center, itemBytes)) ??
    listBook(sorted, center);
  if (!book) return undefined;
  return { ...toLevels(data, book), book };
}

function toLevels(data: Patterns, book: Book): Pick<Quantized, 'levels' | 'nonzero'> {
  const level = new Map<number, number>();
  const { kind, negative, positive, base, values } = book;
  for (let l = -negative; l <= positive; l++) {
    const bits =
      kind === 'list' ? values[l + negative] : kind === 'step' ? bitsOf(l * base) : (base + l) >>> 0;
    level.set(bits, l);
  }
  const levels = new Int32Array(data.length);
  let nonzero = 0;
  for (let i = 0; i < data.length; i++) {
    const l = level.get(data[i])!;
    levels[i] = l;
    if (l) nonzero++;
  }
  return { levels, nonzero };
}

/** value = float32(level * step): what uniform quantisers make. */
function stepBook(sorted: readonly number[], center: number): Book | undefined {
  if (center !== 0 || sorted.length < 3) return undefined;
  const values = sorted.map(floatOf);
  if (!values.every((v) => Number.isFinite(v) && !Object.is(v, -0))) return undefined;
  let smallest = Infinity;
  let top = 0;
  for (const v of values) {
    if (v !== 0) smallest = Math.min(smallest, Math.abs(v));
    top = Math.max(top, Math.abs(v));
  }
  for (let divisor = 1; divisor <= 4; divisor++) {
    const guess = smallest / divisor;
    if (top / guess > MAX_BOOK * 4) return undefined;
    // The largest value fixes the step most precisely; its neighbours allow for rounding.
    const refined = Math.fround(top / Math.round(top / guess));
    for (const step of [Math.fround(guess), refined, ...neighbours(refined)]) {
      if (!(step > 0)) continue;
      if (!values.every((v) => Math.fround(Math.round(v / step) * step) === v)) continue;
      const negative = Math.max(0, -Math.round(values[0] / step));
      const positive = Math.max(0, Math.round(values[values.length - 1] / step));
      // Many holes: a list and denser levels are cheaper to code.
      if (negative + positive + 1 > Math.max(8, values.length * 4)) continue;
      return { kind: 'step', negative, positive, base: step, values: new Uint32Array(0) };
    }
  }
  return undefined;
}

function neighbours(value: number): number[] {
  const bits = bitsOf(value);
  return [1, -1, 2, -2].map((d) => floatOf(bits + d));
}

function integerBook(sorted: readonly number[], center: number, itemBytes: number): Book | undefined {
  const signed = (bits: number): number => (itemBytes === 4 ? bits | 0 : bits);
  const negative = signed(center) - signed(sorted[0]);
  const positive = signed(sorted[sorted.length - 1]) - signed(center);
  if (negative + positive + 1 > Math.min(MAX_LEVELS, sorted.length * 4)) return undefined;
  return { kind: 'ints', negative, positive, base: center, values: new Uint32Array(0) };
}

function listBook(sorted: readonly number[], center: number): Book | undefined {
  const negative = sorted.indexOf(center);
  if (sorted.length > MAX_BOOK || negative < 0) return undefined;
  const positive = sorted.length - 1 - negative;
  return { kind: 'list', negative, positive, base: 0, values: Uint32Array.from(sorted) };
}

/** Sorts bit patterns by value: neighbouring levels should be neighbouring values. */
function sortPatterns(patterns: Iterable<number>, float: boolean, itemBytes: number): number[] {
  return [...patterns]
    .map((bits) => [orderKey(bits, float, itemBytes), bits])
    .sort((a, b) => a[0] - b[0])
    .map(([, bits]) => bits);
}

/**
 * A key that orders bit patterns by value: floats in IEEE total order (-NaN, …, -0, +0, …, NaN), integers
 * by their size. Unsigned 32 bits.
 */
function orderKey(bits: number, float: boolean, itemBytes: number): number {
  if (!float) return itemBytes === 4 ? (bits ^ 0x80000000) >>> 0 : bits;
  if (itemBytes === 2) return bits & 0x8000 ? ~bits & 0xffff : bits | 0x8000;
  return (bits & 0x80000000 ? ~bits : bits | 0x80000000) >>> 0;
}
