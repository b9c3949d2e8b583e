import { checkOptions, EspalierError } from '@espalier/core';
import { floatsOf } from './floats.js';
import { initialCentroids, type LloydInit } from './initial-centroids.js';
import { lloyd } from './lloyd.js';
import { Moments } from './moments.js';
import { nearest } from './nearest.js';
import { optimalCentroids } from './optimal-centroids.js';
import { type Sorted, sortValues } from './sorted.js';

/** Options of `optimalCodebook`. */
export interface CodebookOptions {
  /** Importance of each value, finite and >= 0: the squared error is multiplied by it. Default: all 1. */
  readonly weights?: ArrayLike<number>;
  /** One of the k entries is exactly 0, and the others are the best ones beside it. Default false. */
  readonly keepZero?: boolean;
}

/** A codebook and the nearest entry for each value. */
export interface Codebook {
  /** Strictly ascending; k entries, fewer when there are fewer distinct values. */
  readonly centroids: Float32Array;
  /** One index into `centroids` per value. */
  readonly indices: Uint8Array | Uint16Array;
  /** Sum of (weighted) squared distances of the values to their entries. */
  readonly inertia: number;
}

/** An optimal codebook. */
export interface OptimalCodebook extends Codebook {
  /** How far, at most, `inertia` lies above the optimum: 0 where the search was exact. */
  readonly gap: number;
}

/** Options of `lloydCodebook`. */
export interface LloydOptions extends CodebookOptions {
  /** Where the iteration starts. */
  readonly init: LloydInit;
  /** For `init: 'random'`. Default 0. */
  readonly seed?: number;
  /** Default 1000. */
  readonly maxIterations?: number;
}

/**
 * The codebook of k entries that has the least squared error: k-means in one dimension, solved by dynamic
 * programming, so that it depends on no starting point.
 *
 * Exact (to float64 rounding) for up to max(4 k, min(2^20, 2^26 / k)) distinct values: 1,048,576 for 16
 * entries, 262,144 for 256. Beyond that, neighbouring values are grouped for the dynamic programming and its
 * borders are improved on the ungrouped values by Lloyd's iteration; `gap` then bounds what may be missing to
 * the optimum.
 *
 * @param values - Any number of finite values, in any list of numbers; they are rounded to float32.
 * @param k - Number of entries, 1 to 4096, the 0 of `keepZero` included.
 * @throws EspalierError `invalid-option`, `unknown-option`, `not-finite`
 *
 * @example
 * ```ts
 * import { optimalCodebook } from '@espalier/quantize-kmeans';
 * const { centroids, indices, inertia } = optimalCodebook(Float32Array.of(1, 9, 2, 10, 1.5), 2);
 * if (centroids.join() !== '1.5,9.5' || indices.join() !== '0,1,0,1,0' || inertia !== 1) throw new Error('unexpected');
 * ```
 */
export function optimalCodebook(
  values: ArrayLike<number>,
  k: number,
  options: CodebookOptions = {},
): OptimalCodebook {
  checkOptions('optimalCodebook', options, ['weights', 'keepZero']);
  const { sorted, floats, weights } = prepare('optimalCodebook', values, k, options);
  const { centroids, lowerBound } = optimalCentroids(sorted, k, options.keepZero ?? false);
  const codebook = assemble(floats, centroids, weights);
  return { ...codebook, gap: lowerBound === undefined ? 0 : Math.max(0, codebook.inertia - lowerBound) };
}

/**
 * The codebook that Lloyd's iteration reaches from Han's linear, density or random start. A cluster that is
 * empty keeps its centre, so an entry may have no values. For comparison and parity: `optimalCodebook` is
 * never worse.
 *
 * @throws EspalierError `invalid-option`, `unknown-option`, `not-finite`
 *
 * @example
 * ```ts
 * import { lloydCodebook } from '@espalier/quantize-kmeans';
 * const { centroids } = lloydCodebook(Float32Array.of(1, 9, 2, 10, 1.5), 2, { init: 'linear' });
 * if (centroids.join() !== '1.5,9.5') throw new Error(centroids.join());
 * ```
 */
export function lloydCodebook(values: ArrayLike<number>, k: number, options: LloydOptions): Codebook {
  checkOptions('lloydCodebook', options, ['weights', 'keepZero', 'init', 'seed', 'maxIterations']);
  const { sorted, floats, weights } = prepare('lloydCodebook', values, k, options);
  const { init, seed, maxIterations, keepZero = false } = options;
  const free = keepZero ? k - 1 : k;
  if (free === 0 || sorted.values.length === 0) return assemble(floats, Float64Array.of(0), weights);
  const start = initialCentroids(sorted.values, free, init, seed);
  if (!keepZero)
    return assemble(floats, lloyd(new Moments(sorted), start, { maxIterations }).centroids, weights);
  const pinned = start.filter((centre) => centre < 0).length;
  const withZero = Float64Array.of(...start.subarray(0, pinned), 0, ...start.subarray(pinned));
  return assemble(floats, lloyd(new Moments(sorted), withZero, { pinned, maxIterations }).centroids, weights);
}

interface Prepared {
  readonly sorted: Sorted;
  /** The values in their own order, and their weights. */
  readonly floats: Float32Array;
  readonly weights: Float32Array | undefined;
}

function prepare(owner: string, values: ArrayLike<number>, k: number, options: CodebookOptions): Prepared {
  const refuse = (message: string, remedy: string): never => {
    throw new EspalierError('invalid-option', `${owner}: ${message}.`, { remedy });
  };
  if (!Number.isInteger(k) || k < 1 || k > 4096) refuse(`k is ${k}`, 'Give a whole number from 1 to 4096.');
  const floats = floatsOf(owner, 'value', values);
  if (floats.length === 0) refuse('there are no values', 'Give at least one value.');
  const weights = options.weights === undefined ? undefined : floatsOf(owner, 'weight', options.weights);
  if (weights !== undefined) {
    if (weights.length !== floats.length) {
      refuse(`there are ${weights.length} weights for ${floats.length} values`, 'Give one weight per value.');
    }
    const bad = weights.findIndex((w) => !(w >= 0 && w < Number.POSITIVE_INFINITY));
    if (bad >= 0) refuse(`weight ${bad} is ${weights[bad]}`, 'Give finite weights >= 0.');
  }
  return { sorted: sortValues(floats, { weights, skipZeros: options.keepZero ?? false }), floats, weights };
}

/** Rounds centres to float32, drops equal ones, assigns the values and measures the error. */
function assemble(values: Float32Array, centres: Float64Array, weights: Float32Array | undefined): Codebook {
  const centroids = Float32Array.from(new Set(Float32Array.from(centres, (c) => (c === 0 ? 0 : c))));
  const indices = nearest(values, centroids);
  let inertia = 0;
  for (let i = 0; i < values.length; i++) {
    const d = values[i] - centroids[indices[i]];
    inertia += weights === undefined ? d * d : weights[i] * d * d;
  }
  return { centroids, indices, inertia };
}
