import * as tf from '@tensorflow/tfjs-core';

/** The kernel that computes each activation's gradient from that of its result and from what TF.js saves. */
const KERNELS: Readonly<Record<string, string>> = {
  Relu: 'ReluGrad',
  Relu6: 'Relu6Grad',
  Sigmoid: 'SigmoidGrad',
  Tanh: 'TanhGrad',
};

/** Gradients registered here, not to be wrapped again. */
const ours = new WeakSet<tf.GradFunc>();

/**
 * Makes the gradients of Relu, Relu6, Sigmoid and Tanh one kernel each (`{ dy, saved }`) where the current backend has
 * it; others keep TF.js's, which are several ops. Safe to call again.
 */
export function registerActivationGradients(): void {
  for (const [activation, kernel] of Object.entries(KERNELS)) {
    const stock = tf.getGradient(activation);
    if (!stock || ours.has(stock.gradFunc)) continue;
    const gradFunc: tf.GradFunc = (dy, saved, attrs) => {
      const gradient = dy as tf.Tensor;
      const floats = gradient.dtype === 'float32' && saved[0].dtype === 'float32';
      if (!floats || !tf.getKernel(kernel, tf.getBackend())) return stock.gradFunc(dy, saved, attrs);
      return { x: () => tf.engine().runKernel(kernel, { dy: gradient, saved: saved[0] }) as tf.Tensor };
    };
    ours.add(gradFunc);
    tf.unregisterGradient(activation);
    tf.registerGradient({ ...stock, gradFunc });
  }
}
