import { MAX_BOOK } from '../../numbers.js';
import { bitsOf, floatOf } from './book.js';
import type { Patterns, Quantized } from './find.js';

/** A step in a byte: five bits of exponent, three of significand, from 2^-29 on; other numbers where it has more. */
export function shortStep(step: number): number {
  return bitsOf(step) / 2 ** 20 - 784;
}

/** The largest step that takes a byte and of which all elements are multiples, and their levels; if there is one. */
export function findShortStep(data: Patterns): Quantized | undefined {
  const distinct = [...new Set(data)];
  if (distinct.length < 2 || distinct.length > MAX_BOOK) return undefined;
  const values = distinct.map(floatOf);
  if (values.some((value) => Object.is(value, -0))) return undefined;
  for (let byte = 256; byte-- > 0; ) {
    const base = floatOf((byte + 784) * 2 ** 20);
    const own = values.map((value) => value / base);
    if (!own.every((level, i) => Number.isInteger(level) && level * base === values[i])) continue;
    const [negative, positive] = [Math.max(0, -Math.min(...own)), Math.max(0, ...own)];
    // Many holes: a list takes less.
    if (negative + positive >= Math.min(MAX_BOOK, Math.max(32, distinct.length * 4))) return undefined;
    const level = new Map(distinct.map((bits, i) => [bits, own[i]]));
    const levels = Int32Array.from(data, (bits) => level.get(bits)!);
    const nonzero = levels.reduce((sum, one) => sum + (one ? 1 : 0), 0);
    return { book: { kind: 'step', negative, positive, base, values: new Uint32Array(0) }, levels, nonzero };
  }
  return undefined;
}
