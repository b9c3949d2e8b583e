import {
  checkOneOf,
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
import { measuredIn } from './internal/measured.js';
import { distribution } from './internal/moments.js';
import { thresholdPruner } from './internal/threshold.js';

/** Below which share of its spread {@link sensitivity} prunes a tensor. */
export interface SensitivityOptions {
  /** s >= 0: the threshold is s·σ of the tensor. About 0.25 for a first layer, up to 1 for large dense ones. */
  readonly sensitivity: PerParameter<number>;
  /**
   * When σ is measured. `'once'` (default): at the first firing, on all weights of the tensor; it is saved and
   * passes on to later stages. `'always'`: at every firing, on the weights that survive (Han et al. 2015).
   */
  readonly measure?: 'once' | 'always';
}

/**
 * Prunes weights with |w| <= s·σ, σ the standard deviation of the tensor's weights (Han et al. 2015,
 * "Learning both Weights and Connections"). With σ measured once, pruning goes on by itself while training
 * pulls weights towards 0. The sparsity that comes out is not known beforehand; see `level` for that.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`, `unknown-name`, `not-finite`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { Run } from '@espalier/core';
 * import { sensitivity } from '@espalier/pruners';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [2], useBias: false })] });
 * model.setWeights([tf.tensor2d([[1, -1], [3, -3]])]); // σ = 2.58
 * await new Run(model).prune(sensitivity({ sensitivity: { '**': 0.5 } }));
 * if (model.getWeights()[0].dataSync().join() !== '0,0,3,-3') throw new Error('unexpected');
 * ```
 */
export function sensitivity(options: SensitivityOptions): Pruner {
  const { measure = 'once' } = options;
  const range = [0, Number.MAX_VALUE] as const;
  checkOptions('sensitivity', options, ['sensitivity', 'measure']);
  checkPerParameter('sensitivity', 'sensitivity', options.sensitivity, range);
  checkOneOf('sensitivity', 'measure', measure, ['once', 'always']);
  const valuesOf = (of: Of, at: Moment): Map<Parameter, number> =>
    perParameter('sensitivity', 'sensitivity', options.sensitivity, of, range, at);
  const check = (of: Of): void => void valuesOf(of, once());
  if (measure === 'always') {
    const surviving = (w: number): number | undefined => (w === 0 ? undefined : w);
    return thresholdPruner('sensitivity', {
      check,
      start: (of) => ({
        look: () => of,
        find: (at, weights) =>
          new Map(
            [...valuesOf(of, at)].map(([p, s]) => [
              p,
              s * distribution(p.name, weights.get(p)!, surviving).deviation,
            ]),
          ),
      }),
    });
  }
  return thresholdPruner('sensitivity', {
    check,
    start(of, state) {
      const sigmas = measuredIn<number>('sensitivity', 'sigmas', state, Number.isFinite);
      return {
        look: () => of.filter(({ name }) => !sigmas.has(name)),
        find(at, weights) {
          for (const [{ name }, own] of weights)
            sigmas.set(name, distribution(name, own, (w) => w).deviation);
          return new Map([...valuesOf(of, at)].map(([p, s]) => [p, s * sigmas.get(p.name)!]));
        },
        save: () => ({ json: { sigmas: Object.fromEntries(sigmas) } }),
      };
    },
  });
}
