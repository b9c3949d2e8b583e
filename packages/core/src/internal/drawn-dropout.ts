import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { layersOf } from '../parameters.js';
import { perStep } from '../step-recorder.js';

/** What TF.js's declarations of a dropout layer hide. */
interface Dropout {
  readonly rate: number;
  readonly seed?: number;
  getNoiseShape(input: tf.Tensor): number[] | null;
  call(inputs: tf.Tensor | tf.Tensor[], kwargs: { readonly training?: boolean }): tf.Tensor;
}

/**
 * Lets the dropout layers of a model draw by `perStep`, so that a step can be replayed: the same numbers from the same seeds,
 * by the same ops, as TF.js has them. Returns what puts the layers back as they were.
 */
export function letDropoutBeReplayed(model: LayersModel): () => void {
  const layers = layersOf(model).filter(
    (layer) => /Dropout(1D)?$/.test(layer.getClassName()) && 'seed' in layer,
  );
  const undo = layers.map((layer) => draws(layer as unknown as Dropout));
  return () => {
    for (const back of undo) back();
  };
}

function draws(layer: Dropout): () => void {
  const { call } = layer;
  const own = Object.getOwnPropertyDescriptor(layer, 'call');
  layer.call = (inputs, kwargs) => {
    const { rate } = layer;
    if (kwargs?.training !== true || !(rate > 0 && rate < 1)) return call.call(layer, inputs, kwargs);
    return tf.tidy(() => {
      const x = Array.isArray(inputs) ? inputs[0] : inputs;
      const wanted = layer.getNoiseShape(x);
      const shape = x.shape.map((size, i) => wanted?.[i] ?? size);
      const keep = 1 - rate;
      const noise = perStep(() => uniform(shape, layer.seed), shape);
      return tf.mul(x, tf.div(tf.floor(tf.add(noise, keep)), keep));
    });
  };
  return () => {
    if (own === undefined) delete (layer as { call?: unknown }).call;
    else layer.call = call;
  };
}

/** The numbers of `tf.randomUniform`, which draws in JavaScript: nothing is computed on a device yet. */
function uniform(shape: readonly number[], seed: number | undefined): Float32Array {
  const drawn = tf.randomUniform([...shape], 0, 1, 'float32', seed);
  const values = drawn.dataSync() as Float32Array;
  drawn.dispose();
  return values;
}
