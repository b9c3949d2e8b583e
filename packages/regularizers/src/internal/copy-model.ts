import { disposeModel, type PluginState, type Read } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { LayersModel, Sequential } from '@tensorflow/tfjs-layers';

/** A model as JSON and arrays. */
interface ModelState {
  readonly sequential: boolean;
  readonly config: unknown;
}

/** The last argument asks for zeros in the place of initial weights, as `loadLayersModel` does. */
type FromConfig = { fromConfig(cls: unknown, config: unknown, custom: object, zeros: boolean): LayersModel };

/** The structure of a model, as JSON values. Its name, which TF.js counts up from model to model, is left out. */
function structureOf(model: LayersModel): ModelState {
  const config = { ...JSON.parse(JSON.stringify(model.getConfig())), name: 'teacher' } as unknown;
  return { sequential: model.getClassName() === 'Sequential', config };
}

/** A model of that structure, its weights to be set. */
function modelFrom({ sequential, config }: ModelState): LayersModel {
  const Class = sequential ? Sequential : LayersModel;
  return (Class as unknown as FromConfig).fromConfig(Class, config, {}, true);
}

/** A copy of a model that shares nothing with it. */
export function copyModel(model: LayersModel): LayersModel {
  const copy = modelFrom(structureOf(model));
  copy.setWeights(model.getWeights());
  return copy;
}

/** A model's structure and weights, as a session saves them. */
export function savedModel(model: LayersModel, read: Read): PluginState | Promise<PluginState> {
  return read(
    () => model.getWeights(),
    (numbers) => ({
      json: structureOf(model),
      arrays: Object.fromEntries(numbers.map((values, i) => [String(i), values])),
    }),
  );
}

/** The model of such a state, which is new. Throws where it is none. */
export function loadedModel({ json, arrays = {} }: PluginState): LayersModel {
  const model = modelFrom(json as ModelState);
  try {
    tf.tidy(() =>
      model.setWeights(
        model.getWeights().map((w, i) => tf.tensor(arrays[String(i)] as Float32Array, w.shape)),
      ),
    );
    return model;
  } catch (error) {
    disposeModel(model);
    throw error;
  }
}
