/** A suggestion where to cut, and how clear it is. */
export interface ThresholdSuggestion {
  /** Groups at or above it go. */
  readonly threshold: number;
  /**
   * Share of the rates' variance that lies between the two modes, in [0, 1]: near 1 for two narrow modes, 0.64
   * for a normal distribution, which has one.
   */
  readonly clarity: number;
}

/** Thresholds of a horseshoe's groups lie between these; of normal-Jeffreys groups see `suggestThreshold`. */
export const horseshoeRange: readonly [number, number] = [5, 10];

/** Below this clarity, or with modes nearer than this, rates count as one mode. */
const [leastClarity, leastDistance] = [0.7, 1.5];

/**
 * The gap between the two modes of groups' rates: the split with the greatest variance between its two sides
 * (Otsu 1979) tells the modes, and the threshold lies in the middle of the widest gap between their means. Rates
 * beyond the range count as near it: how far gone a group is does not matter. Where there is one mode, the threshold
 * is the end of the range.
 *
 * @param rates - Log dropout rates (or, of a horseshoe, negative log modes), one per group.
 * @param range - Where the threshold may be. Default [-4, 3]; beyond 3, α > 20 times the signal.
 *
 * @example
 * ```ts
 * import { suggestThreshold } from '@espalier/bayesian-layers';
 * const { threshold, clarity } = suggestThreshold(Float32Array.of(-5, -4.6, -4.2, -3.9, 4, 5.5, 6));
 * if (!(threshold > -3.9 && threshold < 3.01 && clarity > 0.9)) throw new Error(`${threshold} ${clarity}`);
 * ```
 */
export function suggestThreshold(
  rates: ArrayLike<number>,
  [least, most]: readonly [number, number] = [-4, 3],
): ThresholdSuggestion {
  const sorted = Float64Array.from(rates).sort();
  const margin = 2;
  const clamped = sorted.map((rate) => Math.min(most + margin, Math.max(least - margin, rate)));
  const n = clamped.length;
  const total = clamped.reduce((a, b) => a + b, 0);
  const mean = total / n;
  const variance = clamped.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  let best = { between: 0, low: mean, high: mean };
  let below = 0;
  for (let i = 1; i < n; i++) {
    below += clamped[i - 1];
    const [low, high] = [below / i, (total - below) / (n - i)];
    const between = ((i * (n - i)) / n) * (high - low) ** 2;
    if (between > best.between) best = { between, low, high };
  }
  const { between, low, high } = best;
  const clarity = variance > 0 ? between / variance : 0;
  if (clarity < leastClarity || high - low < leastDistance) {
    // One mode: only what is noise beyond doubt goes.
    return { threshold: most, clarity };
  }
  let gap = { width: 0, middle: low };
  for (let i = 1; i < n; i++) {
    const [a, b] = [Math.max(low, clamped[i - 1]), Math.min(high, clamped[i])];
    if (b - a > gap.width) gap = { width: b - a, middle: (a + b) / 2 };
  }
  return { threshold: Math.min(most, Math.max(least, gap.middle)), clarity };
}
