import { checkOptions, type Pruner } from '@espalier/core';
import {
  type AmountOptions,
  amountOf,
  amountOptions,
  checkAmount,
  checkSparsity,
  type Sparsity,
} from './sparsity.js';
import {
  checkStructured,
  type StructuredOptions,
  structuredOptions,
  structuredPruner,
} from './structured-pruner.js';
import { choose } from './structures/choose.js';

/** How many structures {@link structuredLevel} prunes, and which. */
export interface StructuredLevelOptions extends StructuredOptions, AmountOptions {
  /** Fraction of the structures to prune, in [0, 1]; one at least stays. */
  readonly sparsity: Sparsity;
}

/**
 * Prunes the least important structures to an exact sparsity at every firing: round(s·n) of n, halves to even,
 * ties by index, one at least stays. What is pruned stays pruned.
 *
 * Filters, units and channels take all that is tied to them along (see `dependencyGroups`): the kernels and
 * biases that make them, batch-norm scales and offsets, the state of recurrent units, and what reads them. The
 * sparsity is of the units that the model has when the schedule starts: after `thin` it is of those left.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`, `unknown-name`; when started: `refused`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run } from '@espalier/core';
 * import { structuredLevel } from '@espalier/pruners-structured';
 * const model = tfl.sequential({
 *   layers: [
 *     tfl.layers.dense({ name: 'a', units: 3, inputShape: [1], useBias: false }),
 *     tfl.layers.dense({ name: 'b', units: 1, useBias: false }),
 *   ],
 * });
 * model.setWeights([tf.tensor2d([[0.1, -2, 3]]), tf.tensor2d([[4], [5], [6]])]);
 * const run = new Run(model);
 * await run.prune(structuredLevel({ structure: 'units', sparsity: 1 / 3 }), 'a/kernel');
 * const [a, b] = model.getWeights().map((w) => w.dataSync().join());
 * if (a !== '0,-2,3' || b !== '0,5,6') throw new Error(`${a} ${b}`); // what reads unit 0 went with it
 * ```
 */
export function structuredLevel(options: StructuredLevelOptions): Pruner {
  const owner = 'structuredLevel';
  checkOptions(owner, options, ['sparsity', ...amountOptions, ...structuredOptions]);
  checkSparsity(owner, 'sparsity', options.sparsity);
  checkAmount(owner, options);
  checkStructured(owner, options);
  return structuredPruner(owner, options, (ranked, of) =>
    choose(
      owner,
      ranked,
      amountOf(owner, options, options.sparsity, of, (s) => s),
    ),
  );
}
