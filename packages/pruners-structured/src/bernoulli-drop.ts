import { agpSparsity, checkOptions, checkRange, type Noise } from '@espalier/core';
import { checkDrop, type DropOptions, dropOptions, dropPlugin } from './drop.js';
import { amountOf, checkSparsity, type Sparsity } from './sparsity.js';
import { checkStructure, structureOptions } from './structures/resolve.js';

/** How likely {@link bernoulliDrop} drops a structure, and of which tensors. */
export interface BernoulliDropOptions extends DropOptions {
  /** Probability with which each structure is dropped in a step, in [0, 1]; at the schedule's end. */
  readonly rate: Sparsity;
  /** Probability at the schedule's start. Default: `rate`. */
  readonly initial?: number;
  /** Exponent of the way from `initial` to `rate`, > 0. Default 3, as in `structuredAgp`. */
  readonly power?: number;
}

/**
 * Drops structures at random while training: in each step every one with the same probability, each by itself;
 * one at least stays. Nothing is pruned: the weights, every evaluation and every checkpoint are those of the
 * whole model.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`, `unknown-name`; when started: `refused`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { once, Run } from '@espalier/core';
 * import { bernoulliDrop } from '@espalier/pruners-structured';
 * const model = tfl.sequential({
 *   layers: [
 *     tfl.layers.dense({ name: 'a', units: 100, inputShape: [4] }),
 *     tfl.layers.dense({ name: 'b', units: 1, useBias: false }),
 *   ],
 * });
 * const run = new Run(model, { seed: 1 });
 * const drop = bernoulliDrop({ structure: 'units', rate: 0.4 });
 * const { session } = await run.start(drop, { parameters: 'a/kernel' });
 * const noise = session.noise(once()).get(run.parameter('b/kernel'))!.dataSync();
 * const kept = noise.filter((n) => n > 0).length;
 * if (kept < 40 || kept > 80 || Math.abs(Math.max(...noise) - 100 / kept) > 1e-5) throw new Error(`${kept}`);
 * ```
 */
export function bernoulliDrop(options: BernoulliDropOptions): Noise {
  const owner = 'bernoulliDrop';
  const { rate, initial, power = 3 } = options;
  checkOptions(owner, options, ['rate', 'initial', 'power', ...dropOptions, ...structureOptions]);
  checkSparsity(owner, 'rate', rate);
  if (initial !== undefined) checkRange(owner, 'initial', initial, 0, 1);
  checkRange(owner, 'power', power, Number.MIN_VALUE, Number.MAX_VALUE);
  checkDrop(owner, options);
  checkStructure(owner, options);
  return dropPlugin(owner, options, (set, random, of, at) => {
    const now = amountOf(owner, {}, rate, of, (r) => agpSparsity(initial ?? r, r, power, at)).sparsity(set);
    const kept = Uint8Array.from({ length: set.size }, () => (random() < now ? 0 : 1));
    if (!kept.includes(1)) kept[0] = 1;
    return { kept, count: kept.reduce((a, b) => a + b, 0) };
  });
}
