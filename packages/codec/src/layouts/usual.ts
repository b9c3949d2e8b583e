/**
 * In the small form the first byte of a float32 tensor at levels as most are, which stands for its rank, ctx-mix and the order of
 * its axes. Odd ones were in the second form already. 14: rank 1, its size that of the tensor before; where there is an axis more
 * than the rank, the first is folded by that size.
 */
export const USUAL: Readonly<Record<number, readonly number[]>> = {
  14: [32],
  15: [],
  31: [32],
  46: [2, 16, 33],
  47: [1, 32],
  78: [3, 2, 16, 33],
  79: [3, 18, 16, 33],
};
