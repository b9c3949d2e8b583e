import {
  checkOptions,
  checkPerParameter,
  type Moment,
  type Of,
  once,
  type Parameter,
  type PerParameter,
  type Pruner,
  perParameter,
} from '@espalier/core';
import { thresholdPruner } from './internal/threshold.js';

/** Below what {@link magnitude} prunes. */
export interface MagnitudeOptions {
  /** Weights with |w| <= threshold go; >= 0. With 0, weights that are exactly 0 now stay 0 for good. */
  readonly threshold: PerParameter<number>;
}

/**
 * Prunes by a fixed threshold: keeps |w| > threshold at every firing. What is pruned stays pruned, so with a
 * schedule that fires often, weights that shrink below the threshold follow.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`, `unknown-name`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run } from '@espalier/core';
 * import { magnitude } from '@espalier/pruners';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [2], useBias: false })] });
 * model.setWeights([tf.tensor2d([[0.5, -2], [3, -0.25]])]);
 * await new Run(model).prune(magnitude({ threshold: 0.5 }));
 * if (model.getWeights()[0].dataSync().join() !== '0,-2,3,0') throw new Error('unexpected');
 * ```
 */
export function magnitude(options: MagnitudeOptions): Pruner {
  const range = [0, Number.MAX_VALUE] as const;
  checkOptions('magnitude', options, ['threshold']);
  checkPerParameter('magnitude', 'threshold', options.threshold, range);
  const thresholds = (of: Of, at: Moment): Map<Parameter, number> =>
    perParameter('magnitude', 'threshold', options.threshold, of, range, at);
  return thresholdPruner('magnitude', {
    check: (of) => void thresholds(of, once()),
    start: (of) => ({ find: (at) => thresholds(of, at) }),
  });
}
