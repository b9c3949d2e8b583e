import { broken } from '../../errors.js';
import { MAX_PREFIX } from '../../numbers.js';
import type { BitCoder } from './bit-coder.js';
import { makeState, nextState } from './state.js';

/*
 * Adaptive bits, bytes and integers, written once for both ends: an encoder knows the value, a decoder passes 0 and
 * gets it back.
 */

/** States that know nothing yet. */
export function freshStates(size: number): Int32Array {
  return new Int32Array(size).fill(makeState(32768, 0));
}

/** A bit by the state at `at`. Counts stop at 255: repeating data changes its habits. */
export function codeBit(coder: BitCoder, states: Int32Array, at: number, known: number): number {
  const state = states[at];
  const bit = coder.code(state >>> 16, known);
  states[at] = nextState((state & 1023) > 254 ? state - 1 : state, bit);
  return bit;
}

/** `bits` bits, highest first, each by a state of its own for what came before; returns them after a leading 1. */
export function codeTree(
  coder: BitCoder,
  states: Int32Array,
  base: number,
  bits: number,
  known: number,
): number {
  let node = 1;
  for (let k = bits; k-- > 0; ) node = (node << 1) | codeBit(coder, states, base + node, (known >> k) & 1);
  return node;
}

/** An integer >= 1 in Exp-Golomb form: its length by states, its bits as they are. */
export function codeGolomb(coder: BitCoder, states: Int32Array, base: number, known: number): number {
  let size = 0;
  while (codeBit(coder, states, base + size, known >> (size + 1) ? 1 : 0)) {
    if (++size > MAX_PREFIX) broken(55); // an integer is too large
  }
  let value = 1;
  while (size-- > 0) value = (value << 1) | coder.code(32768, (known >> size) & 1);
  return value;
}
