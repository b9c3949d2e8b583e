import { checkOptions, checkPerParameter, EspalierError, type PerParameter } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { normPenalty, type Term } from './internal/penalised.js';
import { strengthRange } from './internal/strength.js';
import { type WeightPenalty, weightPenalty } from './penalty.js';
import { checkStructure, groupSets, type PenalisedStructureOptions } from './structure.js';
import { checkThreshold, type GroupThresholdOptions, maskingOf } from './threshold.js';

/** How strongly {@link groupVariance} pulls, and on which groups. */
export interface GroupVarianceOptions extends PenalisedStructureOptions, GroupThresholdOptions {
  /** λ >= 0. */
  readonly strength: PerParameter<number>;
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
 * const { session } = await run.start(groupVariance({ strength: 2, structure: 'columns' })); // norms 5 and 1: variance 8
 * const penalty = session.penalty().value.dataSync()[0];
 * if (Math.abs(penalty - 0.25) > 1e-6) throw new Error(String(penalty));
 * ```
 */
export function groupVariance(options: GroupVarianceOptions): WeightPenalty {
  checkOptions('groupVariance', options, ['strength', 'structure', 'block', 'threshold', 'criterion']);
  checkPerParameter('groupVariance', 'strength', options.strength, strengthRange);
  checkStructure('groupVariance', options);
  checkThreshold('groupVariance', options);
  const term: Term = (norms, strength, { groups }) => {
    // V = λ(G - 1) / S with S = Σ (n - n̄)²; dV/dn = -2 V (n - n̄) / S, for Σ (n - n̄) is 0.
    const deviations = tf.sub(norms, tf.mean(norms));
    const squares = tf.add(tf.sum(tf.square(deviations)), epsilon);
    const value = tf.div(strength * (groups - 1), squares);
    return { value, slopes: tf.mul(deviations, tf.div(tf.mul(value, -2), squares)) };
  };
  return weightPenalty('groupVariance', options.threshold !== undefined, (of) => {
    const single = groupSets('groupVariance', of, options).find(({ groups }) => groups === 1);
    if (single !== undefined) {
      throw new EspalierError(
        'invalid-option',
        `groupVariance: ${single.members[0].parameter.name} is a single group.`,
        { remedy: 'Choose smaller groups, or leave the parameter out of the schedule.' },
      );
    }
    return {
      penalty: normPenalty('groupVariance', options, of, term),
      masks: maskingOf('groupVariance', options, options, of),
    };
  });
}
