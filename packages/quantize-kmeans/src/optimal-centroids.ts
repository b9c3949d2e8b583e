import { lloyd } from './lloyd.js';
import { Moments } from './moments.js';
import { partition } from './partition.js';
import { groupingError, type Points, pointsOf } from './points.js';
import { type Sorted, upperBound } from './sorted.js';

/** The best centres, ascending, in float64. */
export interface OptimalCentroids {
  readonly centroids: Float64Array;
  /** No k centres have a smaller squared error than this; absent where the centres are the exact optimum. */
  readonly lowerBound: number | undefined;
}

/**
 * The k centres of least squared error for sorted values. With `keepZero` one of them is 0 and the values must
 * hold no zeros: the negative and the positive values are then two independent problems that share the k - 1
 * free centres, each starting beside the pinned 0.
 *
 * @param limit - How many distinct values are told apart, for tests; see `optimalCodebook`.
 */
export function optimalCentroids(
  sorted: Sorted,
  k: number,
  keepZero: boolean,
  limit: number = Math.max(4 * k, Math.min(2 ** 20, 2 ** 26 / k)),
): OptimalCentroids {
  const { values } = sorted;
  const n = values.length;
  const { centroids, cost, parts } = keepZero ? besideZero(sorted, k - 1, limit) : free(sorted, k, limit);
  if (parts.every((points) => points.coarseness === 0)) return { centroids, lowerBound: undefined };
  const low = keepZero ? Math.min(values[0], 0) : values[0];
  const high = keepZero ? Math.max(values[n - 1], 0) : values[n - 1];
  const coarsest = parts.reduce((a, b) => (a.coarseness > b.coarseness ? a : b));
  const within = parts.reduce((sum, points) => sum + points.within, 0);
  const pinned = keepZero ? centroids.indexOf(0) : undefined;
  return {
    centroids: lloyd(new Moments(sorted), centroids, { pinned }).centroids,
    lowerBound: Math.max(0, cost + within - groupingError(coarsest, high - low)),
  };
}

interface Solution {
  readonly centroids: Float64Array;
  readonly cost: number;
  readonly parts: readonly Points[];
}

function free(sorted: Sorted, k: number, limit: number): Solution {
  const points = pointsOf(sorted, 0, sorted.values.length, limit);
  if (points.values.length === 0)
    return { centroids: Float64Array.of(sorted.values[0]), cost: 0, parts: [points] };
  const { costs, ends } = partition(points.values, points.weights, k, false);
  const q = costs.length - 1;
  return { centroids: meansOf(points, ends(q), 0), cost: costs[q], parts: [points] };
}

function besideZero(sorted: Sorted, free: number, limit: number): Solution {
  const n = sorted.values.length;
  const border = upperBound(sorted.values, 0);
  const negative = mirrored(pointsOf(sorted, 0, border, limit / 2));
  const positive = pointsOf(sorted, border, n, limit / 2);
  const left = partition(negative.values, negative.weights, free, true);
  const right = partition(positive.values, positive.weights, free, true);
  const mostLeft = left.costs.length - 1;
  const mostRight = right.costs.length - 1;
  let best = 0;
  let cost = Number.POSITIVE_INFINITY;
  for (let q = 0; q <= mostLeft; q++) {
    const total = left.costs[q] + right.costs[Math.min(free - q, mostRight)];
    if (total < cost) {
      cost = total;
      best = q;
    }
  }
  const below = meansOf(negative, left.ends(best), 1)
    .map((mean) => -mean)
    .reverse();
  const above = meansOf(positive, right.ends(Math.min(free - best, mostRight)), 1);
  return { centroids: Float64Array.of(...below, 0, ...above), cost, parts: [negative, positive] };
}

function mirrored(points: Points): Points {
  return {
    ...points,
    values: points.values.map((value) => -value).reverse(),
    weights: points.weights.slice().reverse(),
  };
}

/** Means of the intervals that end at `ends`, without the first `skip` of them. */
function meansOf(points: Points, ends: Int32Array, skip: number): Float64Array {
  const { values, weights } = points;
  const means = new Float64Array(ends.length - skip);
  for (let j = skip; j < ends.length; j++) {
    const from = j === 0 ? 0 : ends[j - 1];
    let weight = 0;
    let sum = 0;
    for (let i = from; i < ends[j]; i++) {
      weight += weights[i];
      sum += weights[i] * (values[i] - values[from]);
    }
    means[j - skip] = values[from] + sum / weight;
  }
  return means;
}
