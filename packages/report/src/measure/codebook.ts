/** The different values of a tensor, and how many weights have each. */
export interface CodebookReport {
  /** The tensor's name. */
  readonly tensor: string;
  /** Ascending. */
  readonly values: readonly number[];
  /** Weights that have the value, >= 1 each. */
  readonly counts: readonly number[];
}

/**
 * The codebook of a tensor whose weights share few values.
 *
 * @param most - Values, at most. Default: 256.
 * @returns `undefined` where there are more, or none, or where values are not finite.
 *
 * @example
 * ```ts
 * import { codebook } from '@espalier/report';
 * const { values, counts } = codebook('w', [0.5, 0, 0, -1])!;
 * if (values.join() !== '-1,0,0.5' || counts.join() !== '1,2,1') throw new Error(values.join());
 * ```
 */
export function codebook(tensor: string, weights: ArrayLike<number>, most = 256): CodebookReport | undefined {
  const counts = new Map<number, number>();
  for (let i = 0; i < weights.length; i++) {
    // A map tells no -0 from 0.
    const value = weights[i];
    if (!Number.isFinite(value)) return undefined;
    counts.set(value, (counts.get(value) ?? 0) + 1);
    if (counts.size > most) return undefined;
  }
  if (counts.size === 0) return undefined;
  const sorted = [...counts].sort(([a], [b]) => a - b);
  return { tensor, values: sorted.map(([value]) => value), counts: sorted.map(([, count]) => count) };
}
