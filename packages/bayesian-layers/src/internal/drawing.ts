import type { RunState } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { drawDense, never } from './draw-dense.js';
import { drawOutputs, perExample } from './forward.js';
import { hasKernel } from './kernels.js';
import type { LayerPosterior } from './layer-posterior.js';
import type { Inner } from './linear.js';
import type { Stream } from './normal.js';

type Call = (inputs: tf.Tensor | tf.Tensor[], kwargs: { training?: boolean }) => tf.Tensor | tf.Tensor[];

/**
 * Lets a layer draw its outputs from its posterior until the returned function is called. Only passes of training do.
 * What is pruned does not vary.
 */
export function letDraw(posterior: LayerPosterior, run: RunState, draw: Stream): () => void {
  const { kernel, bias, logVariance } = posterior;
  const layer = kernel.layer as unknown as Inner & { call: Call };
  const plain = layer.call;
  const mask = run.mask(kernel);
  const biasMask = bias && run.mask(bias);
  const variance = tf.exp(posterior.bounded(logVariance));
  posterior.drawn = variance;
  const spread = mask === undefined ? variance : tf.mul(variance, mask);
  layer.call = (inputs, kwargs) => {
    if (!kwargs?.training) return plain.call(layer, inputs, kwargs);
    return tf.tidy(() => {
      const x = Array.isArray(inputs) ? inputs[0] : inputs;
      return layer.activation.apply(outputsOf(posterior, x, spread, biasMask, draw));
    });
  };
  return () => {
    // What shadowed the prototype's method goes; another plugin's stays.
    if (plain === Object.getPrototypeOf(layer).call) Reflect.deleteProperty(layer, 'call');
    else layer.call = plain;
  };
}

function outputsOf(
  posterior: LayerPosterior,
  x: tf.Tensor,
  variance: tf.Tensor,
  biasMask: tf.Tensor | undefined,
  draw: Stream,
): tf.Tensor {
  const { kernel, bias, scales, groups, linear, biasLogVariance } = posterior;
  const { side, count } = groups;
  const parts = { linear, side, mean: kernel.variable, variance, bias: bias?.variable };
  const logs = biasLogVariance && posterior.bounded(biasLogVariance);
  // Of rank 2 are the inputs of dense layers alone.
  if (x.rank === 2 && side === 'inputs' && scales.logRate && hasKernel('EspalierScaleNoise')) {
    const biasLogVariance =
      logs && biasMask ? tf.where(tf.cast(biasMask, 'bool'), logs, tf.fill(logs.shape, never)) : logs;
    return drawDense(x, { ...parts, biasLogVariance, logRate: scales.logRate }, draw.seed);
  }
  const z = scales.draw(perExample(x, count), draw);
  const own = logs && tf.exp(logs);
  return drawOutputs(x, z, { ...parts, biasVariance: own && biasMask ? tf.mul(own, biasMask) : own }, draw);
}
