import { EspalierError } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { gather, sums } from '../structures/slice.js';
import type { Structures } from '../structures/structures.js';
import type { Observation } from './observed.js';

/**
 * What the loss would change by if the structure were 0, to first order: |Σ w · dL/dw| over its weights
 * (Molchanov et al. 2019, "Importance estimation for neural network pruning", eq. 8, absolute).
 */
export function taylor(): Observation {
  let sets: readonly Structures[] = [];
  return {
    start(scored) {
      sets = scored.sets;
    },
    of(step) {
      const found = new Map<Structures, Float64Array>();
      for (const set of sets) {
        const total = new Float64Array(set.size);
        for (const slice of set.scored) {
          const { parameter } = slice;
          const gradient = step.gradient(parameter);
          if (gradient === undefined) {
            throw new EspalierError(
              'invalid-option',
              `${parameter.name} has no gradient: it is not trained.`,
              {
                remedy: 'Leave it out of the schedule or choose another criterion.',
              },
            );
          }
          gather(slice, sums(slice, tf.mul(parameter.variable, gradient), tf.clone), total);
        }
        found.set(set, total.map(Math.abs));
      }
      return found;
    },
  };
}
