import * as tf from '@tensorflow/tfjs-core';
import { hasKernel, runKernel } from './kernels.js';
import type { LayerParts } from './layer-kl.js';

const [sums, slopes] = ['EspalierPosteriorSums', 'EspalierPosteriorSlopes'];

/** Whether the backend has ops for a layer's KL: dense ones with groups on inputs. */
export function hasLayerOps({ groups, mean }: LayerParts): boolean {
  return mean.rank === 2 && groups.side === 'inputs' && hasKernel(sums);
}

/**
 * `layerKl` in ops of the backend that do many steps in one: half of it goes into calling ops, not into their work.
 * What is not there is empty.
 */
export function layerKlInOps(parts: LayerParts, factor: number): tf.Scalar {
  const { bias, scales, alive, mean, logVariance } = parts;
  const variables = [mean, logVariance, ...(bias ? [bias.mean, bias.logVariance] : [])];
  const compute = tf.customGrad((...args) => {
    const save = args.pop() as unknown as (tensors: tf.Tensor[]) => void;
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
    const own = scales.kl({ energy, size: alive === undefined ? size : tf.mul(size, alive) });
    save([variance, mask, own.rate, most, ...(bias ? biases : []), ...own.gradients]);
    return {
      value: tf.mul(tf.add(own.value, tf.reshape(rest, [])), factor),
      gradFunc: (dy: tf.Tensor, [spread, kept, rate, limit, ...small]: tf.Tensor[]) => {
        const f = tf.mul(dy, factor);
        const inputs = { mean, variance: spread, logVariance, mask: kept, rate, factor: f, most: limit };
        return [...runKernel(slopes, inputs), ...small.map((gradient) => tf.mul(gradient, f))];
      },
    };
  });
  return compute(...variables, ...Object.values(scales.variables)) as tf.Scalar;
}
