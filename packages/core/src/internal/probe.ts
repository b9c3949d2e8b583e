import * as tf from '@tensorflow/tfjs-core';
import { model as functionalModel, type LayersModel } from '@tensorflow/tfjs-layers';
import { unknownName } from '../errors.js';
import { parametersOf } from '../parameters.js';

interface Parts {
  readonly byLayer: Map<string, LayersModel>;
  /** What a forward pass in training mode moves: the running means and variances of batch normalisation. */
  readonly statistics: readonly tf.Variable[];
}

const cache = new WeakMap<LayersModel, Parts>();

function partsOf(model: LayersModel): Parts {
  const known = cache.get(model);
  if (known !== undefined) return known;
  const statistics = parametersOf(model).flatMap((p) => (p.role === 'statistic' ? [p.variable] : []));
  const parts = { byLayer: new Map<string, LayersModel>(), statistics };
  cache.set(model, parts);
  return parts;
}

/** The part of a model that ends in a layer; it shares the model's weights. */
function upTo(model: LayersModel, name: string): LayersModel {
  const { byLayer } = partsOf(model);
  const ready = byLayer.get(name);
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
  byLayer.set(name, part);
  return part;
}

/**
 * Reads a layer's output for one batch: a forward pass of its own, taken only when somebody asks. Runs inside
 * a tidy.
 */
export function createProbe(
  model: LayersModel,
  inputs: tf.Tensor | tf.Tensor[],
): (layer: string) => tf.Tensor {
  return (layer) => {
    const part = upTo(model, layer);
    const { statistics } = partsOf(model);
    const before = statistics.map((variable) => tf.clone(variable));
    const output = part.apply(inputs, { training: true }) as tf.Tensor;
    // Looking must not change: the batch has been counted by the step itself, or will be.
    for (const [i, variable] of statistics.entries()) variable.assign(before[i]);
    return output;
  };
}
