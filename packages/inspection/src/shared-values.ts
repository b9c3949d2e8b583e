import { nearest, optimalCodebook } from '@espalier/quantize-kmeans';
import type { Statistics } from '@espalier/report';

/** Up to so many distinct values, k-means is solved exactly; beyond, neighbours are put together to about so many. */
const most = 2048;

/** Few points that stand for many values: means of neighbours, and how many each stands for. */
interface Points {
  readonly values: Float32Array;
  readonly weights: Float32Array;
}

/**
 * Neighbours, put together where they are within a 1024th of the range and of the count: few enough for k-means to be
 * solved exactly in milliseconds, and as fine where values are dense as where they are far apart. Zeros are left out.
 */
function group(weights: Float32Array): Points {
  const sorted = weights.filter((value) => value !== 0).sort();
  const width = (sorted[sorted.length - 1] - sorted[0]) / (most / 2);
  const size = sorted.length / (most / 2);
  const values: number[] = [];
  const counts: number[] = [];
  for (let from = 0; from < sorted.length; ) {
    const [bin, share] = [Math.floor((sorted[from] - sorted[0]) / width), Math.floor(from / size)];
    let [to, sum] = [from, 0];
    while (
      to < sorted.length &&
      Math.floor(to / size) === share &&
      Math.floor((sorted[to] - sorted[0]) / width) === bin
    )
      sum += sorted[to++];
    values.push(sum / (to - from));
    counts.push(to - from);
    from = to;
  }
  return { values: Float32Array.from(values), weights: Float32Array.from(counts) };
}

/**
 * The centres of k-means for each k, 0 among them where the weights have zeros, and the sum of squares that is lost
 * to them. Exact for up to 2048 distinct values; beyond, near the optimum.
 */
export function centres(
  weights: Float32Array,
  ks: readonly number[],
  { zeros, distinct }: Statistics,
): { centroids: Float32Array; squares: number }[] {
  const points = distinct <= most ? undefined : group(weights);
  return ks.map((k) => {
    const options = { keepZero: zeros > 0 };
    if (points === undefined) {
      const { centroids, inertia } = optimalCodebook(weights, k, options);
      return { centroids, squares: inertia };
    }
    const { centroids } = optimalCodebook(points.values, k, { ...options, weights: points.weights });
    const indices = nearest(weights, centroids);
    let squares = 0;
    for (let i = 0; i < weights.length; i++) squares += (weights[i] - centroids[indices[i]]) ** 2;
    return { centroids, squares };
  });
}
