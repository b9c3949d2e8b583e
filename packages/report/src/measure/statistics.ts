/** What can be said about a tensor's values in a few numbers. */
export interface Statistics {
  readonly count: number;
  /** How many are exactly 0. */
  readonly zeros: number;
  /** Different values; 0 and -0 are one, and so are all NaN. */
  readonly distinct: number;
  /** How many are NaN or infinite; the figures below leave them out. */
  readonly nonFinite: number;
  /** `null`, as all that follow, where no value is finite. */
  readonly min: number | null;
  readonly max: number | null;
  readonly mean: number | null;
  /** Standard deviation over all values, not over a sample. */
  readonly deviation: number | null;
  /** First quartile, median, third quartile, interpolated between neighbours. */
  readonly quartiles: readonly [number, number, number] | null;
  /**
   * Shannon entropy of the values in bits per value, -Σ p log2 p: what a code for each value by itself takes at
   * least. Of `count` values that all differ it is log2(count).
   */
  readonly entropy: number;
}

/** The value that a share of sorted values lies below, interpolated linearly. */
function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = (sorted.length - 1) * share;
  const low = Math.floor(at);
  const part = at - low;
  return part === 0 ? sorted[low] : sorted[low] * (1 - part) + sorted[low + 1] * part;
}

/** Counts zeros, distinct values and the bits of their entropy in sorted values. */
function runs(sorted: ArrayLike<number>): { zeros: number; distinct: number; entropy: number } {
  let [zeros, distinct, sum] = [0, 0, 0];
  for (let i = 0; i < sorted.length; ) {
    const value = sorted[i];
    let end = i + 1;
    // NaN differs from itself; all of them are at the end.
    if (Number.isNaN(value)) end = sorted.length;
    while (end < sorted.length && sorted[end] === value) end++;
    const count = end - i;
    if (value === 0) zeros = count;
    distinct++;
    sum += count * Math.log2(count);
    i = end;
  }
  const entropy = sorted.length === 0 ? 0 : Math.max(0, Math.log2(sorted.length) - sum / sorted.length);
  return { zeros, distinct, entropy };
}

/**
 * Counts, range, spread and entropy of values, in one sort.
 *
 * @example
 * ```ts
 * import { statistics } from '@espalier/report';
 * const { zeros, distinct, min, max, deviation, quartiles, entropy } = statistics([0, 0, 2, -2]);
 * if (zeros !== 2 || distinct !== 3 || min !== -2 || max !== 2) throw new Error('unexpected');
 * // Half of the values are 0 (1 bit), a quarter each are 2 and -2 (2 bits).
 * if (deviation !== Math.SQRT2 || entropy !== 1.5 || quartiles?.join() !== '-0.5,0,0.5') throw new Error('unexpected');
 * ```
 */
export function statistics(values: ArrayLike<number>): Statistics {
  const sorted = values instanceof Float32Array ? values.slice() : Float64Array.from(values);
  sorted.sort();
  // Minus infinity comes first, infinity and then NaN last.
  let [start, end] = [0, sorted.length];
  while (start < end && sorted[start] === -Infinity) start++;
  while (end > start && !(sorted[end - 1] < Infinity)) end--;
  const finite = sorted.subarray(start, end);
  const counted = { count: values.length, ...runs(sorted), nonFinite: values.length - finite.length };
  if (finite.length === 0) {
    return { ...counted, min: null, max: null, mean: null, deviation: null, quartiles: null };
  }
  let sum = 0;
  for (let i = 0; i < finite.length; i++) sum += finite[i];
  const mean = sum / finite.length;
  let squares = 0;
  for (let i = 0; i < finite.length; i++) squares += (finite[i] - mean) ** 2;
  return {
    ...counted,
    // Not -0.
    min: finite[0] + 0,
    max: finite[finite.length - 1] + 0,
    mean,
    deviation: Math.sqrt(squares / finite.length),
    quartiles: [quantile(finite, 0.25), quantile(finite, 0.5), quantile(finite, 0.75)],
  };
}
