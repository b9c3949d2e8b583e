import {
  cosineRate,
  exponentialRate,
  type LearningRate,
  multiStepRate,
  plateauRate,
  polynomialRate,
  stepRate,
} from '@espalier/core';
import { ownName } from '../recipe/check-measures.js';
import type { TrainStage } from '../recipe/schema.js';
import type { Measures } from './measures.js';

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
export function learningRateOf(
  { learningRate = 0.001 }: TrainStage,
  { goal, shown }: Pick<Measures, 'goal' | 'shown'> = { goal: undefined, shown: {} },
): LearningRate {
  if (typeof learningRate === 'number') return learningRate;
  const [[name, options]] = Object.entries(learningRate);
  if (name === 'plateau') return plateau(options as never, goal, shown);
  return schedules[name as keyof typeof schedules](options as never);
}

/** The plateau of the metric that a stage names, or of the goal. */
function plateau(
  options: Parameters<typeof plateauRate>[0],
  goal: Measures['goal'],
  shown: Measures['shown'],
): LearningRate {
  const watched = options.metric ?? (goal?.metric === 'loss' ? 'validationLoss' : goal?.metric);
  if (watched === undefined) return plateauRate(options);
  const better = options.better ?? (watched === goal?.metric ? goal.better : shown[ownName(watched)]?.better);
  return plateauRate({ ...options, metric: watched, ...(better && { better }) });
}
