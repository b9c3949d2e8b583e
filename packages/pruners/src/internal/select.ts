import { EspalierError } from '@espalier/core';

/**
 * Exact selection of the lowest scores by radix on the bits of float32: O(n), two passes over the scores and
 * two histograms of 65 536 bins, whatever their distribution.
 */

const bins = 0x10000;

const bitsOf = (scores: Float32Array): Uint32Array =>
  new Uint32Array(scores.buffer, scores.byteOffset, scores.length);

/**
 * Maps the bits of a float32 to an unsigned integer in the same order: negative numbers are flipped whole,
 * the others in the sign bit. -0 sorts before 0; NaN is not allowed.
 */
const ordered = (bits: number): number => (bits ^ ((bits >> 31) | 0x80000000)) >>> 0;

/** The first bin at which the running count reaches `count`, and the count before it. */
function locate(histogram: Uint32Array, count: number): { bin: number; before: number } {
  let before = 0;
  for (let bin = 0; bin < bins; bin++) {
    if (before + histogram[bin] >= count) return { bin, before };
    before += histogram[bin];
  }
  throw new EspalierError('invalid-option', `There are fewer than ${count} scores.`);
}

/** How many have which upper half of their ordered bits. */
function countHigh(bits: Uint32Array, into: Uint32Array): void {
  for (let i = 0; i < bits.length; i++) into[ordered(bits[i]) >>> 16]++;
}

/** How many of those with this upper half have which lower half. */
function countLow(bits: Uint32Array, high: number, into: Uint32Array): void {
  for (let i = 0; i < bits.length; i++) {
    const key = ordered(bits[i]);
    if (key >>> 16 === high) into[key & 0xffff]++;
  }
}

/** The ordered bits of the `count`-th smallest score of all arrays together, and how many are smaller. */
function rank(scores: readonly Float32Array[], count: number): { key: number; below: number } {
  const high = new Uint32Array(bins);
  for (const array of scores) countHigh(bitsOf(array), high);
  const first = locate(high, count);
  const low = new Uint32Array(bins);
  for (const array of scores) countLow(bitsOf(array), first.bin, low);
  const second = locate(low, count - first.before);
  return { key: first.bin * bins + second.bin, below: first.before + second.before };
}

/**
 * Masks (1 keep, 0 prune) that prune the `count` lowest scores of all arrays together. Of equal scores those
 * with the lower index (then the earlier array) go first; with `ties: 'all'` every score equal to the
 * `count`-th smallest goes, as in Distiller's `|w| > threshold`.
 */
export function pruneLowest(
  scores: readonly Float32Array[],
  count: number,
  ties: 'index' | 'all' = 'index',
): Float32Array[] {
  if (count === 0) return scores.map((array) => new Float32Array(array.length).fill(1));
  const { key, below } = rank(scores, count);
  let left = ties === 'all' ? Number.POSITIVE_INFINITY : count - below;
  return scores.map((array) => {
    const bits = bitsOf(array);
    const mask = new Float32Array(array.length);
    for (let i = 0; i < bits.length; i++) {
      const own = ordered(bits[i]);
      if (own > key) mask[i] = 1;
      else if (own === key && left-- <= 0) mask[i] = 1;
    }
    return mask;
  });
}

/**
 * `pruneLowest`, of which at least so many of each array stay as its floor says: its highest scores, before any other array's.
 * Scores are overwritten where a floor has to be held.
 */
export function pruneDownTo(
  floors: readonly number[],
  scores: readonly Float32Array[],
  count: number,
  ties: 'index' | 'all',
): Float32Array[] {
  const kept = pruneLowest(scores, count, ties);
  if (kept.every((mask, i) => stays(mask, floors[i]))) return kept;
  for (const [i, own] of scores.entries()) {
    if (floors[i] === 0) continue;
    const [best] = pruneLowest([own], own.length - floors[i]);
    for (let j = 0; j < own.length; j++) {
      if (best[j] === 1 && own[j] !== Number.NEGATIVE_INFINITY) own[j] = Number.POSITIVE_INFINITY;
    }
  }
  return pruneLowest(scores, count, ties);
}

/** Whether a mask keeps at least so many. */
function stays(mask: Float32Array, least: number): boolean {
  let left = least;
  for (let i = 0; i < mask.length && left > 0; i++) left -= mask[i];
  return left <= 0;
}

/** Indices that sort numbers >= 0 in ascending order, stable (radix sort of their bits, 16 at a time). */
export function ascending(values: Float32Array): Uint32Array {
  const bits = bitsOf(values);
  let from = new Uint32Array(bits.length);
  for (let i = 0; i < from.length; i++) from[i] = i;
  let to = new Uint32Array(bits.length);
  for (const shift of [0, 16]) {
    const next = new Uint32Array(bins + 1);
    for (let i = 0; i < bits.length; i++) next[((bits[i] >>> shift) & 0xffff) + 1]++;
    for (let bin = 1; bin < bins; bin++) next[bin] += next[bin - 1];
    for (let i = 0; i < from.length; i++) to[next[(bits[from[i]] >>> shift) & 0xffff]++] = from[i];
    [from, to] = [to, from];
  }
  return from;
}
