/**
 * The whole number nearest to `x` >= 0, halves to the even one: how Python, and with it torch.nn.utils.prune,
 * turns a fraction of n weights into a count.
 *
 * @example
 * ```ts
 * import { roundHalfEven } from '@espalier/core';
 * const rounded = [0.5, 1.5, 2.5, 2.6].map(roundHalfEven);
 * if (rounded.join() !== '0,2,2,3') throw new Error(rounded.join());
 * ```
 */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
