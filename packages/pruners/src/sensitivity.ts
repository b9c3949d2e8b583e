import {
  checkOptions,
  checkPerParameter,
  EspalierError,
  type Moment,
  type Of,
  once,
  type Parameter,
  type Pruner,
  unknownName,
} from '@espalier/core';
import { distribution } from './internal/moments.js';
import { thresholdPruner } from './internal/threshold.js';
import { type PerParameter, perParameter } from './per-parameter.js';

export interface SensitivityOptions {
  /** s >= 0: the threshold is s·σ of the tensor. About 0.25 for a first layer, up to 1 for large dense ones. */
  readonly sensitivity: PerParameter<number>;
  /**
   * When σ is measured. `'once'` (default): at the first firing, on all weights of the tensor; it is saved
   * with the run. `'always'`: at every firing, on the weights that survive (Han et al. 2015).
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
 * new Run(model).prune(sensitivity({ sensitivity: { '**': 0.5 } }));
 * if (model.getWeights()[0].dataSync().join() !== '0,0,3,-3') throw new Error('unexpected');
 * ```
 */
export function sensitivity(options: SensitivityOptions): Pruner {
  const { measure = 'once' } = options;
  const range = [0, Number.MAX_VALUE] as const;
  checkOptions('sensitivity', options, ['sensitivity', 'measure']);
  checkPerParameter('sensitivity', 'sensitivity', options.sensitivity, range);
  if (measure !== 'once' && measure !== 'always') {
    throw unknownName('measure', String(measure), ['once', 'always']);
  }
  let sigmas: Record<string, number> = {};
  const sigmaOf = (name: string, weights: Float32Array | undefined): number => {
    if (measure === 'always') return distribution(name, weights!, (w) => (w === 0 ? undefined : w)).deviation;
    sigmas[name] ??= distribution(name, weights!, (w) => w).deviation;
    return sigmas[name];
  };
  const valuesOf = (of: Of, at: Moment): Map<Parameter, number> =>
    perParameter('sensitivity', 'sensitivity', options.sensitivity, of, at, range);
  return thresholdPruner('sensitivity', {
    check: (of) => void valuesOf(of, once()),
    look: (of) => of.filter(({ name }) => measure === 'always' || sigmas[name] === undefined),
    find: (of, at, weights) =>
      new Map([...valuesOf(of, at)].map(([p, s]) => [p, s * sigmaOf(p.name, weights.get(p))])),
    memory: {
      forget() {
        sigmas = {};
      },
      save: () => ({ json: { sigmas } }),
      load({ json }) {
        const saved = (json as { sigmas?: Record<string, number> } | null)?.sigmas;
        if (saved === undefined)
          throw new EspalierError('bad-state', 'sensitivity: the saved state has no sigmas.');
        sigmas = { ...saved };
      },
    },
  });
}
