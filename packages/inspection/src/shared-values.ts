import { optimalCodebook } from '@espalier/quantize-kmeans';
import type { Statistics } from '@espalier/report';

/** Up to so many distinct values, k-means is solved exactly; beyond, neighbours are put together to about so many. */
const most = 2048;

/** Few points that stand for many values: means of neighbours, and how many each stands for. */
interface Points {
  readonly values: Float32Array;
  readonly weights: Float32Array;
}

/** What is not 0, ascending. */
function sortedWithoutZeros(weights: Float32Array, zeros: number): Float32Array {
  const sorted = new Float32Array(weights.length - zeros);
  for (let i = 0, at = 0; i < weights.length; i++) if (weights[i] !== 0) sorted[at++] = weights[i];
  return sorted.sort();
}

/** Where the next point begins, for each point that begins at `from`. */
type Border = (from: number) => number;

/** Up to the next value that differs. */
const equal =
  (sorted: Float32Array): Border =>
  (from) => {
    let to = from + 1;
    while (to < sorted.length && sorted[to] === sorted[from]) to++;
    return to;
  };

/**
 * Neighbours within a 1024th of the range and of the count: few enough for k-means to be solved exactly in milliseconds, and
 * as fine where values are dense as where they are far apart.
 */
function near(sorted: Float32Array): Border {
  const [least] = sorted;
  const width = (sorted[sorted.length - 1] - least) / (most / 2);
  const size = sorted.length / (most / 2);
  return (from) => {
    const bin = Math.floor((sorted[from] - least) / width);
    const end = Math.min(sorted.length, Math.ceil((Math.floor(from / size) + 1) * size));
    let to = from + 1;
    while (to < end && Math.floor((sorted[to] - least) / width) === bin) to++;
    return to;
  };
}

function pointsOf(sorted: Float32Array, border: Border): Points {
  const values: number[] = [];
  const counts: number[] = [];
  for (let from = 0; from < sorted.length; ) {
    const to = border(from);
    // About the first: no rounding where all are equal.
    let sum = 0;
    for (let i = from; i < to; i++) sum += sorted[i] - sorted[from];
    values.push(sorted[from] + sum / (to - from));
    counts.push(to - from);
    from = to;
  }
  return { values: Float32Array.from(values), weights: Float32Array.from(counts) };
}

/** As many points as there are different bytes, each of which stands for one value. */
function pointsOfLevels(weights: Float32Array, levels: Uint8Array): Points {
  const counts = new Float64Array(256);
  const values = new Float32Array(256);
  for (let i = 0; i < levels.length; i++) {
    counts[levels[i]]++;
    values[levels[i]] = weights[i];
  }
  const used = [...counts.keys()].filter((level) => counts[level] > 0 && values[level] !== 0);
  used.sort((a, b) => values[a] - values[b]);
  return {
    values: Float32Array.from(used, (level) => values[level]),
    weights: Float32Array.from(used, (level) => counts[level]),
  };
}

/** The sum of squared distances to the nearest of some centres, both ascending; each value counts once, or `counts` times. */
function squaresTo(sorted: Float32Array, centroids: Float32Array, counts?: Float32Array): number {
  let [sum, at] = [0, 0];
  for (let i = 0; i < sorted.length; i++) {
    const value = sorted[i];
    while (at + 1 < centroids.length && value > (centroids[at] + centroids[at + 1]) / 2) at++;
    sum += (counts?.[i] ?? 1) * (value - centroids[at]) ** 2;
  }
  return sum;
}

/**
 * The centres of k-means for each k, 0 among them where the weights have zeros, and the sum of squares that is lost
 * to them. Exact for up to 2048 distinct values; beyond, near the optimum.
 *
 * @param levels - Where each weight is one of 256 values, which one: then nothing is sorted.
 */
export function centres(
  weights: Float32Array,
  ks: readonly number[],
  { zeros, distinct }: Statistics,
  levels?: Uint8Array,
): { centroids: Float32Array; squares: number }[] {
  const known = levels && pointsOfLevels(weights, levels);
  const sorted = known ? known.values : sortedWithoutZeros(weights, zeros);
  // Zeros alone: their centre is 0.
  if (sorted.length === 0) return ks.map(() => ({ centroids: Float32Array.of(0), squares: 0 }));
  const points = known ?? pointsOf(sorted, distinct <= most ? equal(sorted) : near(sorted));
  return ks.map((k) => {
    const options = { keepZero: zeros > 0, weights: points.weights };
    const { centroids } = optimalCodebook(points.values, k, options);
    return { centroids, squares: squaresTo(sorted, centroids, known?.weights) };
  });
}
