import { checkOptions, checkPerParameter, type PerParameter } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { knownPenalty } from './internal/known.js';
import { strengthRange, strengthsOf } from './internal/strength.js';
import { type WeightPenalty, weightPenalty } from './penalty.js';
import { checkThreshold, maskingOf, type ThresholdOptions } from './threshold.js';

/** How strongly {@link l1} and {@link l2} pull on each weight. */
export interface ElementOptions extends ThresholdOptions {
  /** λ >= 0; a function is asked at every step. */
  readonly strength: PerParameter<number>;
}

/** f and f' of a penalty λ·Σf(w). */
interface Penalty {
  /** Σf(w). */
  sum(w: tf.Tensor): tf.Tensor;
  /** λ·f'(w). */
  gradient(w: tf.Tensor, strength: number): tf.Tensor;
}

function elementWise(name: string, options: ElementOptions, { sum, gradient }: Penalty): WeightPenalty {
  checkOptions(name, options, ['strength', 'threshold']);
  checkPerParameter(name, 'strength', options.strength, strengthRange);
  checkThreshold(name, options);
  return weightPenalty(name, options.threshold !== undefined, (of) => {
    const strengths = strengthsOf(name, options.strength, of);
    return {
      penalty(at) {
        const now = [...strengths(at)];
        return knownPenalty(of, () => ({
          terms: now.map(([{ variable }, strength]) => tf.mul(sum(variable), strength)),
          gradients: now.map(([{ variable }, strength]) => gradient(variable, strength)),
        }));
      },
      masks: maskingOf(name, { structure: 'elements' }, options, of),
    };
  });
}

/**
 * Adds λ·Σ|w| to the loss (Tibshirani 1996): pulls each weight to 0 at the same pace. Its gradient λ·sign(w)
 * is 0 at w = 0. No weight becomes exactly 0 by it alone: give `threshold`, or prune afterwards.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`, `unknown-name`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run } from '@espalier/core';
 * import { l1 } from '@espalier/regularizers';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [1], useBias: false })] });
 * model.setWeights([tf.tensor2d([[3, -4]])]);
 * const run = new Run(model);
 * const { session } = await run.start(l1({ strength: 0.5 }));
 * const penalty = session.penalty().value.dataSync()[0];
 * if (penalty !== 3.5) throw new Error(String(penalty));
 * ```
 */
export function l1(options: ElementOptions): WeightPenalty {
  return elementWise('l1', options, {
    sum: (w) => tf.sum(tf.abs(w)),
    gradient: (w, strength) => tf.mul(tf.sign(w), strength),
  });
}

/**
 * Adds λ·Σw² to the loss (gradient 2·λ·w, as TF.js's own `regularizers.l2`; torch's weight decay d is λ = d/2).
 *
 * @throws EspalierError `unknown-option`, `invalid-option`, `unknown-name`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run } from '@espalier/core';
 * import { l2 } from '@espalier/regularizers';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [1], useBias: false })] });
 * model.setWeights([tf.tensor2d([[3, -4]])]);
 * const run = new Run(model);
 * const { session } = await run.start(l2({ strength: 0.5 }));
 * const penalty = session.penalty().value.dataSync()[0];
 * if (penalty !== 12.5) throw new Error(String(penalty));
 * ```
 */
export function l2(options: ElementOptions): WeightPenalty {
  return elementWise('l2', options, {
    sum: (w) => tf.sum(tf.square(w)),
    gradient: (w, strength) => tf.mul(w, 2 * strength),
  });
}
