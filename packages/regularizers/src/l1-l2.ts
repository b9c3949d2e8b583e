import { checkOptions, type Of, type Parameter } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { checkStrength, type Strength, strengths } from './internal/strength.js';
import { checkThreshold, type ThresholdOptions, thresholding } from './internal/threshold.js';
import { withGradient } from './internal/with-gradient.js';
import type { WeightPenalty } from './penalty.js';

export interface ElementOptions extends ThresholdOptions {
  /** λ >= 0. */
  readonly strength: Strength;
}

/** A penalty λ·f(w) with its own gradient λ·f'(w): fewer passes over the weights than automatic ones. */
interface Penalty {
  value(w: tf.Tensor): tf.Tensor;
  /** f'(w) times a scalar. */
  gradient(w: tf.Tensor, factor: tf.Tensor): tf.Tensor;
}

function elementWise(name: string, options: ElementOptions, penalty: Penalty): WeightPenalty {
  checkOptions(name, options, ['strength', 'threshold']);
  checkStrength(name, options.strength);
  checkThreshold(name, options);
  const strengthOf = strengths(name, options.strength);
  const one = ({ variable }: Parameter, strength: number): tf.Tensor =>
    withGradient(
      [variable],
      ([w]) => ({ value: tf.mul(penalty.value(w), strength), saved: [w] }),
      (dy, [w]) => [penalty.gradient(w, tf.mul(dy, strength))],
    );
  return {
    name,
    check: (_, of) => void strengthOf(of),
    start: (_, of) => void strengthOf(of),
    penalty: (of: Of) =>
      tf.tidy(() =>
        [...strengthOf(of)].map(([p, strength]) => one(p, strength)).reduce((a, b) => tf.add(a, b)),
      ) as tf.Scalar,
    ...thresholding(name, { groups: 'elements' }, options),
  };
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
 * const penalty = l1({ strength: 0.5 }).penalty(run.select()).dataSync()[0];
 * if (penalty !== 3.5) throw new Error(String(penalty));
 * ```
 */
export function l1(options: ElementOptions): WeightPenalty {
  return elementWise('l1', options, {
    value: (w) => tf.sum(tf.abs(w)),
    gradient: (w, factor) => tf.mul(tf.sign(w), factor),
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
 * const penalty = l2({ strength: 0.5 }).penalty(run.select()).dataSync()[0];
 * if (penalty !== 12.5) throw new Error(String(penalty));
 * ```
 */
export function l2(options: ElementOptions): WeightPenalty {
  return elementWise('l2', options, {
    value: (w) => tf.sum(tf.square(w)),
    gradient: (w, factor) => tf.mul(w, tf.mul(factor, 2)),
  });
}
