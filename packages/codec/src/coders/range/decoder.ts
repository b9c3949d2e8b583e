import { broken } from '../../errors.js';
import { AHEAD } from '../../numbers.js';
import type { BitCoder } from './bit-coder.js';

/*
 * Binary arithmetic decoding after the carry-propagating range coder of LZMA (Pavlov 1998, public domain;
 * Martin 1979), with a 31-bit range so that every quantity is a positive int32 and engines keep it in a
 * register. A probability is that of a 1, in 1/65536, from 1 to 65535.
 *
 * The last AHEAD bytes that a decoder reads are not stored: they are 0, as all that lies outside of an array of bytes.
 */

/** Reads bits from a payload, which is all that `bytes` holds. */
export class RangeDecoder implements BitCoder {
  /** The state is open to the weight decoders, which keep it in local variables meanwhile. */
  readonly bytes: Uint8Array;
  /** Position, range, value. */
  readonly state: Int32Array = new Int32Array(3);

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    let value = 0;
    for (let i = 0; i < 4; i++) value = (value << 8) | bytes[i];
    if (value < 0) broken(51); // a payload starts with an impossible byte
    this.state.set([4, 0x7fffffff, value]);
  }

  code(p: number, _known?: number): number {
    const s = this.state;
    let range = Math.imul(s[1] >>> 15, p) >>> 1;
    let bit = 1;
    if (s[2] >= range) {
      s[2] -= range;
      range = s[1] - range;
      bit = 0;
    }
    while (range < 0x800000) {
      range <<= 8;
      s[2] = (s[2] << 8) | this.bytes[s[0]++];
      this.check();
    }
    s[1] = range;
    return bit;
  }

  /** Fails when more was read than is there; bounds the work that a damaged payload can cause. */
  check(): void {
    if (this.state[0] > this.bytes.length + AHEAD) broken(52); // a payload ends too early
  }

  /** Fails unless exactly the bytes that are there were used. */
  finish(): void {
    if (this.state[0] !== this.bytes.length + AHEAD) broken(53); // a payload is longer than its contents
  }
}
