/** Codes bits: the probability of a 1 in 1/65536, and the bit if it is known. Returns the bit. */
export interface BitCoder {
  code(p: number, bit: number): number;
}
