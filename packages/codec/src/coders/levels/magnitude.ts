import { broken } from '../../errors.js';
import { UNARY } from '../../numbers.js';
import { codeGolomb } from '../range/adaptive.js';
import type { BitCoder } from '../range/bit-coder.js';
import { learn } from './tables.js';

/** A bit by the state at `at` of an array of tables. */
export function codeState(coder: BitCoder, m: Int32Array, at: number, known: number): number {
  const state = m[at];
  const bit = coder.code(state >>> 16, known);
  learn(m, at, state, bit ? 524159 : 128);
  return bit;
}

/** How large a level is that is not zero, at most `top`; "larger than k?" by the state k places after `first`, or `most` where k is more. */
export function codeMagnitude(
  coder: BitCoder,
  m: Int32Array,
  first: number,
  rest: Int32Array,
  top: number,
  known: number,
  most: number = UNARY,
): number {
  let k = 1;
  for (; k < top && k <= UNARY; k++)
    if (!codeState(coder, m, first + Math.min(k, most), known > k ? 1 : 0)) return k;
  if (k > UNARY && top > UNARY + 1) {
    k = UNARY + codeGolomb(coder, rest, 0, known - UNARY);
    if (k > top) broken(55); // a level is too large
  }
  return k;
}
