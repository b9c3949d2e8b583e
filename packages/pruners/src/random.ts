import {
  checkOptions,
  checkPerParameter,
  type PerParameter,
  type Pruner,
  perParameter,
} from '@espalier/core';
import { checkRanking, type RankingOptions, rankedPruner, rankingOptions } from './ranked.js';

/** How much {@link random} prunes. */
export interface RandomOptions extends Omit<RankingOptions, 'criterion'> {
  /** Fraction of the weights to prune, in [0, 1]. */
  readonly sparsity: PerParameter<number>;
}

/**
 * Prunes weights at random to an exact sparsity: the baseline that every criterion has to beat. The same seed
 * prunes the same weights; a higher sparsity prunes those of a lower one and more.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`, `unknown-name`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run } from '@espalier/core';
 * import { random } from '@espalier/pruners';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 9, inputShape: [10], useBias: false })] });
 * const run = new Run(model);
 * await run.prune(random({ sparsity: 0.3, seed: 7 }));
 * if ((await run.counts()).nonzero !== 63) throw new Error('unexpected');
 * ```
 */
export function random(options: RandomOptions): Pruner {
  checkOptions(
    'random',
    options,
    ['sparsity', ...rankingOptions].filter((name) => name !== 'criterion'),
  );
  checkPerParameter('random', 'sparsity', options.sparsity, [0, 1]);
  const ranking: RankingOptions = { ...options, criterion: 'random' };
  checkRanking('random', ranking);
  return rankedPruner('random', ranking, (of, at) =>
    perParameter('random', 'sparsity', options.sparsity, of, [0, 1], at),
  );
}
