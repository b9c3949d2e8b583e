import {
  checkOptions,
  checkPerParameter,
  type PerParameter,
  type Pruner,
  perParameter,
} from '@espalier/core';
import { checkRanking, type RankingOptions, rankedPruner, rankingOptions } from './ranked.js';

/** How much {@link level} prunes, and by which scores. */
export interface LevelOptions extends RankingOptions {
  /** Fraction of the weights to prune, in [0, 1]; the same for tensors that are ranked together. */
  readonly sparsity: PerParameter<number>;
}

/**
 * Prunes the least important weights to an exact sparsity at every firing: round(s·n) of n weights, halves to
 * even, ties by index. What is pruned stays pruned.
 *
 * With a schedule that fires more than once, weights that have shrunk since are not added: the count is that
 * of the sparsity. Use `agp` to raise the sparsity over time.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`, `unknown-name`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run } from '@espalier/core';
 * import { level } from '@espalier/pruners';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [2], useBias: false })] });
 * model.setWeights([tf.tensor2d([[0.1, -2], [3, -0.4]])]);
 * const run = new Run(model);
 * await run.prune(level({ sparsity: 0.5 }));
 * if (model.getWeights()[0].dataSync().join() !== '0,-2,3,0') throw new Error('unexpected');
 * ```
 */
export function level(options: LevelOptions): Pruner {
  checkOptions('level', options, ['sparsity', ...rankingOptions]);
  checkPerParameter('level', 'sparsity', options.sparsity, [0, 1]);
  checkRanking('level', options);
  return rankedPruner('level', options, (of, at) =>
    perParameter('level', 'sparsity', options.sparsity, of, [0, 1], at),
  );
}
