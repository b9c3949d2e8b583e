import {
  cosineRate,
  exponentialRate,
  type LearningRate,
  multiStepRate,
  plateauRate,
  polynomialRate,
  stepRate,
} from '@espalier/core';
import type { TrainStage } from '../recipe/schema.js';

/** Learning-rate schedules by the names that recipes use. */
const schedules = {
  step: stepRate,
  multiStep: multiStepRate,
  exponential: exponentialRate,
  polynomial: polynomialRate,
  cosine: cosineRate,
  plateau: plateauRate,
} as const;

/** The learning rate that a stage asks for. */
export function learningRateOf({ learningRate = 0.001 }: TrainStage): LearningRate {
  if (typeof learningRate === 'number') return learningRate;
  const [[name, options]] = Object.entries(learningRate);
  return schedules[name as keyof typeof schedules](options as never);
}
