import {
  checkOneOf,
  checkOptions,
  checkPerParameter,
  checkRange,
  EspalierError,
  type Moment,
  type Of,
  once,
  type Parameter,
  type PerParameter,
  type Pruner,
  perParameter,
} from '@espalier/core';
import { measuredIn } from './internal/measured.js';
import { thresholdPruner } from './internal/threshold.js';

/** How the threshold of {@link baiduRnn} grows: one of `q` and `quantile`. */
export interface BaiduRnnOptions {
  /** The threshold reached at the end, >= 0. Give this or `quantile`. */
  readonly q?: PerParameter<number>;
  /**
   * Takes as `q` this quantile of the tensor's |w|, in [0, 1], measured at the first firing; it is saved and
   * passes on to later stages. Narang et al. take 0.9, of a net trained dense.
   */
  readonly quantile?: PerParameter<number>;
  /** Epochs after the start at which the threshold begins to rise faster. Default: half the schedule. */
  readonly rampOffset?: number;
  /** How many times faster, > 0. Default 1.5. */
  readonly rampSlope?: number;
  /**
   * `'distiller'`: Distiller's thresholds, which count epochs from 1 in both branches (a jump at the ramp)
   * and reach `q` only with a slope of 1.5.
   */
  readonly compat?: 'distiller';
}

/**
 * The threshold of the Baidu RNN pruner at a moment: rises from 0 at the first firing to `q` at the last, and
 * `slope` times faster after the ramp (Narang et al. 2017, "Exploring Sparsity in Recurrent Neural Networks",
 * algorithm 1, without its dependence on the step size).
 *
 * @param rampOffset - Epochs from the schedule's start to the ramp.
 *
 * @example
 * ```ts
 * import { baiduThreshold } from '@espalier/pruners';
 * const at = (index: number) => ({ epoch: index, step: index, stepsPerEpoch: 1, start: 0, end: 11, every: 1, count: 11, index });
 * const thresholds = [0, 5, 10].map((index) => baiduThreshold(1, 5, 3, at(index)));
 * if (thresholds.join() !== '0,0.25,1') throw new Error(thresholds.join());
 * ```
 */
export function baiduThreshold(q: number, rampOffset: number | undefined, slope: number, at: Moment): number {
  if (at.count === 1) return q;
  const last = (at.count - 1) * at.every;
  const ramp = rampOffset ?? last / 2;
  const height = (t: number): number => Math.min(t, ramp) + slope * Math.max(0, t - ramp);
  return (q * height(at.index * at.every)) / height(last);
}

/** Distiller's `BaiduRNNPruner`: θ = 2qf / (2(R-start) + 3(end-R)), then θ and φ = slope·θ per period f. */
function distillerThreshold(q: number, rampOffset: number, slope: number, at: Moment): number {
  const { epoch, start, end, every } = at;
  const ramp = start + rampOffset;
  const theta = (2 * q * every) / (2 * (ramp - start) + 3 * (end - ramp));
  if (epoch < ramp) return (theta * (epoch - start + 1)) / every;
  return (theta * (ramp - start + 1) + slope * theta * (epoch - ramp + 1)) / every;
}

/**
 * Prunes recurrent nets while they train: keeps |w| over a threshold that rises slowly, then faster (Narang
 * et al. 2017). Made for RNN, LSTM and GRU kernels, recurrent kernels and embeddings; works on any weight.
 *
 * @throws EspalierError `unknown-option`, `invalid-option`, `unknown-name`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { once, Run } from '@espalier/core';
 * import { baiduRnn } from '@espalier/pruners';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 4, inputShape: [1], useBias: false })] });
 * model.setWeights([tf.tensor2d([[0.1, 0.3, 0.5, 0.7]])]);
 * const run = new Run(model);
 * const pruner = baiduRnn({ q: 0.6, rampOffset: 1, rampSlope: 2 }); // thresholds 0, 0.2, 0.6
 * const sparsity: number[] = [];
 * for (let index = 0; index < 3; index++) {
 *   await run.prune(pruner, undefined, { ...once(), start: 0, end: 3, every: 1, epoch: index, index, count: 3 });
 *   sparsity.push(1 - (await run.counts()).nonzero / 4);
 * }
 * if (sparsity.join() !== '0,0.25,0.75') throw new Error(sparsity.join());
 * ```
 */
export function baiduRnn(options: BaiduRnnOptions): Pruner {
  const { q, quantile, rampOffset, rampSlope = 1.5, compat } = options;
  const range = [0, Number.MAX_VALUE] as const;
  checkOptions('baiduRnn', options, ['q', 'quantile', 'rampOffset', 'rampSlope', 'compat']);
  if ((q === undefined) === (quantile === undefined)) {
    throw new EspalierError(
      'invalid-option',
      `baiduRnn: ${q === undefined ? 'neither' : 'both'} q and quantile.`,
      {
        remedy: 'Give q, the last threshold, or quantile, the share of the weights below it.',
      },
    );
  }
  if (q !== undefined) checkPerParameter('baiduRnn', 'q', q, range);
  if (quantile !== undefined) checkPerParameter('baiduRnn', 'quantile', quantile, [0, 1]);
  if (rampOffset !== undefined) checkRange('baiduRnn', 'rampOffset', rampOffset, 0, Number.MAX_VALUE);
  checkRange('baiduRnn', 'rampSlope', rampSlope, Number.MIN_VALUE, Number.MAX_VALUE);
  if (compat !== undefined) checkOneOf('baiduRnn', 'compat', compat, ['distiller']);
  const thresholdAt = (final: number, at: Moment): number | undefined =>
    (compat === 'distiller'
      ? distillerThreshold(final, rampOffset ?? (at.end - at.start) / 2, rampSlope, at)
      : baiduThreshold(final, rampOffset, rampSlope, at)) || undefined;
  const settings = (of: Of, at: Moment): Map<Parameter, number> =>
    q === undefined
      ? perParameter('baiduRnn', 'quantile', quantile!, of, [0, 1], at)
      : perParameter('baiduRnn', 'q', q, of, range, at);
  const check = (of: Of): void => void settings(of, once());
  if (quantile === undefined) {
    return thresholdPruner('baiduRnn', {
      check,
      start: (of) => ({
        find: (at) => new Map([...settings(of, at)].map(([p, final]) => [p, thresholdAt(final, at)])),
      }),
    });
  }
  return thresholdPruner('baiduRnn', {
    check,
    start(of, state) {
      const measured = measuredIn<number>('baiduRnn', 'q', state, Number.isFinite);
      return {
        look: () => of.filter(({ name }) => !measured.has(name)),
        find(at, weights) {
          const shares = settings(of, at);
          for (const [p, own] of weights) measured.set(p.name, quantileOf(own, shares.get(p)!));
          return new Map(of.map((p) => [p, thresholdAt(measured.get(p.name)!, at)]));
        },
        save: () => ({ json: { q: Object.fromEntries(measured) } }),
      };
    },
  });
}

/** The smallest of a tensor's |w| below or at which a share of them lies. */
function quantileOf(weights: Float32Array, share: number): number {
  const magnitudes = weights.map(Math.abs).sort();
  return share === 0 ? 0 : magnitudes[Math.ceil(share * magnitudes.length) - 1];
}
