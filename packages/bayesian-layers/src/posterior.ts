import { layersOf } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { groupIndices } from './groups.js';
import { type BayesianLayer, isBayesian, type Weight } from './layers/bayesian-layer.js';
import { productVariance } from './math/moments.js';
import { horseshoeRange, suggestThreshold } from './threshold.js';

/** What a layer has learned about its weights. */
export interface Posterior {
  readonly layer: string;
  /** One number per group: log α (normal-Jeffreys), or the negative log mode of the scale (horseshoe). */
  readonly rates: Float32Array;
  /** Groups at or above it should go, and how clear that is; see `suggestThreshold`. */
  readonly suggested: { readonly threshold: number; readonly clarity: number };
  /** The group of each element of the kernel, row-major. */
  readonly groups: Int32Array;
  /** E[w] and Var[w] of each element of the kernel, row-major. */
  readonly mean: Float32Array;
  readonly variance: Float32Array;
  /** E[b] of each bias, scaled where outputs are the groups; undefined without a bias. */
  readonly bias: Float32Array | undefined;
}

const scaleOf = ({ scale }: BayesianLayer): Record<string, tf.Tensor> =>
  Object.fromEntries(Object.entries(scale).map(([key, weight]: [string, Weight]) => [key, weight.val]));

/** The posterior of one layer. */
export function layerPosterior(layer: BayesianLayer): Posterior {
  const { scalePrior, groups, meanWeight, logVariance, biasWeight, prior } = layer;
  let found!: Posterior;
  tf.tidy(() => {
    const scale = scaleOf(layer);
    const z = scalePrior.moments(scale);
    const shaped = (x: tf.Tensor): tf.Tensor => tf.reshape(x, [...groups.broadcast]);
    const [zMean, zVariance] = [shaped(z.mean), shaped(z.variance)];
    const mean = meanWeight.val;
    const variance = tf.exp(logVariance.val);
    const total = productVariance({ mean, variance }, { mean: zMean, variance: zVariance });
    const read = (x: tf.Tensor): Float32Array => x.dataSync().slice() as Float32Array;
    const rates = read(scalePrior.rates(scale));
    const scaled = groups.side === 'outputs';
    found = {
      layer: layer.name,
      rates,
      suggested: suggestThreshold(rates, prior === 'horseshoe' ? horseshoeRange : undefined),
      groups: groupIndices(mean.shape, groups),
      mean: read(tf.mul(mean, zMean)),
      variance: read(total),
      bias: biasWeight ? read(scaled ? tf.mul(biasWeight.val, z.mean) : biasWeight.val) : undefined,
    };
  });
  return found;
}

/**
 * What the Bayesian layers of a model have learned about their weights, in the model's order.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { bayesianDense, posteriorOf } from '@espalier/bayesian-layers';
 * const layer = bayesianDense({ name: 'fc', units: 2, inputShape: [3], start: { scale: -5 } });
 * const [{ rates, mean }] = posteriorOf(tfl.sequential({ layers: [layer] }));
 * if (rates.length !== 3 || Math.abs(rates[0] + 5) > 1e-4 || mean.length !== 6) throw new Error(rates.join());
 * ```
 */
export function posteriorOf(model: LayersModel): Posterior[] {
  return layersOf(model).filter(isBayesian).map(layerPosterior);
}
