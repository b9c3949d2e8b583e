import type * as tf from '@tensorflow/tfjs-core';
import { model as functionalModel, type LayersModel, type SymbolicTensor } from '@tensorflow/tfjs-layers';

/**
 * What a model's tensors are for inputs, at inference, in the order given. One that is asked for twice is there twice:
 * TF.js's own models give nothing for it.
 */
export function probe(
  model: LayersModel,
  tensors: readonly SymbolicTensor[],
): (inputs: tf.Tensor | tf.Tensor[]) => tf.Tensor[] {
  const own = [...new Set(tensors)];
  const inner = functionalModel({ inputs: model.inputs, outputs: own });
  return (inputs) => {
    const values = [inner.apply(inputs, { training: false })].flat() as tf.Tensor[];
    return tensors.map((tensor) => values[own.indexOf(tensor)]);
  };
}
