import type { Values } from './space.js';

/** A trial that is done. */
export interface Trial {
  readonly trial: number;
  /** Which round; the last one has all epochs. */
  readonly rung: number;
  readonly values: Values;
  /** On the validation split, decoded from the file; 1 when the trial failed. */
  readonly error: number;
  /** Of the file; 0 when the trial failed. */
  readonly bytes: number;
  readonly seconds: number;
  /** Why it failed, if it did. */
  readonly failed?: string;
}

/**
 * Trials from the best to the worst: those with at most `maxError` by size, then the others by error. Without
 * `maxError`, the least error of all trials and a tenth of a point.
 */
export function ranked(trials: readonly Trial[], maxError?: number): Trial[] {
  const least = Math.min(1, ...trials.map(({ error }) => error));
  const limit = maxError ?? least + 0.001;
  const fits = ({ error, failed }: Trial): boolean => failed === undefined && error <= limit + 1e-12;
  return [...trials].sort((a, b) => {
    if (fits(a) !== fits(b)) return fits(a) ? -1 : 1;
    return fits(a) ? a.bytes - b.bytes || a.error - b.error : a.error - b.error || a.bytes - b.bytes;
  });
}
