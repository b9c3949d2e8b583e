import type { ModelArtifacts } from '@espalier/codec';
import { disposeModel } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';
import { modelFrom } from './layers-model.js';
import type { Loaded } from './model.js';

/** @returns a LayersModel as it runs; `dispose` leaves no tensor of it, shared layers included */
export async function loadLayers(artifacts: ModelArtifacts): Promise<Loaded> {
  const model = await modelFrom(artifacts);
  return {
    inputs: model.inputs.map(({ name, shape, dtype }) => ({
      name,
      shape: shape.map((n) => (n === null || n < 0 ? -1 : n)),
      dtype,
    })),
    weights: new Map(model.weights.map((weight) => [weight.originalName, weight.read() as tf.Tensor])),
    before: [],
    waits: false,
    predict: (examples) => {
      const outputs = model.apply([...examples], { training: false }) as tf.Tensor | tf.Tensor[];
      return Array.isArray(outputs) ? outputs : [outputs];
    },
    dispose: () => disposeModel(model),
  };
}
