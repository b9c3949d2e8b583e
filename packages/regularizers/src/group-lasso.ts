import { checkOptions } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { checkGroups, type GroupOptions, groupNorms } from './groups.js';
import { checkStrength, type Strength } from './internal/strength.js';
import { checkThreshold, type GroupThresholdOptions, thresholding } from './internal/threshold.js';
import { type WeightedSet, weightedSets } from './internal/weighted-sets.js';
import type { WeightPenalty } from './penalty.js';

export interface GroupLassoOptions extends GroupOptions, GroupThresholdOptions {
  /** λ >= 0; the same for tensors that share groups. */
  readonly strength: Strength;
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
 * const plugin = groupLasso({ strength: 0.1, groups: 'columns' }); // norms 5 and 1, 2 weights each
 * const penalty = plugin.penalty(run.select()).dataSync()[0];
 * if (Math.abs(penalty - 0.1 * Math.SQRT2 * 6) > 1e-6) throw new Error(String(penalty));
 * ```
 */
export function groupLasso(options: GroupLassoOptions): WeightPenalty {
  const { weighted = true } = options;
  checkOptions('groupLasso', options, ['strength', 'groups', 'block', 'weighted', 'threshold', 'criterion']);
  checkStrength('groupLasso', options.strength);
  checkGroups('groupLasso', options);
  checkThreshold('groupLasso', options);
  const setsOf = weightedSets('groupLasso', options);
  const one = (set: WeightedSet): tf.Tensor => {
    const { sizes, strength } = set;
    const norms = groupNorms(set);
    if (!weighted) return tf.mul(tf.sum(norms), strength);
    if (typeof sizes === 'number') return tf.mul(tf.sum(norms), strength * Math.sqrt(sizes));
    return tf.sum(tf.mul(norms, tf.tensor1d(sizes.map((size) => strength * Math.sqrt(size)))));
  };
  return {
    name: 'groupLasso',
    check: (_, of) => void setsOf(of),
    start: (_, of) => void setsOf(of),
    penalty: (of) =>
      tf.tidy(() =>
        setsOf(of)
          .map(one)
          .reduce((a, b) => tf.add(a, b)),
      ) as tf.Scalar,
    ...thresholding('groupLasso', options, options),
  };
}
