import type { Moments } from './moments.js';
import { upperBound } from './sorted.js';

/** Where Lloyd's iteration ended. */
export interface LloydResult {
  /** Ascending centres in float64. */
  readonly centroids: Float64Array;
  readonly iterations: number;
}

/**
 * Where each centre's interval of sorted values ends: a value belongs to its nearest centre, on a tie to the
 * lower one. Of equal centres the first has the values.
 */
export function intervals(moments: Moments, centroids: Float64Array): Int32Array {
  const { values } = moments.sorted;
  const ends = new Int32Array(centroids.length);
  let end = values.length;
  for (let j = centroids.length - 1; j >= 0; j--) {
    const next = centroids[j + 1];
    if (next > centroids[j]) end = upperBound(values, (centroids[j] + next) / 2, 0, end);
    ends[j] = end;
  }
  return ends;
}

/**
 * Lloyd's iteration on sorted values, from ascending centres until no value changes its cluster. An empty
 * cluster keeps its centre (scikit-learn moves it elsewhere); centre `pinned` never moves. An iteration costs
 * k binary searches, however many values there are.
 */
export function lloyd(
  moments: Moments,
  start: Float64Array,
  options: { readonly pinned?: number | undefined; readonly maxIterations?: number | undefined } = {},
): LloydResult {
  const { pinned, maxIterations = 1000 } = options;
  const centroids = start.slice();
  let ends = intervals(moments, centroids);
  for (let iteration = 1; iteration <= maxIterations; iteration++) {
    let weight = 0;
    let sum = 0;
    for (let j = 0; j < centroids.length; j++) {
      moments.upTo(ends[j]);
      const w = moments.weight - weight;
      if (w > 0 && j !== pinned) centroids[j] = (moments.sum - sum) / w;
      weight = moments.weight;
      sum = moments.sum;
    }
    const next = intervals(moments, centroids);
    if (next.every((end, j) => end === ends[j])) return { centroids, iterations: iteration };
    ends = next;
  }
  return { centroids, iterations: maxIterations };
}
