import type { Parameter } from '@espalier/core';
import { levelBits } from '../level-model.js';
import type { RateReading } from '../session.js';
import { levelOf, modelFrom, type RateNumbers, stepFrom } from './numbers.js';

/** What a tensor's levels take under its model. */
export function readingOf({ name }: Parameter, weights: Float32Array, numbers: RateNumbers): RateReading {
  const model = modelFrom(numbers);
  const step = stepFrom(numbers);
  const costs = new Map<number, number>();
  let [bits, nonzero] = [0, 0];
  for (const weight of weights) {
    const level = Math.abs(levelOf(weight, step));
    let cost = costs.get(level);
    if (cost === undefined) {
      cost = levelBits(model, level);
      costs.set(level, cost);
    }
    bits += cost;
    if (level !== 0) nonzero++;
  }
  return { name, ...model, step, bits, nonzero };
}
