import type * as tf from '@tensorflow/tfjs-core';
import type { LayersModel, layers } from '@tensorflow/tfjs-layers';

/** The parts of TF.js layers that hold states between batches, or layers that do. */
interface Holder {
  readonly layers?: readonly layers.Layer[];
  readonly layer?: layers.Layer;
  readonly forwardLayer?: layers.Layer;
  readonly backwardLayer?: layers.Layer;
  readonly states_?: readonly tf.Tensor[] | null;
  readonly keptStates?: readonly (readonly tf.Tensor[])[];
}

/** What stateful recurrent layers remember. */
function statesOf(layer: layers.Layer): tf.Tensor[] {
  const holder = layer as unknown as Holder;
  const {
    layers: inner = [],
    layer: wrapped,
    forwardLayer,
    backwardLayer,
    states_,
    keptStates = [],
  } = holder;
  const below = [...inner, wrapped, forwardLayer, backwardLayer].filter((own) => own !== undefined);
  return [...(states_ ?? []), ...keptStates.flat(), ...below.flatMap(statesOf)];
}

/**
 * Frees a model, all its weights and what its layers remember. TF.js 4.22 counts a layer once for each use: `model.dispose()`
 * alone leaves the weights of layers that are used twice, and the states of recurrent ones.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { disposeModel } from '@espalier/core';
 * const before = tf.memory().numTensors;
 * const x = tfl.input({ shape: [3] });
 * const twice = tfl.layers.dense({ units: 3 });
 * const y = twice.apply(twice.apply(x)) as tfl.SymbolicTensor;
 * disposeModel(tfl.model({ inputs: x, outputs: y }));
 * if (tf.memory().numTensors !== before) throw new Error('some are left');
 * ```
 */
export function disposeModel(model: LayersModel): void {
  const weights = model.weights.map((weight) => weight.read() as tf.Tensor);
  const tensors = [...weights, ...model.layers.flatMap(statesOf)];
  model.dispose();
  for (const tensor of tensors) if (!tensor.isDisposed) tensor.dispose();
}
