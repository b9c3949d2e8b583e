import { checkOptions, EspalierError, type Of } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { checkGroups, type GroupOptions, groupNorms } from './groups.js';
import { checkStrength, type Strength } from './internal/strength.js';
import { checkThreshold, type GroupThresholdOptions, thresholding } from './internal/threshold.js';
import { type WeightedSet, weightedSets } from './internal/weighted-sets.js';
import type { WeightPenalty } from './penalty.js';

export interface GroupVarianceOptions extends GroupOptions, GroupThresholdOptions {
  /** λ >= 0. */
  readonly strength: Strength;
}

/** Keeps the penalty finite where all groups have the same norm. */
const epsilon = 1e-12;

/**
 * Adds λ / var_g(‖w_g‖₂) to the loss, with the unbiased variance over the groups of a tensor (Distiller's group
 * variance): spreads the norms apart, so that the small groups are told from the large ones. Meant to go with
 * `groupLasso`.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`, `unknown-name`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run } from '@espalier/core';
 * import { groupVariance } from '@espalier/regularizers';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [2], useBias: false })] });
 * model.setWeights([tf.tensor2d([[3, 0], [4, 1]])]);
 * const run = new Run(model);
 * const plugin = groupVariance({ strength: 2, groups: 'columns' }); // norms 5 and 1: variance 8
 * const penalty = plugin.penalty(run.select()).dataSync()[0];
 * if (Math.abs(penalty - 0.25) > 1e-6) throw new Error(String(penalty));
 * ```
 */
export function groupVariance(options: GroupVarianceOptions): WeightPenalty {
  checkOptions('groupVariance', options, ['strength', 'groups', 'block', 'threshold', 'criterion']);
  checkStrength('groupVariance', options.strength);
  checkGroups('groupVariance', options);
  checkThreshold('groupVariance', options);
  const setsOf = weightedSets('groupVariance', options);
  const check = (of: Of): void => {
    for (const { groups, members } of setsOf(of)) {
      if (groups > 1) continue;
      throw new EspalierError(
        'invalid-option',
        `groupVariance: ${members[0].parameter.name} is a single group.`,
        {
          remedy: 'Choose smaller groups, or leave the parameter out of the schedule.',
        },
      );
    }
  };
  const one = (set: WeightedSet): tf.Tensor => {
    const norms = groupNorms(set);
    const squares = tf.sum(tf.square(tf.sub(norms, tf.mean(norms))));
    return tf.div(set.strength * (set.groups - 1), tf.add(squares, epsilon));
  };
  return {
    name: 'groupVariance',
    check: (_, of) => check(of),
    start: (_, of) => check(of),
    penalty: (of) =>
      tf.tidy(() =>
        setsOf(of)
          .map(one)
          .reduce((a, b) => tf.add(a, b)),
      ) as tf.Scalar,
    ...thresholding('groupVariance', options, options),
  };
}
