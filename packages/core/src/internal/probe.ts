import type * as tf from '@tensorflow/tfjs-core';
import { model as functionalModel, type LayersModel } from '@tensorflow/tfjs-layers';
import { unknownName } from '../errors.js';

const cache = new WeakMap<LayersModel, Map<string, LayersModel>>();

/** The part of a model that ends in a layer; it shares the model's weights. */
function upTo(model: LayersModel, name: string): LayersModel {
  const known = cache.get(model) ?? new Map<string, LayersModel>();
  cache.set(model, known);
  const ready = known.get(name);
  if (ready !== undefined) return ready;
  const layer = model.layers.find((l) => l.name === name);
  if (layer === undefined) {
    throw unknownName(
      'layer',
      name,
      model.layers.map((l) => l.name),
    );
  }
  const part = functionalModel({ inputs: model.inputs, outputs: layer.getOutputAt(0) });
  known.set(name, part);
  return part;
}

/** Reads a layer's output for one batch: a forward pass of its own, taken only when somebody asks. */
export function createProbe(
  model: LayersModel,
  inputs: tf.Tensor | tf.Tensor[],
): (layer: string) => tf.Tensor {
  return (layer) => upTo(model, layer).apply(inputs, { training: true }) as tf.Tensor;
}
