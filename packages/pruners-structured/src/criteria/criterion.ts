import { checkOneOf, EspalierError } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { activations, positiveShare } from './activations.js';
import { observed } from './observed.js';
import type { Scorer } from './scorer.js';
import { taylor } from './taylor.js';
import {
  batchNormScale,
  custom,
  geometricMedian,
  l1,
  l2,
  largest,
  random,
  type ScoreFunction,
  type WeightScorer,
} from './weights.js';

/**
 * How important a structure is; the lowest go first.
 *
 * - `'l1'`: mean |w| (Li et al. 2017); `'l2'`: root mean square; `'max'`: largest |w|.
 * - `'batch-norm-scale'`: mean |γ| of the batch normalisations it passes (Liu et al. 2017).
 * - `'geometric-median'`: sum of the distances to the other structures (He et al. 2019).
 * - `'apoz'`: share of its activations that are > 0, so that those with the highest average percentage of
 *   zeros go first (Hu et al. 2016).
 * - `'mean-activation'`: mean |a| (Molchanov et al. 2017): those with the lowest go first.
 * - `'taylor'`: |Σ w · dL/dw| (Molchanov et al. 2019).
 * - `'random'`: uniform, from a seed.
 * - a function: scores of your own, one per structure.
 *
 * Activations and gradients are observed over the last steps before each firing, so that such a schedule has
 * to fire more than once: the first firing finds nothing observed and prunes nothing.
 */
export type Criterion =
  | 'l1'
  | 'l2'
  | 'max'
  | 'batch-norm-scale'
  | 'geometric-median'
  | 'apoz'
  | 'mean-activation'
  | 'taylor'
  | 'random'
  | ScoreFunction;

/** By what structures are ranked, from the least important. */
export interface CriterionOptions {
  /** Default `'l1'`. */
  readonly criterion?: Criterion;
  /** For criteria that observe: over how many steps. Default 16. */
  readonly batches?: number;
  /** For `'random'`. Default: the run's seed. */
  readonly seed?: number;
}

export const criterionOptions: readonly string[] = ['criterion', 'batches', 'seed'];

const observing = ['apoz', 'mean-activation', 'taylor'];
const names = ['l1', 'l2', 'max', 'batch-norm-scale', 'geometric-median', ...observing, 'random'];

/** @throws EspalierError `invalid-option` */
export function checkCriterion(owner: string, { criterion = 'l1', batches, seed }: CriterionOptions): void {
  const refuse = (message: string, remedy: string): never => {
    throw new EspalierError('invalid-option', `${owner}: ${message}`, { remedy });
  };
  if (typeof criterion !== 'function') checkOneOf(owner, 'criterion', criterion, names);
  if (batches !== undefined) {
    if (!observing.includes(criterion as string)) {
      refuse(`batches has no meaning for this criterion.`, `It is for ${observing.join(', ')}.`);
    }
    if (!Number.isInteger(batches) || batches < 1)
      refuse(`batches is ${batches}.`, 'Give a whole number >= 1.');
  }
  if (seed !== undefined) {
    if (criterion !== 'random') refuse('seed has no meaning for this criterion.', "It is for 'random'.");
    if (!Number.isInteger(seed)) refuse(`seed is ${seed}.`, 'Give a whole number.');
  }
}

/** Scorers that a step can use: they need not read. */
export const weightScorers: Readonly<Record<'l1' | 'l2' | 'max' | 'batch-norm-scale', WeightScorer>> = {
  l1,
  l2,
  max: largest,
  'batch-norm-scale': batchNormScale,
};

export function scorerOf({ criterion = 'l1', batches = 16, seed }: CriterionOptions): Scorer {
  if (typeof criterion === 'function') return custom(criterion);
  const makers: Readonly<Record<Exclude<Criterion, ScoreFunction>, () => Scorer>> = {
    l1: () => weightScorers.l1,
    l2: () => weightScorers.l2,
    max: () => weightScorers.max,
    'batch-norm-scale': () => weightScorers['batch-norm-scale'],
    'geometric-median': () => geometricMedian,
    apoz: () => observed(activations(positiveShare), batches),
    'mean-activation': () => observed(activations(tf.abs), batches),
    taylor: () => observed(taylor, batches),
    random: () => random(seed),
  };
  return makers[criterion]();
}
