import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Parameter } from '../parameter.js';
import { layersOf } from '../parameters.js';

/** The parts of TF.js layers and cells that its declarations hide. */
interface Ruled {
  readonly losses?: readonly (() => tf.Scalar)[];
  readonly cell?: Ruled;
  readonly cells?: readonly Ruled[];
}
interface Weight {
  readonly val: tf.Variable;
  readonly constraint?: { apply(w: tf.Tensor): tf.Tensor } | null;
}

function* lossesOf({ losses = [], cell, cells = [] }: Ruled): Generator<() => tf.Scalar> {
  yield* losses;
  if (cell !== undefined) yield* lossesOf(cell);
  for (const one of cells) yield* lossesOf(one);
}

/**
 * What the regularizers of a model's own layers add to the loss, each layer once. (`calculateLosses` of TF.js 4.22
 * says nothing for a sequential model, leaves out recurrent cells, and counts a shared layer per call.)
 */
export function regularizersOf(model: LayersModel): tf.Scalar[] {
  const all = layersOf(model).flatMap((layer) => [...lossesOf(layer as unknown as Ruled)]);
  return [...new Set(all)].map((loss) => loss());
}

/** Projects a weight to where its layer's constraint wants it; undefined without one. */
export function constraintOf({ layer, variable }: Parameter): ((w: tf.Tensor) => tf.Tensor) | undefined {
  const own = layer.weights as unknown as readonly Weight[];
  const constraint = own.find(({ val }) => val === variable)?.constraint;
  return constraint == null ? undefined : (w) => tf.tidy(() => constraint.apply(w));
}
