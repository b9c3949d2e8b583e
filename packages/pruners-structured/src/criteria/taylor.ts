import { EspalierError } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { gathered, sums } from '../structures/slice.js';
import type { Structures } from '../structures/structures.js';
import type { Observation } from './observed.js';

/**
 * What the loss would change by if the structure were 0, to first order: |Σ w · dL/dw| over its weights
 * (Molchanov et al. 2019, "Importance estimation for neural network pruning", eq. 8, absolute).
 */
export const taylor: Observation =
  ({ sets }) =>
  (step) => {
    const found = new Map<Structures, tf.Tensor>();
    for (const set of sets) {
      const changes = set.scored.map((slice) => {
        const { parameter, units } = slice;
        const gradient = step.gradient(parameter);
        if (gradient === undefined) {
          throw new EspalierError('invalid-option', `${parameter.name} has no gradient: it is not trained.`, {
            remedy: 'Leave it out of the schedule or choose another criterion.',
          });
        }
        const change = sums(slice, tf.mul(parameter.variable, gradient), (x) => x);
        return gathered(units, change, set.size);
      });
      found.set(set, tf.abs(changes.reduce((a, b) => tf.add(a, b))));
    }
    return found;
  };
