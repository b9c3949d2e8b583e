import type * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/**
 * Frees a model and all its weights. TF.js 4.22 counts a layer once for each use: `model.dispose()` alone leaves the weights of
 * layers that are used twice.
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
  const tensors = model.weights.map((weight) => weight.read() as tf.Tensor);
  model.dispose();
  for (const tensor of tensors) if (!tensor.isDisposed) tensor.dispose();
}
