import type { layers } from '@tensorflow/tfjs-layers';
import { type BayesianLayer, bayesianClasses } from './bayesian-layer.js';
import type { BayesianOptions } from './options.js';

type Args<K extends 'dense' | 'conv1d' | 'conv2d' | 'conv3d' | 'depthwiseConv2d'> = Parameters<
  (typeof layers)[K]
>[0] &
  BayesianOptions;

function make(className: string, args: object): BayesianLayer {
  return new bayesianClasses[className](args as never) as unknown as BayesianLayer;
}

/**
 * A dense layer with a posterior over its weights: `layers.dense` of TF.js with {@link BayesianOptions} beside its
 * own. Training draws its outputs; inference takes their mean. The loss of a training loop needs
 * `klDivergence(model) / N`, N the number of training examples.
 *
 * @throws EspalierError `invalid-option`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { bayesianDense, klDivergence } from '@espalier/bayesian-layers';
 * const model = tfl.sequential({
 *   layers: [
 *     bayesianDense({ units: 8, inputShape: [4], activation: 'relu', seed: 1 }),
 *     bayesianDense({ units: 2, prior: 'horseshoe', seed: 2 }),
 *   ],
 * });
 * const x = tf.ones([3, 4]);
 * const optimizer = tf.train.adam(0.01);
 * const loss = () =>
 *   tf.tidy(() => {
 *     const y = model.apply(x, { training: true }) as tf.Tensor;
 *     return tf.add(tf.mean(tf.square(tf.sub(y, 1))), tf.div(klDivergence(model), 1000)) as tf.Scalar;
 *   });
 * const before = loss().dataSync()[0];
 * for (let i = 0; i < 20; i++) optimizer.minimize(loss);
 * if (!(loss().dataSync()[0] < before)) throw new Error('not trained');
 * ```
 */
export function bayesianDense(args: Args<'dense'>): BayesianLayer {
  return make('Dense', args);
}

/** As {@link bayesianDense}, for `layers.conv1d`. @throws EspalierError `invalid-option` */
export function bayesianConv1d(args: Args<'conv1d'>): BayesianLayer {
  return make('Conv1D', args);
}

/**
 * As {@link bayesianDense}, for `layers.conv2d`.
 *
 * @throws EspalierError `invalid-option`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import {
 *   bayesianConv1d,
 *   bayesianConv2d,
 *   bayesianConv3d,
 *   bayesianDepthwiseConv2d,
 *   layerPosterior,
 * } from '@espalier/bayesian-layers';
 * const kernel = { kernelSize: 3, seed: 1 };
 * const pictures = tfl.sequential({
 *   layers: [
 *     bayesianConv2d({ ...kernel, filters: 4, inputShape: [8, 8, 1] }),
 *     bayesianDepthwiseConv2d({ ...kernel, name: 'depthwise' }),
 *   ],
 * });
 * const signals = tfl.sequential({ layers: [bayesianConv1d({ ...kernel, filters: 4, inputShape: [16, 2] })] });
 * const volumes = tfl.sequential({ layers: [bayesianConv3d({ ...kernel, filters: 2, inputShape: [4, 4, 4, 1] })] });
 * const shapes = [pictures, signals, volumes].map(({ outputs }) => `${outputs[0].shape.slice(1)}`);
 * if (shapes.join(' ') !== '4,4,4 14,4 2,2,2,2') throw new Error(shapes.join(' '));
 * const { mean, variance } = layerPosterior(pictures.layers[0] as ReturnType<typeof bayesianConv2d>);
 * if (mean.length !== 36 || variance.some((v) => !(v > 0))) throw new Error('unexpected');
 * ```
 */
export function bayesianConv2d(args: Args<'conv2d'>): BayesianLayer {
  return make('Conv2D', args);
}

/** As {@link bayesianDense}, for `layers.conv3d`. @throws EspalierError `invalid-option` */
export function bayesianConv3d(args: Args<'conv3d'>): BayesianLayer {
  return make('Conv3D', args);
}

/** As {@link bayesianDense}, for `layers.depthwiseConv2d`. @throws EspalierError `invalid-option` */
export function bayesianDepthwiseConv2d(args: Args<'depthwiseConv2d'>): BayesianLayer {
  return make('DepthwiseConv2D', args);
}
