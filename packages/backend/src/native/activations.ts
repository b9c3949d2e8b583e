import * as tf from '@tensorflow/tfjs-core';
import { registerActivationGradients } from '../activation-gradients.js';
import { attributes, nativeBackend } from './ops.js';

/** TensorFlow's op for each gradient, and whether it takes the saved tensor second. */
const OPS: Readonly<Record<string, { gradientFirst: boolean }>> = {
  ReluGrad: { gradientFirst: true },
  Relu6Grad: { gradientFirst: true },
  SigmoidGrad: { gradientFirst: false },
  TanhGrad: { gradientFirst: false },
};

/**
 * Makes the gradients of Relu, Relu6, Sigmoid and Tanh one op each on the native backend. (TF.js computes relu's as
 * `dy * step(x)`, and `step` there is six ops: 8 ms instead of 0.2 for 128 x 24 x 24 x 20 values.) Safe to call again.
 */
export function registerActivations(): void {
  for (const [op, { gradientFirst }] of Object.entries(OPS)) {
    if (tf.getKernel(op, 'tensorflow')) continue;
    tf.registerKernel({
      kernelName: op,
      backendName: 'tensorflow',
      kernelFunc: ({ inputs }) => {
        const backend = nativeBackend();
        const { dy, saved } = inputs as { dy: tf.TensorInfo; saved: tf.TensorInfo };
        const order = gradientFirst ? [dy, saved] : [saved, dy];
        return backend.executeSingleOutput(op, [attributes(backend.binding).type('T', 'float32')], order);
      },
    });
  }
  registerActivationGradients();
}
