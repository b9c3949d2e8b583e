import * as tf from '@tensorflow/tfjs-core';
import { has, replaceGradient } from './gradients.js';

/** The kernel that computes each function's gradient from that of its result and from what TF.js saves. */
const KERNELS: Readonly<Record<string, string>> = {
  Relu: 'ReluGrad',
  Relu6: 'Relu6Grad',
  Sigmoid: 'SigmoidGrad',
  Tanh: 'TanhGrad',
  Square: 'SquareGrad',
};

/**
 * Makes the gradients of Relu, Relu6, Sigmoid, Tanh and Square one kernel each (`{ dy, saved }`) where the current backend has
 * it; others keep TF.js's, which are several ops. Safe to call again.
 */
export function registerActivationGradients(): void {
  for (const [activation, kernel] of Object.entries(KERNELS)) {
    replaceGradient(activation, (dy, [saved]) => {
      if (!has(kernel, [dy, saved])) return undefined;
      return { x: () => tf.engine().runKernel(kernel, { dy, saved }) as tf.Tensor };
    });
  }
}
