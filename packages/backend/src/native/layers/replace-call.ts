import * as tf from '@tensorflow/tfjs-core';

type Call = (this: object, inputs: tf.Tensor | tf.Tensor[], kwargs: Record<string, unknown>) => unknown;

/**
 * Puts a faster forward pass before that of a layer's class of TF.js, which is looked up among those that can be loaded;
 * where `@tensorflow/tfjs-layers` is not there yet, nothing is done. `make` returns undefined for what is left to TF.js's.
 * It is not asked inside of a gradient that is itself differentiated: kernels of ours have no second gradient.
 */
export function replaceCall<Layer>(
  className: string,
  make: (layer: Layer, x: tf.Tensor, kwargs: Record<string, unknown>) => tf.Tensor | undefined,
): void {
  const [found] = tf.serialization.SerializationMap.getMap().classNameMap[className] ?? [];
  const prototype = found?.prototype as { call: Call } | undefined;
  if (!prototype || replaced.has(prototype.call)) return;
  const stock = prototype.call;
  prototype.call = function (inputs, kwargs) {
    const [x, ...others] = Array.isArray(inputs) ? inputs : [inputs];
    if (others.length > 0 || tf.engine().state.gradientDepth > 1) return stock.call(this, inputs, kwargs);
    return tf.tidy(() => make(this as Layer, x, kwargs ?? {})) ?? stock.call(this, inputs, kwargs);
  };
  replaced.add(prototype.call);
}

const replaced = new WeakSet<Call>();
