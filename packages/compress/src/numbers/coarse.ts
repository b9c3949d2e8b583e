/** Parts of an octave. */
const parts = 2;

/**
 * The nearest half octave: what is measured differs between machines in its last bits, and what is decided by it should not. 0 stays.
 */
export function coarse(x: number, each: number = parts): number {
  return x > 0 ? 2 ** (Math.round(each * Math.log2(x)) / each) : x;
}
