import { checkOneOf, EspalierError, hash, hashString, type Parameter } from '@espalier/core';
import type { OwnScores, Seen } from './internal/seen.js';
import { ascending } from './internal/select.js';

/**
 * How important each weight is; the lowest go first.
 *
 * - `'magnitude'`: |w| (Han et al. 2015).
 * - `'layer-normalised'`: |w| divided by the root mean square of its tensor's surviving weights, so that
 *   tensors of different scale can be ranked together.
 * - `'lamp'`: w² / Σ v² over the weights v of the tensor with |v| >= |w| (Lee et al. 2021, eq. 3): the
 *   magnitude ranking within a tensor, and a share per tensor that never empties one.
 * - `'random'`: uniform, from the seed and the parameter's name.
 * - a function: scores of your own in the parameter's shape (or flat, row-major).
 */
export type ElementCriterion = 'magnitude' | 'layer-normalised' | 'lamp' | 'random' | OwnScores;

const names = ['magnitude', 'layer-normalised', 'lamp', 'random'] as const;

/** @throws EspalierError `invalid-option` */
export function checkCriterion(owner: string, criterion: unknown): void {
  if (typeof criterion !== 'function') checkOneOf(owner, 'criterion', criterion, names);
}

/**
 * Scores of a parameter's weights, row-major, in an array of their own. Weights that are gone (`alive` 0)
 * score lowest of all: what is pruned stays pruned.
 *
 * @throws EspalierError `not-finite`, `shape-mismatch`
 */
export function scoresOf(
  criterion: ElementCriterion,
  parameter: Parameter,
  seed: number,
  { weights, alive, own }: Seen,
): Float32Array {
  const scores =
    own === undefined ? raw(criterion, parameter, weights, alive, seed) : checked(parameter, own);
  const gone = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < scores.length; i++) {
    const value = scores[i];
    if (value - value !== 0) {
      throw new EspalierError('not-finite', `Score ${i} of ${parameter.name} is ${value}.`, {
        remedy: 'Look for weights or scores that are not finite.',
      });
    }
    // -0 becomes 0: they are the same score.
    scores[i] = alive !== undefined && alive[i] === 0 ? gone : value + 0;
  }
  return scores;
}

function raw(
  criterion: ElementCriterion,
  parameter: Parameter,
  weights: Float32Array,
  alive: Float32Array | undefined,
  seed: number,
): Float32Array {
  if (criterion === 'random') return random(parameter.size, hash(seed, hashString(parameter.name)));
  // Loops over all weights have indices: a callback or an iterator takes several times as long.
  const scores = new Float32Array(weights.length);
  for (let i = 0; i < scores.length; i++) scores[i] = Math.abs(weights[i]);
  if (criterion === 'layer-normalised') normalise(scores, alive);
  if (criterion === 'lamp') lamp(scores);
  return scores;
}

function checked(parameter: Parameter, own: ArrayLike<number>): Float32Array {
  if (own.length === parameter.size) return Float32Array.from(own);
  throw new EspalierError(
    'shape-mismatch',
    `${own.length} scores were given for ${parameter.name} of ${parameter.size} weights.`,
  );
}

/** Divides by the root mean square of the weights that are alive. */
function normalise(scores: Float32Array, alive: Float32Array | undefined): void {
  let squares = 0;
  let count = 0;
  for (let i = 0; i < scores.length; i++) {
    if (alive !== undefined && alive[i] === 0) continue;
    squares += scores[i] * scores[i];
    count++;
  }
  const rms = Math.sqrt(squares / count);
  if (rms > 0) for (let i = 0; i < scores.length; i++) scores[i] /= rms;
}

/** Lee et al. (2021), eq. 3, from |w|: each square over the sum of the squares that are not smaller. */
function lamp(magnitudes: Float32Array): void {
  const order = ascending(magnitudes);
  let sum = 0;
  // From the largest down; equal weights are added up before any of them is scored, so that they tie.
  for (let end = order.length; end > 0; ) {
    const square = magnitudes[order[end - 1]] ** 2;
    let start = end;
    while (start > 0 && magnitudes[order[start - 1]] ** 2 === square) start--;
    sum += (end - start) * square;
    for (let i = start; i < end; i++) magnitudes[order[i]] = sum > 0 ? square / sum : 0;
    end = start;
  }
}

/** Uniform numbers in [0, 1) with 24 bits (a Weyl sequence through the MurmurHash3 finaliser). */
function random(size: number, seed: number): Float32Array {
  const scores = new Float32Array(size);
  for (let i = 0; i < size; i++) {
    let h = (seed + Math.imul(i, 0x9e3779b9)) | 0;
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    scores[i] = ((h ^ (h >>> 16)) >>> 8) / 0x1000000;
  }
  return scores;
}
