import {
  agpSparsity,
  checkOptions,
  checkPerParameter,
  checkRange,
  type PerParameter,
  type Pruner,
  perParameter,
} from '@espalier/core';
import { checkRanking, type RankingOptions, rankedPruner, rankingOptions } from './ranked.js';

/** From where to where {@link agp} goes, and how fast. */
export interface AgpOptions extends RankingOptions {
  /** Sparsity at the first firing, in [0, 1]. Default 0. */
  readonly initial?: number;
  /** Sparsity at the last firing, in [0, 1]; the same for tensors that are ranked together. */
  readonly final: PerParameter<number>;
  /** Exponent of the approach, > 0. Default 3; 1 is linear. */
  readonly power?: number;
}

/**
 * Automated gradual pruning (Zhu & Gupta 2017): raises the sparsity from `initial` to `final` along a cubic
 * curve (`agpSparsity` of `@espalier/core`), fast while there is much to spare and slower towards the end; training
 * goes on in between. The final sparsity is reached exactly at the schedule's last firing.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`, `unknown-name`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { once, Run } from '@espalier/core';
 * import { agp } from '@espalier/pruners';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 20, inputShape: [10], useBias: false })] });
 * const run = new Run(model);
 * const pruner = agp({ final: 0.8 });
 * const nonzero: number[] = [];
 * for (let index = 0; index < 3; index++) {
 *   await run.prune(pruner, undefined, { ...once(), index, count: 3 });
 *   nonzero.push((await run.counts()).nonzero);
 * }
 * if (nonzero.join() !== '200,60,40') throw new Error(nonzero.join()); // sparsity 0, 0.7, 0.8
 * ```
 */
export function agp(options: AgpOptions): Pruner {
  const { initial = 0, final, power = 3 } = options;
  checkOptions('agp', options, ['initial', 'final', 'power', ...rankingOptions]);
  checkRange('agp', 'initial', initial, 0, 1);
  checkPerParameter('agp', 'final', final, [0, 1]);
  checkRange('agp', 'power', power, Number.MIN_VALUE, Number.MAX_VALUE);
  checkRanking('agp', options);
  return rankedPruner('agp', options, (of, at) => {
    const finals = perParameter('agp', 'final', final, of, [0, 1], at);
    return new Map([...finals].map(([p, s]) => [p, agpSparsity(initial, s, power, at)]));
  });
}
