import type { HistogramReport } from '../schema.js';

/** Options of {@link histogram}. */
export interface HistogramOptions {
  /** Default: 80. */
  readonly bins?: number;
  /** The codebook, to be drawn with it. */
  readonly centroids?: ArrayLike<number>;
}

/** Counts of non-zero values per bin, and of zeros; the bins are equally wide. */
function countInto(
  values: ArrayLike<number>,
  low: number,
  width: number,
  bins: number,
): { counts: number[]; zeros: number } {
  const counts = new Array<number>(bins).fill(0);
  let zeros = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value === 0) zeros++;
    else if (Number.isFinite(value))
      counts[Math.max(0, Math.min(bins - 1, Math.floor((value - low) / width)))]++;
  }
  return { counts, zeros };
}

/**
 * Counts a tensor's weights before and after compression over the same bins, from the least to the greatest finite
 * value of both. Weights that are exactly 0 are counted apart: after pruning they would hide all others.
 *
 * @example
 * ```ts
 * import { histogram } from '@espalier/report';
 * const { edges, before, after, zerosAfter } = histogram('w', [-1, -0.2, 0.1, 1], [-1, 0, 0, 1], { bins: 4 });
 * if (edges.join() !== '-1,-0.5,0,0.5,1' || before.join() !== '1,1,1,1') throw new Error('unexpected');
 * if (after?.join() !== '1,0,0,1' || zerosAfter !== 2) throw new Error('unexpected');
 * ```
 */
export function histogram(
  tensor: string,
  before: ArrayLike<number>,
  after?: ArrayLike<number>,
  options: HistogramOptions = {},
): HistogramReport {
  const { bins = 80, centroids } = options;
  let [low, high] = [Infinity, -Infinity];
  for (const values of [before, after ?? []]) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (value < low && value !== -Infinity) low = value;
      if (value > high && value !== Infinity) high = value;
    }
  }
  if (low > high) [low, high] = [0, 0];
  // One value only, or several that are too near for floating point to part: a bin around them.
  if (!(high - low > 1e-9 * Math.max(Math.abs(low), Math.abs(high)))) {
    const around = Math.abs(low) / 2 || 0.5;
    [low, high] = [low - around, high + around];
  }
  const width = (high - low) / bins;
  const old = countInto(before, low, width, bins);
  const now = after && countInto(after, low, width, bins);
  return {
    tensor,
    edges: Array.from({ length: bins + 1 }, (_, i) => (i === bins ? high : low + i * width)),
    before: old.counts,
    zerosBefore: old.zeros,
    ...(now !== undefined && { after: now.counts, zerosAfter: now.zeros }),
    ...(centroids !== undefined && { centroids: Array.from(centroids) }),
  };
}
