import { roundHalfEven } from '@espalier/core';
import type { LevelModel } from '../level-model.js';

/** Least scale of a part, in steps: below it, no slope is left that could widen it. */
export const leastScale: number = 1 / 16;

/** What is learned of one tensor, as it is trained. */
export interface RateNumbers {
  /** log of the step before it is rounded. */
  readonly logStep: number;
  /** log(scale - leastScale) of the spike and of the tail. */
  readonly logSpike: number;
  readonly logTail: number;
  /** The logit of the spike's share. */
  readonly logit: number;
}

/** The keys of them, in the order of the variables. */
export const keys = ['logStep', 'logSpike', 'logTail', 'logit'] as const;

/** The step of a tensor whose weights are all 0. */
const anyStep = 2 ** -5;

/** Where a tensor's numbers start. @param share - The step, by the mean magnitude of the weights. */
export function firstNumbers(meanMagnitude: number, share: number): RateNumbers {
  const step = meanMagnitude > 0 ? share * meanMagnitude : anyStep;
  const tail = meanMagnitude > 0 ? meanMagnitude / step : 1;
  const log = (scale: number): number => Math.log(Math.max(scale - leastScale, 1e-3));
  return { logStep: Math.log(step), logSpike: log(0.3), logTail: log(Math.max(tail, 0.5)), logit: 0 };
}

/** The model that the numbers stand for. */
export function modelFrom({ logSpike, logTail, logit }: RateNumbers): LevelModel {
  return {
    spike: leastScale + Math.exp(logSpike),
    tail: leastScale + Math.exp(logTail),
    share: 1 / (1 + Math.exp(-logit)),
  };
}

/** Cuts a float32 to 4 significant bits (Veltkamp 1968); the same sum on the device is `roundedSteps`. */
export const cutter: number = 2 ** 20 + 1;

/** The step that the numbers stand for: so few bits that a file has them in a byte. */
export function stepFrom({ logStep }: RateNumbers): number {
  const step = Math.fround(Math.exp(Math.fround(logStep)));
  const much = Math.fround(step * cutter);
  return Math.fround(much - Math.fround(much - step));
}

/** The level of a weight, in float32 as on the device. */
export function levelOf(weight: number, step: number): number {
  const v = Math.fround(weight / step);
  return Math.sign(v) * roundHalfEven(Math.abs(v)) + 0;
}
