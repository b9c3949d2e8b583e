/** Codes bits: the probability of a 1 in 1/65536, and the bit if it is known. Returns the bit. */
export interface BitCoder {
  code(p: number, bit: number): number;
}

/** Codes nothing, and measures what bits take that are known. */
export class Meter implements BitCoder {
  /** What the bits so far take. */
  bits = 0;

  code(p: number, bit: number): number {
    this.bits -= Math.log2((bit ? p : 65536 - p) / 65536);
    return bit;
  }
}
