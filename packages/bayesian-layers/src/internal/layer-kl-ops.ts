import type { KnownPenalty } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { type Factor, scalarOf } from './factor.js';
import { hasKernel, runKernel } from './kernels.js';
import { gradientsOf, type LayerParts } from './layer-parts.js';

const [sums, slopes] = ['EspalierPosteriorSums', 'EspalierPosteriorSlopes'];

/** Whether the backend has ops for a layer's KL: dense ones with groups on inputs. */
export function hasLayerOps({ groups, mean }: LayerParts): boolean {
  return mean.rank === 2 && groups.side === 'inputs' && hasKernel(sums);
}

/**
 * `layerKl` in ops of the backend that do many steps in one: half of it goes into calling ops, not into their work.
 * What is not there is empty.
 */
export function layerKlInOps(parts: LayerParts, factor: Factor): KnownPenalty {
  const { bias, scales, mean, logVariance } = parts;
  const empty = tf.zeros([0]);
  const most = tf.tensor1d([parts.most ?? Number.POSITIVE_INFINITY]);
  const variance =
    parts.drawn ?? tf.exp(parts.most === undefined ? logVariance : tf.minimum(logVariance, most));
  const mask = parts.mask ?? empty;
  const [energy, size, rest, ...biases] = runKernel(sums, {
    mean,
    variance,
    logVariance,
    mask,
    bias: bias?.mean ?? empty,
    biasLogVariance: bias?.logVariance ?? empty,
    biasMask: bias?.mask ?? empty,
    most,
  });
  const own = scales.kl({ energy, size });
  const f = scalarOf(factor);
  const small = [...(bias ? biases : []), ...own.gradients].map((gradient) => tf.mul(gradient, f));
  const inputs = { mean, variance, logVariance, mask, rate: own.rate, factor: f, most };
  return {
    value: tf.mul(tf.add(own.value, tf.reshape(rest, [])), f) as tf.Scalar,
    gradients: gradientsOf(parts, [...runKernel(slopes, inputs), ...small]),
  };
}
