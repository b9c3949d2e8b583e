import { checkOptions, checkRange, type Pruner } from '@espalier/core';
import {
  checkStructured,
  type StructuredOptions,
  structuredOptions,
  structuredPruner,
} from './structured-pruner.js';
import { below } from './structures/choose.js';

/** Up to which score {@link structuredThreshold} prunes structures. */
export interface StructuredThresholdOptions extends StructuredOptions {
  /** Structures with a score up to this go, >= 0. */
  readonly threshold: number;
}

/**
 * Prunes every structure whose score is at most `threshold`, at every firing; the best one of each set stays.
 * With criterion `'l1'` the score is the mean magnitude, with `'max'` the largest one: after group lasso, say,
 * `{ criterion: 'max', threshold: 1e-4 }` takes what it has driven to zero.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`, `unknown-name`; when started: `refused`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run } from '@espalier/core';
 * import { structuredThreshold } from '@espalier/pruners-structured';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [3], useBias: false })] });
 * model.setWeights([tf.tensor2d([[1, 2], [0.1, -0.1], [-3, 0]])]);
 * const run = new Run(model);
 * await run.prune(structuredThreshold({ structure: 'rows', threshold: 0.2 }));
 * if (model.getWeights()[0].dataSync().join() !== '1,2,0,0,-3,0') throw new Error('unexpected');
 * ```
 */
export function structuredThreshold(options: StructuredThresholdOptions): Pruner {
  const owner = 'structuredThreshold';
  checkOptions(owner, options, ['threshold', ...structuredOptions]);
  checkRange(owner, 'threshold', options.threshold, 0, Number.MAX_VALUE);
  checkStructured(owner, options);
  return structuredPruner(owner, options, (ranked) => below(ranked, options.threshold));
}
