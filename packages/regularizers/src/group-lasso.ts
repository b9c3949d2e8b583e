import { checkOptions, checkPerParameter, type PerParameter } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { normPenalty, type Term } from './internal/penalised.js';
import { strengthRange } from './internal/strength.js';
import { type WeightPenalty, weightPenalty } from './penalty.js';
import { checkStructure, type PenalisedStructureOptions } from './structure.js';
import { checkThreshold, type GroupThresholdOptions, maskingOf } from './threshold.js';

/** How strongly {@link groupLasso} pulls, and on which groups. */
export interface GroupLassoOptions extends PenalisedStructureOptions, GroupThresholdOptions {
  /** λ >= 0; the same for tensors that share groups. */
  readonly strength: PerParameter<number>;
  /**
   * Weighs each group by the square root of its size (Yuan & Lin 2006), so that large groups are not favoured.
   * Default true. False is Distiller's group lasso.
   */
  readonly weighted?: boolean;
}

/**
 * Adds λ·Σ_g √|g|·‖w_g‖₂ to the loss (Yuan & Lin 2006; for nets Wen et al. 2016, "Learning Structured
 * Sparsity", eq. 2): pulls whole groups to 0 at the same pace, so that they can be removed. The gradient of a
 * group that is 0 is 0.
 *
 * With `threshold` the plugin prunes, at each firing of its schedule, the groups whose mean (or maximal) |w| is
 * at or below it; for good.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`, `unknown-name`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run } from '@espalier/core';
 * import { groupLasso } from '@espalier/regularizers';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [2], useBias: false })] });
 * model.setWeights([tf.tensor2d([[3, 0], [4, 1]])]);
 * const run = new Run(model);
 * const { session } = await run.start(groupLasso({ strength: 0.1, structure: 'columns' })); // norms 5 and 1, 2 weights each
 * const penalty = session.penalty().value.dataSync()[0];
 * if (Math.abs(penalty - 0.1 * Math.SQRT2 * 6) > 1e-6) throw new Error(String(penalty));
 * ```
 */
export function groupLasso(options: GroupLassoOptions): WeightPenalty {
  const { weighted = true, threshold } = options;
  const known = ['strength', 'structure', 'block', 'weighted', 'threshold', 'criterion'];
  checkOptions('groupLasso', options, known);
  checkPerParameter('groupLasso', 'strength', options.strength, strengthRange);
  checkStructure('groupLasso', options);
  checkThreshold('groupLasso', options);
  const term: Term = (norms, strength, { sizes, groups }) => {
    const ofGroup = (size: number): number => (weighted ? strength * Math.sqrt(size) : strength);
    if (weighted && typeof sizes !== 'number') {
      const factors = tf.tensor1d(sizes.map(ofGroup));
      return { value: tf.sum(tf.mul(norms, factors)), slopes: factors };
    }
    const factor = ofGroup(sizes as number);
    return { value: tf.mul(tf.sum(norms), factor), slopes: tf.fill([groups], factor) };
  };
  return weightPenalty('groupLasso', threshold !== undefined, (of) => ({
    penalty: normPenalty('groupLasso', options, of, term),
    masks: maskingOf('groupLasso', options, options, of),
  }));
}
