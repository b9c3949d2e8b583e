import { EspalierError } from '@espalier/core';
import type { Search } from '../../recipe/schema.js';
import type { Values } from './space.js';

/** A trial that is done. */
export interface Trial {
  readonly trial: number;
  /** Which round; the last one has all epochs. */
  readonly rung: number;
  readonly values: Values;
  /** How many results were known when it was asked for. */
  readonly known?: number;
  /** On the validation split, decoded from the file; 1 when the trial failed, or where labels are no classes. */
  readonly error: number;
  /** The goal, where it is not accuracy, likewise measured; absent when the trial failed. */
  readonly value?: number;
  /** Of the file; 0 when the trial failed. */
  readonly bytes: number;
  readonly seconds: number;
  /** Why it failed, if it did. */
  readonly failed?: string;
}

/** By what trials are compared, where it is not their error. */
export interface Ranking {
  readonly better: 'higher' | 'lower';
  /** Of a share a tenth of a point is little, of others a hundredth of their size. */
  readonly share: boolean;
}

/**
 * Up to where trials are good enough, in what they are ranked by: as an error of at most `maxError`, or a goal at least as good as
 * `bound`.
 *
 * @param goal - By which they are ranked; absent: by their error.
 * @throws EspalierError `bad-recipe` for an error where the goal is another
 */
export function boundOf(
  { bound, maxError }: Pick<Search, 'bound' | 'maxError'>,
  goal: { readonly metric: string } | undefined,
): number | undefined {
  if (goal === undefined) return bound === undefined ? maxError : 1 - bound;
  if (maxError === undefined) return bound;
  if (goal.metric === 'accuracy') return 1 - maxError;
  throw new EspalierError('bad-recipe', `search.maxError is of accuracy, and the goal is ${goal.metric}.`, {
    remedy: `Write bound: which ${goal.metric} is good enough.`,
  });
}

/**
 * Trials from the best to the worst: those within the bound (at most `bound` of error, or as good a goal) by size, then the
 * others by error or goal. Without a bound, the best of all trials and a tenth of a point, or a hundredth of its value.
 */
export function ranked(trials: readonly Trial[], bound?: number, by?: Ranking): Trial[] {
  const sign = by?.better === 'higher' ? -1 : 1;
  /** What is less is better. */
  const cost = ({ error, value, failed }: Trial): number => {
    if (by === undefined) return error;
    return failed !== undefined || value === undefined ? Number.POSITIVE_INFINITY : sign * value;
  };
  const least = Math.min(by === undefined ? 1 : Number.POSITIVE_INFINITY, ...trials.map(cost));
  const slack = by === undefined || by.share ? 0.001 : Math.abs(least) / 100;
  const limit = bound === undefined ? least + slack : sign * bound;
  const fits = (trial: Trial): boolean => trial.failed === undefined && cost(trial) <= limit + 1e-12;
  const compare = (a: number, b: number): number => (a === b ? 0 : a < b ? -1 : 1);
  return [...trials].sort((a, b) => {
    if (fits(a) !== fits(b)) return fits(a) ? -1 : 1;
    const [bySize, byCost] = [a.bytes - b.bytes, compare(cost(a), cost(b))];
    // In whichever order they came.
    return (fits(a) ? bySize || byCost : byCost || bySize) || a.trial - b.trial || a.rung - b.rung;
  });
}
