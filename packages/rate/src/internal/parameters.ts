import { EspalierError, type Of, type Parameter, type RunState } from '@espalier/core';
import { owner } from '../options.js';
import { layerWeight } from './rounding.js';

/** The parameters that are trained: statistics of normalisation are nobody's to train, and stay as they are. */
export function trainedOf(of: Of): Parameter[] {
  return of.filter(({ role }) => role !== 'statistic');
}

/** @throws EspalierError `invalid-option`, `invalid-schedule`, `unsupported-layer` */
export function checkParameters(run: RunState, of: Of): void {
  const trained = trainedOf(of);
  if (trained.length === 0) {
    throw new EspalierError('invalid-option', `${owner}: the schedule names no weight that is trained.`, {
      remedy: "Give parameters: '**', or leave them out.",
    });
  }
  for (const parameter of trained) {
    layerWeight(parameter);
    if (!parameter.trainable) {
      throw new EspalierError('invalid-schedule', `${owner}: ${parameter.name} is frozen.`, {
        remedy: `Train it, or leave it out: parameters: ['**', '!${parameter.name}'].`,
      });
    }
    if (run.shared(parameter) !== undefined) {
      throw new EspalierError(
        'invalid-schedule',
        `${owner}: the values of ${parameter.name} are shared already.`,
        {
          remedy: 'Train for the rate first; its own quantizer shares the values.',
        },
      );
    }
  }
}
