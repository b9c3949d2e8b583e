import { checkOptions, checkRange } from './errors.js';
import type { LearningRateSchedule } from './learning-rate.js';
import type { Better } from './metric.js';
import { epochValue } from './metrics.js';

const positive = (owner: string, option: string, value: number): void =>
  checkRange(owner, option, value, Number.MIN_VALUE, Number.MAX_VALUE);

/** Multiplies the rate by `factor` every `every` epochs. */
export function stepRate(options: { initial: number; every: number; factor: number }): LearningRateSchedule {
  checkOptions('step', options, ['initial', 'every', 'factor']);
  const { initial, every, factor } = options;
  positive('step', 'initial', initial);
  positive('step', 'every', every);
  return ({ epoch }) => initial * factor ** Math.floor(epoch / every);
}

/** Multiplies the rate at each milestone (an epoch), by one factor or by one factor per milestone. */
export function multiStepRate(options: {
  initial: number;
  milestones: readonly number[];
  factors: number | readonly number[];
}): LearningRateSchedule {
  checkOptions('multiStep', options, ['initial', 'milestones', 'factors']);
  const { initial, milestones, factors } = options;
  positive('multiStep', 'initial', initial);
  if (typeof factors !== 'number') {
    checkRange('multiStep', 'the number of factors', factors.length, milestones.length, milestones.length);
  }
  const factor = (i: number): number => (typeof factors === 'number' ? factors : factors[i]);
  return ({ epoch }) => milestones.reduce((rate, at, i) => (epoch >= at ? rate * factor(i) : rate), initial);
}

/** Multiplies the rate by `factor` after every epoch. */
export function exponentialRate(options: { initial: number; factor: number }): LearningRateSchedule {
  checkOptions('exponential', options, ['initial', 'factor']);
  const { initial, factor } = options;
  positive('exponential', 'initial', initial);
  return ({ epoch }) => initial * factor ** Math.floor(epoch);
}

/** Goes from `initial` to `final` over the stage as (1 - t)^power, step by step. Power 1 (the default) is a line. */
export function polynomialRate(options: {
  initial: number;
  final?: number;
  power?: number;
}): LearningRateSchedule {
  checkOptions('polynomial', options, ['initial', 'final', 'power']);
  const { initial, final = 0, power = 1 } = options;
  positive('polynomial', 'initial', initial);
  return ({ epoch, epochs }) => final + (initial - final) * (1 - epoch / epochs) ** power;
}

/**
 * Half a cosine from `initial` to `final` over the stage, step by step (Loshchilov & Hutter 2017, eq. 5, one
 * cycle), after a linear warm-up of `warmup` epochs.
 *
 * @example
 * ```ts
 * import { cosineRate } from '@espalier/core';
 * const rate = cosineRate({ initial: 0.1 });
 * const at = (epoch: number) => rate({ epoch, epochs: 10, history: [] });
 * if (at(0) !== 0.1 || Math.abs(at(5) - 0.05) > 1e-12 || at(10) > 1e-12) throw new Error('unexpected');
 * ```
 */
export function cosineRate(options: {
  initial: number;
  final?: number;
  warmup?: number;
}): LearningRateSchedule {
  checkOptions('cosine', options, ['initial', 'final', 'warmup']);
  const { initial, final = 0, warmup = 0 } = options;
  positive('cosine', 'initial', initial);
  return ({ epoch, epochs }) => {
    if (epoch < warmup) return (initial * (epoch + 1e-3)) / warmup;
    const t = (epoch - warmup) / Math.max(1e-9, epochs - warmup);
    return final + ((initial - final) * (1 + Math.cos(Math.PI * t))) / 2;
  };
}

/** Multiplies the rate by `factor` when a metric has not improved for `patience` epochs. */
export function plateauRate(options: {
  initial: number;
  factor?: number;
  patience?: number;
  /** `validationLoss` (default), `validationAccuracy`, `loss` (of training), or a metric that is measured. */
  metric?: string;
  /** Which values of it are better. Default: what the name says; of a metric, `higher`. */
  better?: Better;
  minDelta?: number;
  minimum?: number;
}): LearningRateSchedule {
  checkOptions('plateau', options, [
    'initial',
    'factor',
    'patience',
    'metric',
    'better',
    'minDelta',
    'minimum',
  ]);
  const {
    initial,
    factor = 0.1,
    patience = 10,
    metric = 'validationLoss',
    better = /^(validationL|l)oss$/.test(metric) ? 'lower' : 'higher',
    minDelta = 0,
    minimum = 0,
  } = options;
  positive('plateau', 'initial', initial);
  const sign = better === 'higher' ? -1 : 1;
  return ({ history }) => {
    let rate = initial;
    let best = Number.POSITIVE_INFINITY;
    let since = 0;
    for (const metrics of history) {
      const value = sign * (epochValue(metrics, metric) ?? metrics.loss);
      if (value < best - minDelta) {
        best = value;
        since = 0;
      } else if (++since > patience) {
        rate = Math.max(minimum, rate * factor);
        since = 0;
      }
    }
    return rate;
  };
}
