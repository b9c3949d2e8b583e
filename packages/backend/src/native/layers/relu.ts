import * as tf from '@tensorflow/tfjs-core';
import { classOf, replaceCall } from './replace-call.js';

/**
 * `reLU({ maxValue: 6 })` and the activation `relu6` by TensorFlow's op for it, one forward and one back instead of eleven.
 * Where a value is exactly 6 its gradient is 0, as in Keras; in TF.js it goes on.
 */
export function improveRelu(): void {
  const fits = (x: tf.Tensor): boolean =>
    x.dtype === 'float32' && tf.getKernel('Relu6Grad', tf.getBackend()) !== undefined;
  replaceCall<{ maxValue?: number }>('ReLU', ({ maxValue }, x) =>
    maxValue === 6 && fits(x) ? tf.relu6(x) : undefined,
  );
  const activation = classOf<{ apply(x: tf.Tensor): tf.Tensor }>('relu6');
  if (!activation || replaced.has(activation.apply)) return;
  const stock = activation.apply;
  activation.apply = (x) => (fits(x) ? tf.relu6(x) : stock(x));
  replaced.add(activation.apply);
}

const replaced = new WeakSet<object>();
