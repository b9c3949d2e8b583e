import * as tf from '@tensorflow/tfjs-core';
import type { Parts } from './forward.js';
import { runKernel } from './kernels.js';

type Matrix = tf.Tensor2D;

/** What {@link drawDense} draws from: a dense layer with groups on inputs, of scales around 1. */
export interface DenseParts extends Pick<Parts, 'mean' | 'variance' | 'bias'> {
  readonly biasLogVariance?: tf.Tensor | undefined;
  /** log α of the inputs' scales, [inputs]. */
  readonly logRate: tf.Tensor;
}

/** log σ² of what does not vary. */
export const never: number = -100;

/**
 * `drawOutputs` of a dense layer with groups on inputs, in ops of the backend that do many steps in one: half of such
 * a layer's time goes into calling ops, not into their work. x `[batch, inputs]`.
 *
 * @param seed - Gives another seed, [2] of int32, whenever it is called.
 */
export function drawDense(x: tf.Tensor, parts: DenseParts, seed: () => tf.Tensor): tf.Tensor {
  const { mean, variance, logRate } = parts;
  const units = mean.shape.slice(1);
  const { bias = tf.zeros(units), biasLogVariance = tf.fill(units, never) } = parts;
  const compute = tf.customGrad((...args) => {
    const save = args.pop() as unknown as (tensors: tf.Tensor[]) => void;
    const [scaled, squared, noise] = runKernel('EspalierScaleNoise', { x, logRate, seed: seed() });
    const [y, slope] = runKernel('EspalierOutputNoise', {
      mean: tf.matMul(scaled as Matrix, mean as Matrix),
      variance: tf.matMul(squared as Matrix, variance as Matrix),
      bias,
      biasLogVariance,
      seed: seed(),
    });
    save([x, logRate, mean, variance, biasLogVariance, scaled, squared, noise, slope]);
    return { value: y, gradFunc };
  });
  return compute(x, logRate, mean, variance, bias, biasLogVariance);
}

/** Gradients by x, log α, mean, variance, bias and its log-variance. */
function gradFunc(dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] {
  const [x, logRate, mean, variance, biasLogVariance, scaled, squared, noise, slope] = saved;
  const [dVariance, ...dBias] = runKernel('EspalierOutputNoiseGrad', { dy, slope, biasLogVariance });
  const [dx, dLogRate] = runKernel('EspalierScaleNoiseGrad', {
    dScaled: tf.matMul(dy as Matrix, mean as Matrix, false, true),
    dSquared: tf.matMul(dVariance as Matrix, variance as Matrix, false, true),
    x,
    logRate,
    noise,
  });
  const dMean = tf.matMul(scaled as Matrix, dy as Matrix, true);
  return [dx, dLogRate, dMean, tf.matMul(squared as Matrix, dVariance as Matrix, true), ...dBias];
}
