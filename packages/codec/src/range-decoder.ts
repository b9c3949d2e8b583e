import { fail } from './errors.js';

/*
 * Binary arithmetic decoding after the carry-propagating range coder of LZMA (Pavlov 1998, public domain;
 * Martin 1979), with a 31-bit range so that every quantity is a positive int32 and engines keep it in a
 * register. A probability is that of a 1, in 1/65536, from 1 to 65535.
 *
 * The encoder drops trailing zero bytes; the decoder supplies up to 4. More, or fewer bytes read than
 * stored, is an error: a payload has exactly one encoding.
 */

/** How many zero bytes a decoder may supply after the end of a payload. */
export const VIRTUAL_BYTES = 4;

/** Fails unless a decoder that stands at `position` has used up `bytes[.., end)` exactly. */
export function checkEnd(bytes: Uint8Array, start: number, end: number, position: number): void {
  if (position < end || position > end + VIRTUAL_BYTES) fail('payload', 'a payload has the wrong length');
  if (end > start && bytes[end - 1] === 0) fail('payload', 'a payload ends in a superfluous zero byte');
}

/** The bit-by-bit form, for text, byte planes and LZ; the weight coders inline the same steps. */
export class RangeDecoder {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #end: number;
  #position: number;
  #range = 0x7fffffff;
  #code = 0;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#position = start;
    for (let i = 0; i < 4; i++) this.#code = (this.#code << 8) | this.#next();
    if (this.#code < 0) fail('payload', 'a payload starts with an impossible byte');
  }

  #next(): number {
    const p = this.#position++;
    if (p < this.#end) return this.#bytes[p];
    if (p >= this.#end + VIRTUAL_BYTES) fail('payload', 'a payload ends too early');
    return 0;
  }

  /** One bit whose probability of being 1 is `p` / 65536. */
  bit(p: number): number {
    const bound = Math.imul(this.#range >>> 15, p) >>> 1;
    let bit = 0;
    if (this.#code < bound) {
      this.#range = bound;
      bit = 1;
    } else {
      this.#code -= bound;
      this.#range -= bound;
    }
    while (this.#range < 0x800000) {
      this.#range <<= 8;
      this.#code = (this.#code << 8) | this.#next();
    }
    return bit;
  }

  /** `count` <= 16 bits without a model, highest first. */
  direct(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value = (value << 1) | this.bit(32768);
    return value;
  }

  /** Fails unless all bytes, and no more than allowed, were used. */
  finish(): void {
    checkEnd(this.#bytes, this.#start, this.#end, this.#position);
  }
}
