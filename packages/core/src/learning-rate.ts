import type { EpochMetrics } from './metrics.js';

/** Where training stands when a learning rate is asked for. */
export interface RateMoment {
  /** Epochs done, with the fraction of the present one: 2.5 is the middle of the third. */
  readonly epoch: number;
  /** Epochs of the whole stage. */
  readonly epochs: number;
  /** Metrics of the epochs done, for schedules that react to them. */
  readonly history: readonly EpochMetrics[];
}

/** A learning rate over time: a pure function, so that a resumed run goes on with the same rates. */
export type LearningRateSchedule = (at: RateMoment) => number;

/** A fixed step size, or one that changes. */
export type LearningRate = number | LearningRateSchedule;

/** The step size at a moment: a fixed one, or what a schedule says. */
export function rateAt(rate: LearningRate, at: RateMoment): number {
  return typeof rate === 'number' ? rate : rate(at);
}
