import { codeTree, freshStates } from '../coders/range/adaptive.js';
import type { BitCoder } from '../coders/range/bit-coder.js';
import { fail } from '../errors.js';

/** States of how long a difference is, for each exponent of the older value; then of the two bits below its first. */
const SIZES = 256 * 64;

/** Elements as unsigned bit patterns. */
export type Words = Uint32Array | Uint16Array | Uint8Array;

/**
 * Codes elements by how far they are from older ones, as integers: floats in the order of their values. How long a
 * difference is depends on the exponent of the older value: where that is large a small change moves few bits. A decoder
 * fills `now`.
 */
export function codeDifferences(coder: BitCoder, now: Words, before: Words, float: boolean): void {
  const states = freshStates(SIZES + 4 * 33);
  const bits = 8 * now.BYTES_PER_ELEMENT;
  const signed = (x: number): number => (x << (32 - bits)) >> (32 - bits);
  // By value, and back: of what is negative all bits but the sign turn.
  const ordered = (x: number): number => (float && x < 0 ? ~x ^ (-1 << (bits - 1)) : x);
  const [shift, mask] = !float ? [0, 0] : bits === 32 ? [23, 255] : [10, 31];
  for (let i = 0; i < now.length; i++) {
    const old = ordered(signed(before[i]));
    const away = signed(ordered(signed(now[i])) - old);
    const folded = (away << 1) ^ (away >> 31);
    const exponent = (before[i] >>> shift) & mask;
    const size = codeTree(coder, states, exponent * 64, 6, 32 - Math.clz32(folded)) & 63;
    if (size > bits) fail('payload', 'a difference is too long');
    let found = size && 1;
    let left = size - 1;
    if (size > 2) {
      left -= 2;
      found = codeTree(coder, states, SIZES + 4 * size, 2, (folded >>> left) & 3);
    }
    while (left-- > 0) found = (found << 1) | coder.code(32768, (folded >>> left) & 1);
    now[i] = ordered(signed(old + ((found >>> 1) ^ -(found & 1))));
  }
}
