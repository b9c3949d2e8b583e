/** When a schedule fires. Epochs are counted from 0; ends are exclusive. */
export interface Moment {
  readonly epoch: number;
  /** Steps (batches) taken since the start of the training stage. */
  readonly step: number;
  readonly stepsPerEpoch: number;
  /** First epoch of the schedule. */
  readonly start: number;
  /** The epoch after its last one. */
  readonly end: number;
  /** How often it fires, in epochs (a fraction when it fires by steps). */
  readonly every: number;
  /** Which firing this is, 0-based. */
  readonly index: number;
  /** How often the schedule fires in all, at least 1. */
  readonly count: number;
}

/**
 * How far a schedule has come: 0 at its first firing, 1 at its last, 1 when there is only one.
 *
 * @example
 * ```ts
 * import { once, progress } from '@espalier/core';
 * if (progress(once()) !== 1) throw new Error('unexpected');
 * ```
 */
export function progress(at: Moment): number {
  return at.count > 1 ? at.index / (at.count - 1) : 1;
}

/** The moment of a single firing, for use without a trainer. */
export function once(): Moment {
  return { epoch: 0, step: 0, stepsPerEpoch: 1, start: 0, end: 1, every: 1, index: 0, count: 1 };
}
