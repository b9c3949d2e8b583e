import * as tf from '@tensorflow/tfjs-core';

type Call = (this: object, inputs: tf.Tensor | tf.Tensor[], kwargs: Record<string, unknown>) => unknown;

/**
 * The prototype of a class of TF.js's layers, by the name it is saved under: one of those that can be loaded; undefined where
 * `@tensorflow/tfjs-layers` is not there yet.
 */
export function classOf<Class>(className: string): Class | undefined {
  const [found] = tf.serialization.SerializationMap.getMap().classNameMap[className] ?? [];
  return found?.prototype as Class | undefined;
}

/**
 * Puts a faster forward pass before that of a layer's class of TF.js. `make` returns undefined for what is left to TF.js's.
 * It is not asked inside of a gradient that is itself differentiated: kernels of ours have no second gradient.
 */
export function replaceCall<Layer>(
  className: string,
  make: (layer: Layer, x: tf.Tensor, kwargs: Record<string, unknown>) => tf.Tensor | undefined,
): void {
  const prototype = classOf<{ call: Call }>(className);
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
