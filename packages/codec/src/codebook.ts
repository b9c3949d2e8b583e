import { codeTree, freshStates } from './adaptive.js';
import { broken } from './errors.js';
import { RangeDecoder } from './range-decoder.js';
import type { Reader } from './reader.js';

/** Most distinct values that a list of values may hold. */
export const MAX_BOOK = 4096;
/** Most levels that computed books (integers, steps) may span. */
export const MAX_LEVELS = 65536;

/** Most that the exponents of an element may add up to: a factor of 2^30. */
export const MAX_EXPONENT = 120;

/** Longest axis along which steps may differ. */
export const MAX_EXPONENTS: number = 2 ** 20;

const float = new Float32Array(1);
const word = new Uint32Array(float.buffer);

/** The bits of a float32. */
export function bitsOf(value: number): number {
  float[0] = value;
  return word[0];
}

/** The float32 of the bits. */
export function floatOf(bits: number): number {
  word[0] = bits;
  return float[0];
}

/** A codebook as the header has it; {@link buildBook} makes the table. */
export interface Book {
  /** How the elements of the levels are written: consecutive integers, a float32 step, a list. */
  kind: 'integers' | 'step' | 'list';
  /** Levels run from -negative to +positive. */
  negative: number;
  positive: number;
  /** The integer of level 0 (integers), or the step. */
  base: number;
  /** Bit patterns by level + negative (list). */
  values: Uint32Array;
  /** Per axis of the tensor, how many quarters of an octave the step is larger at each index; step only. */
  exponents?: (Uint8Array | undefined)[];
}

/** The element, as a bit pattern, of each level + negative; where steps differ, the level itself. */
export function buildBook({ kind, negative, positive, base, values, exponents }: Book): Uint32Array {
  if (kind === 'list') return values;
  return Uint32Array.from({ length: negative + 1 + positive }, (_, i) =>
    kind === 'integers' ? base + i - negative : exponents ? i - negative : bitsOf((i - negative) * base),
  );
}

/**
 * Reads a codebook; `flags`: bit 0 whether it is a list, bit 1 whether the element of level 0 is in it, bit 2 whether
 * steps differ along axes.
 */
export function readBook(
  reader: Reader,
  flags: number,
  itemBytes: number,
  float32: boolean,
  shape: readonly number[],
): Book {
  const negative = reader.varint();
  const positive = reader.varint();
  const size = negative + 1 + positive;
  const book: Book = {
    kind: flags & 1 ? 'list' : float32 ? 'step' : 'integers',
    negative,
    positive,
    base: 0,
    values: new Uint32Array(0),
  };
  if (size < 2 || size > MAX_LEVELS) broken(32); // a codebook has an impossible size
  // a codebook has flags that mean nothing for its kind
  if ((flags & 2 && book.kind !== 'list') || (flags & 4 && book.kind !== 'step')) broken(15);
  if (book.kind === 'integers') {
    // Of int32 too: modulo 2^32, as everything is stored.
    book.base = reader.uint(itemBytes);
  } else if (book.kind === 'step') {
    book.base = floatOf(reader.uint(4));
    let most = 0;
    if (flags & 4) {
      book.exponents = readExponents(reader, shape);
      for (const axis of book.exponents) most += axis?.reduce((a, b) => Math.max(a, b), 0) ?? 0;
      if (most > MAX_EXPONENT) broken(41); // steps differ too much
    }
    const top = Math.fround(Math.max(negative, positive) * book.base * 2 ** Math.ceil(most / 4));
    if (!(book.base > 0 && top < Infinity)) broken(34); // a step is not a positive float32
  } else {
    if (size > MAX_BOOK) broken(35); // a codebook has too many values
    book.values = new Uint32Array(size);
    for (let i = 0; i < size; i++) {
      if (i !== negative || flags & 2) book.values[i] = reader.uint(itemBytes);
    }
  }
  return book;
}

/** A byte whose bits say on which axes there are exponents, the length of what follows, and they, coded. */
function readExponents(reader: Reader, shape: readonly number[]): (Uint8Array | undefined)[] {
  const axes = reader.uint(1);
  const length = reader.varint();
  const start = reader.skip(length);
  const coder = new RangeDecoder(reader.bytes, start, start + length);
  const states = freshStates(128);
  const found = shape.map((size, axis) => {
    if (!((axes >> axis) & 1)) return undefined;
    if (size > MAX_EXPONENTS) broken(41); // exponents for too long an axis
    return Uint8Array.from({ length: size }, () => codeTree(coder, states, 0, 7, 0) & 127);
  });
  coder.finish();
  return found;
}
