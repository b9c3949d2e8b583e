import type { StateArray } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { LayersModel, Sequential } from '@tensorflow/tfjs-layers';

/** A model as JSON and arrays. */
export interface ModelState {
  readonly sequential: boolean;
  readonly config: unknown;
}

/** The last argument asks for zeros in the place of initial weights, as `loadLayersModel` does. */
type FromConfig = { fromConfig(cls: unknown, config: unknown, custom: object, zeros: boolean): LayersModel };

/** The structure of a model, as JSON values. */
export function structureOf(model: LayersModel): ModelState {
  const config = JSON.parse(JSON.stringify(model.getConfig())) as unknown;
  return { sequential: model.getClassName() === 'Sequential', config };
}

/** A model of that structure, its weights to be set. */
export function modelFrom({ sequential, config }: ModelState): LayersModel {
  const Class = sequential ? Sequential : LayersModel;
  return (Class as unknown as FromConfig).fromConfig(Class, config, {}, true);
}

/** A copy of a model that shares nothing with it. */
export function copyModel(model: LayersModel): LayersModel {
  const copy = modelFrom(structureOf(model));
  copy.setWeights(model.getWeights());
  return copy;
}

/** Puts such weights back. */
export function setWeights(model: LayersModel, arrays: Readonly<Record<string, StateArray>>): void {
  tf.tidy(() =>
    model.setWeights(model.getWeights().map((w, i) => tf.tensor(arrays[String(i)] as Float32Array, w.shape))),
  );
}
