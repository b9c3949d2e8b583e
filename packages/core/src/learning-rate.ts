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

/**
 * The step size at a moment: a fixed one, or what a schedule says.
 *
 * @example
 * ```ts
 * import { exponentialRate, multiStepRate, plateauRate, polynomialRate, rateAt, stepRate } from '@espalier/core';
 * const at = { epoch: 5, epochs: 10, history: [] };
 * const rates = [
 *   0.1,
 *   stepRate({ initial: 0.1, every: 5, factor: 0.5 }),
 *   multiStepRate({ initial: 0.1, milestones: [2, 4], factors: 0.5 }),
 *   exponentialRate({ initial: 0.1, factor: 0.5 }),
 *   polynomialRate({ initial: 0.1 }),
 *   plateauRate({ initial: 0.1 }),
 * ].map((rate) => rateAt(rate, at));
 * if (rates.join() !== '0.1,0.05,0.025,0.003125,0.05,0.1') throw new Error(rates.join());
 * ```
 */
export function rateAt(rate: LearningRate, at: RateMoment): number {
  return typeof rate === 'number' ? rate : rate(at);
}
