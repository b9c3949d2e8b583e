import { EspalierError, layersOf } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { isBayesian } from './layers/bayesian-layer.js';

/**
 * KL divergence of the posterior over all weights of a model's Bayesian layers from their prior, in nats. Divided
 * by the number of training examples it belongs to the mean loss of a batch; then both together are the negative
 * evidence lower bound, per example.
 *
 * @returns A scalar; differentiable.
 * @throws EspalierError `unsupported-layer` when no layer is Bayesian
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { bayesianDense, klDivergence } from '@espalier/bayesian-layers';
 * const model = tfl.sequential({ layers: [bayesianDense({ units: 2, inputShape: [3] })] });
 * if (!(klDivergence(model).dataSync()[0] > 0)) throw new Error('unexpected');
 * ```
 */
export function klDivergence(model: LayersModel): tf.Scalar {
  const found = layersOf(model).filter(isBayesian);
  if (found.length === 0) {
    throw new EspalierError('unsupported-layer', `No layer of ${model.name} is Bayesian.`, {
      remedy: 'Turn it into its Bayesian twin: await fromLayersModel(model).',
    });
  }
  return tf.tidy(() => tf.addN(found.map((layer) => layer.klDivergence())) as tf.Scalar);
}
