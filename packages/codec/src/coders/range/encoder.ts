import { Writer } from '../../bytes/writer.js';
import type { BitCoder } from './bit-coder.js';

/** Counterpart of the range decoder: see there. */
export class RangeEncoder implements BitCoder {
  readonly #out: Writer = new Writer();
  #low = 0;
  #range = 0x7fffffff;
  #cache = -1;
  #pending = 0;

  code(p: number, bit: number): number {
    const bound = Math.imul(this.#range >>> 15, p) >>> 1;
    if (bit) {
      this.#range = bound;
    } else {
      this.#low += bound;
      this.#range -= bound;
    }
    while (this.#range < 0x800000) {
      this.#range *= 256;
      this.#shift();
    }
    return bit;
  }

  /** The payload: a value in the last interval whose lowest two bytes do not matter, and are left out. */
  finish(): Uint8Array {
    // The interval is at least 2^23 wide: a whole range of 2^16, from a multiple of it, always lies in it.
    this.#low = Math.ceil(this.#low / 0x10000) * 0x10000;
    for (let i = 0; i < 5; i++) this.#shift();
    const bytes = this.#out.take();
    return bytes.subarray(0, bytes.length - 2);
  }

  /** Moves the top byte out, holding back bytes of 255 that a carry may still change. */
  #shift(): void {
    if (this.#low < 0xff000000 || this.#low >= 0x100000000) {
      const carry = this.#low >= 0x100000000 ? 1 : 0;
      if (this.#cache >= 0) this.#out.u8((this.#cache + carry) & 255);
      for (; this.#pending > 0; this.#pending--) this.#out.u8((255 + carry) & 255);
      this.#cache = Math.floor(this.#low / 0x1000000) & 255;
    } else {
      this.#pending++;
    }
    this.#low = (this.#low % 0x1000000) * 256;
  }
}
