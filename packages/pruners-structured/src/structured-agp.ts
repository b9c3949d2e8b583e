import { agpSparsity, checkOptions, checkRange, type Pruner } from '@espalier/core';
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

/** From where to where {@link structuredAgp} goes, of which structures. */
export interface StructuredAgpOptions extends StructuredOptions, AmountOptions {
  /** Sparsity at the first firing, in [0, 1]. Default 0. */
  readonly initial?: number;
  /** Sparsity at the last firing, in [0, 1]; one structure at least stays. */
  readonly final: Sparsity;
  /** Exponent of the approach, > 0. Default 3; 1 is linear. */
  readonly power?: number;
}

/**
 * Automated gradual pruning of structures: raises the sparsity from `initial` to `final` by
 * s_f + (s_i - s_f)(1 - t)³, with t from 0 at the first firing to 1 at the last (Zhu & Gupta 2017, eq. 1),
 * while training goes on. Otherwise as `structuredLevel`.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`, `unknown-name`; when started: `refused`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { once, Run } from '@espalier/core';
 * import { structuredAgp, thinModel } from '@espalier/pruners-structured';
 * const model = tfl.sequential({
 *   layers: [
 *     tfl.layers.conv2d({ name: 'conv', filters: 10, kernelSize: 3, activation: 'relu', inputShape: [6, 6, 1] }),
 *     tfl.layers.flatten(),
 *     tfl.layers.dense({ name: 'fc', units: 2 }),
 *   ],
 * });
 * const run = new Run(model);
 * const pruner = structuredAgp({ structure: 'filters', final: 0.8 });
 * for (const index of [0, 1, 2]) await run.prune(pruner, 'conv/kernel', { ...once(), index, count: 3 });
 * const { model: small } = await thinModel(model);
 * if (small.countParams() !== 2 * 9 + 2 + 32 * 2 + 2) throw new Error(String(small.countParams()));
 * ```
 */
export function structuredAgp(options: StructuredAgpOptions): Pruner {
  const owner = 'structuredAgp';
  const { initial = 0, final, power = 3 } = options;
  checkOptions(owner, options, ['initial', 'final', 'power', ...amountOptions, ...structuredOptions]);
  checkRange(owner, 'initial', initial, 0, 1);
  checkSparsity(owner, 'final', final);
  checkRange(owner, 'power', power, Number.MIN_VALUE, Number.MAX_VALUE);
  checkAmount(owner, options);
  checkStructured(owner, options);
  return structuredPruner(owner, options, (ranked, of, at) =>
    choose(
      owner,
      ranked,
      amountOf(owner, options, final, of, (s) => agpSparsity(initial, s, power, at)),
    ),
  );
}
