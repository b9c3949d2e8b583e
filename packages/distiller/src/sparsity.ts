/**
 * The sparsity of Distiller's automated gradual pruning in an epoch: s_f + (s_i - s_f)(1 - (t - start)/span)³,
 * the span reaching from the first to the last scheduled epoch (Zhu & Gupta 2017, eq. 1).
 */
export function gradualSparsity(
  initial: number,
  final: number,
  epoch: number,
  epochs: readonly number[],
): number {
  const span = epochs[epochs.length - 1] - epochs[0];
  return span === 0 ? final : final + (initial - final) * (1 - (epoch - epochs[0]) / span) ** 3;
}

/**
 * The threshold of Distiller's Baidu pruner in an epoch (Narang et al. 2017, with Distiller's epochs that count
 * from 1 in both branches).
 */
export function rampThreshold(
  { q, offset, slope }: { readonly q: number; readonly offset: number; readonly slope: number },
  epoch: number,
  { start, end, every }: { readonly start: number; readonly end: number; readonly every: number },
): number {
  const ramp = start + offset;
  const theta = (2 * q * every) / (2 * (ramp - start) + 3 * (end - ramp));
  if (epoch < ramp) return (theta * (epoch - start + 1)) / every;
  return (theta * (ramp - start + 1) + slope * theta * (epoch - ramp + 1)) / every;
}

/** A number as a recipe shows it: short, and exact to ten digits. */
export function tidy(x: number): number {
  return Number(x.toPrecision(10));
}
