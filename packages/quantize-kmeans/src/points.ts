import type { Sorted } from './sorted.js';

/** Weighted points on a line, strictly ascending: distinct values, or groups of neighbours at their mean. */
export interface Points {
  readonly values: Float64Array;
  readonly weights: Float64Array;
  /** Weighted squared distance of the values to their groups' means: 0 without grouping. */
  readonly within: number;
  /** The largest weight x span of a group: 0 without grouping. See `groupingError`. */
  readonly coarseness: number;
}

/**
 * The distinct values of `sorted` in `[from, to)` with their weights; where there are more than `limit`,
 * neighbours are grouped so that weight x span of every group stays under one bound. Values of weight 0 are
 * left out.
 *
 * The bound is e = 4 W (max - min) / limit^2, W the total weight: two adjacent groups together exceed it, so by
 * Cauchy-Schwarz (groups / 2) sqrt(e) < sqrt(W (max - min)), and there are at most limit + 1 groups.
 */
export function pointsOf(sorted: Sorted, from: number, to: number, limit: number): Points {
  const exact = group(sorted, from, to, limit, 0);
  if (exact !== undefined) return exact;
  const { values, weights } = sorted;
  let total = to - from;
  if (weights !== undefined) {
    total = 0;
    for (let i = from; i < to; i++) total += weights[i];
  }
  const bound = (4 * total * (values[to - 1] - values[from])) / limit ** 2;
  return group(sorted, from, to, limit + 2, bound) as Points;
}

function group(sorted: Sorted, from: number, to: number, limit: number, bound: number): Points | undefined {
  const { values, weights } = sorted;
  const means = new Float64Array(Math.min(limit, to - from));
  const masses = new Float64Array(means.length);
  let count = 0;
  let within = 0;
  let coarseness = 0;
  let i = from;
  while (i < to) {
    const first = values[i];
    // Sums about the first value of the group: no cancellation, however narrow the group.
    let mass = 0;
    let sum = 0;
    let squares = 0;
    let last = first;
    for (; i < to; i++) {
      const w = weights === undefined ? 1 : weights[i];
      const d = values[i] - first;
      if (d !== 0 && (mass + w) * d > bound) break;
      mass += w;
      sum += w * d;
      squares += w * d * d;
      last = values[i];
    }
    if (mass === 0) {
      // Only values of weight 0 so far; where the bound is 0 and the next value differs, this group is void.
      continue;
    }
    if (count === means.length) return undefined;
    means[count] = first + sum / mass;
    masses[count] = mass;
    count++;
    within += Math.max(0, squares - (sum * sum) / mass);
    coarseness = Math.max(coarseness, mass * (last - first));
  }
  return { values: means.subarray(0, count), weights: masses.subarray(0, count), within, coarseness };
}

/**
 * By how much the optimum for grouped points (plus `within`) may exceed the optimum for the values themselves.
 *
 * f(x) = min_j (x - c_j)^2 is a parabola less a kink of slope 2 (c_{j+1} - c_j) at each midpoint t_j. For a
 * group X of mean m and span s: E f(X) >= f(m) + Var X - 2 (c_{j+1} - c_j) (E(X - t_j)+ - (m - t_j)+), and the
 * last bracket is at most s / 4. Every kink lies in one group, and the gaps between centres add up to at most
 * the range of the data.
 */
export function groupingError(points: Points, range: number): number {
  return (points.coarseness * range) / 2;
}
