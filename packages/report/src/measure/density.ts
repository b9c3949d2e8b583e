/** An estimated density of values, as a violin plot draws it. */
export interface DensityReport {
  /** The first point is at `low`, the last at `high`; the others are equally far apart. */
  readonly low: number;
  readonly high: number;
  /** Density at each point, as a share of the highest: in [0, 1]. */
  readonly shares: readonly number[];
}

/**
 * A Gaussian kernel density estimate of the finite values that are not 0, from the least to the greatest, with
 * Scott's bandwidth n^(-1/5) σ (Scott 1992). Values are counted first, into bins of an eighth of the bandwidth (at most 1024), so that any number of
 * them costs the same.
 *
 * @returns `undefined` where fewer than two values differ.
 *
 * @example
 * ```ts
 * import { density } from '@espalier/report';
 * const { low, high, shares } = density([-1, 0, 1, 1, 1.2], 3)!;
 * // Zero is left out; most values are near 1.
 * if (low !== -1 || high !== 1.2 || shares[2] !== 1 || shares[0] > 0.6) throw new Error(shares.join());
 * ```
 */
export function density(values: ArrayLike<number>, points = 100): DensityReport | undefined {
  let [low, high, count, sum] = [Infinity, -Infinity, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === 0 || !Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
    count++;
    sum += value;
  }
  if (!(high > low)) return undefined;
  const mean = sum / count;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    if (values[i] !== 0 && Number.isFinite(values[i])) squares += (values[i] - mean) ** 2;
  }
  const wanted = Math.sqrt(squares / count) * count ** -0.2;
  const fine = Math.min(1024, Math.max(64, Math.ceil((8 * (high - low)) / wanted)));
  const width = (high - low) / fine;
  const bandwidth = Math.max(wanted, width / 2);
  const bins = new Float64Array(fine);
  for (let i = 0; i < values.length; i++) {
    if (values[i] !== 0 && Number.isFinite(values[i]))
      bins[Math.min(fine - 1, Math.floor((values[i] - low) / width))]++;
  }
  const at = Array.from({ length: points }, (_, i) => (i * (high - low)) / Math.max(1, points - 1));
  const shares = at.map((offset) => {
    const first = Math.max(0, Math.floor((offset - 5 * bandwidth) / width));
    const last = Math.min(fine - 1, Math.ceil((offset + 5 * bandwidth) / width));
    let total = 0;
    for (let bin = first; bin <= last; bin++) {
      if (bins[bin] > 0)
        total += bins[bin] * Math.exp(-0.5 * (((bin + 0.5) * width - offset) / bandwidth) ** 2);
    }
    return total;
  });
  const most = Math.max(...shares, Number.MIN_VALUE);
  return { low, high, shares: shares.map((share) => share / most) };
}
