import { type Of, type PrunerSession, type RunState, readNow } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { mostResponsible } from '../components.js';
import type { Group } from './group.js';

/** Prunes what the zero component takes most responsibility for, from a part of the stage on. */
export function zerosPruned(
  run: RunState,
  of: Of,
  groups: readonly Group[],
  pruneFrom: number,
): PrunerSession['masks'] {
  const own = of.map(({ name }) => groups.find((group) => group.parameters.some((p) => p.name === name))!);
  return (at, read = readNow) => {
    // In a stage of its own a firing is the first of one epoch.
    const done = (at.epoch - at.start) / (at.end - at.start);
    if (done < pruneFrom) return new Map();
    return read(
      () =>
        of.map((parameter, i) => ({
          numbers: own[i].variables,
          weights: parameter.variable as tf.Tensor,
          before: run.mask(parameter),
        })),
      (seen) => {
        const masks = seen.map(({ numbers, weights, before }, i) => {
          const components = mostResponsible(own[i].mixtureOf(numbers), weights);
          return Float32Array.from(components, (j, k) => (j === 0 || before?.[k] === 0 ? 0 : 1));
        });
        return new Map(of.map((p, i) => [p, tf.tensor(masks[i], p.shape as number[], 'float32')]));
      },
    );
  };
}
