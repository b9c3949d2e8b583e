/**
 * The whole number nearest to `x` >= 0, halves to the even one: how Python, and with it torch.nn.utils.prune,
 * turns a fraction of n weights into a count.
 */
export function roundHalfEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
