import { broken } from './errors.js';
import type { BitCoder } from './level-coding.js';

/*
 * Binary arithmetic decoding after the carry-propagating range coder of LZMA (Pavlov 1998, public domain;
 * Martin 1979), with a 31-bit range so that every quantity is a positive int32 and engines keep it in a
 * register. A probability is that of a 1, in 1/65536, from 1 to 65535.
 *
 * The encoder drops up to 4 zero bytes at the end; the decoder supplies them. More, or fewer bytes read
 * than stored, is an error: a payload has exactly one length.
 */

/** How many zero bytes a decoder may supply after the end of a payload. */
const VIRTUAL_BYTES = 4;

/** Reads bits. Reading past the end yields zeros; {@link finish} tells. */
export class RangeDecoder implements BitCoder {
  readonly #length: number;
  /** The state is open to the weight decoders, which keep it in local variables meanwhile. */
  readonly bytes: Uint8Array;
  position = 4;
  range = 0x7fffffff;
  value = 0;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#length = end - start;
    // A copy with zeros behind it, so that the inner loop need not test for the end.
    const copy = new Uint8Array(end - start + VIRTUAL_BYTES + 4);
    copy.set(bytes.subarray(start, end));
    this.bytes = copy;
    this.value = (copy[0] << 24) | (copy[1] << 16) | (copy[2] << 8) | copy[3];
    if (this.value < 0) broken(51); // a payload starts with an impossible byte
  }

  code(p: number, _bit?: number): number {
    const bound = Math.imul(this.range >>> 15, p) >>> 1;
    let range = bound;
    let bit = 1;
    if (this.value >= bound) {
      this.value -= bound;
      range = this.range - bound;
      bit = 0;
    }
    while (range < 0x800000) {
      range <<= 8;
      this.value = (this.value << 8) | this.bytes[this.position++];
    }
    this.range = range;
    return bit;
  }

  /** Fails when more was read than is there; bounds the work that a damaged payload can cause. */
  check(): void {
    if (this.position > this.#length + VIRTUAL_BYTES) broken(52); // a payload ends too early
  }

  /** Fails unless all bytes, and no more than allowed, were used. */
  finish(): void {
    this.check();
    const supplied = this.position - this.#length;
    if (supplied < 0) broken(53); // a payload is longer than its contents
    if (supplied < VIRTUAL_BYTES && this.#length > 0 && this.bytes[this.#length - 1] === 0) {
      broken(54); // a payload ends in a superfluous zero byte
    }
  }
}
