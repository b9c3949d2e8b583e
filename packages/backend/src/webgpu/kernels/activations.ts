import * as tf from '@tensorflow/tfjs-core';
import { elementwise, elementwiseGrid, type Kernel, launcher } from '../dispatch/kernel.js';

/** Gradients of activations from that of their result and what was saved: y for Sigmoid and Tanh, x for the others. */
const RULES: Readonly<Record<string, string>> = {
  ReluGrad: 'select(0.0, dy[i], saved[i] > 0.0)',
  Relu6Grad: 'select(0.0, dy[i], saved[i] > 0.0 && saved[i] < 6.0)',
  SigmoidGrad: 'dy[i] * (saved[i] * (1.0 - saved[i]))',
  TanhGrad: 'dy[i] * (1.0 - saved[i] * saved[i])',
  SquareGrad: 'dy[i] * (2.0 * saved[i])',
};

/** Registers `ReluGrad`, `Relu6Grad`, `SigmoidGrad`, `TanhGrad`, `SquareGrad` (`{ dy, saved }`): one program each instead of three. */
export function registerActivationKernels(): void {
  for (const [kernelName, rule] of Object.entries(RULES)) {
    if (tf.getKernel(kernelName, 'webgpu')) continue;
    const kernel: Kernel = elementwise({
      name: kernelName,
      writes: ['dx'],
      reads: ['dy', 'saved'],
      params: [],
      body: `dx[i] = ${rule};`,
    });
    tf.registerKernel({
      kernelName,
      backendName: 'webgpu',
      kernelFunc: ({ inputs }) => {
        const { dy, saved } = inputs as { dy: tf.TensorInfo; saved: tf.TensorInfo };
        const gpu = launcher();
        const dx = gpu.make(dy.shape);
        const size = tf.util.sizeFromShape(dy.shape);
        if (size > 0) gpu.run(kernel, [dx, dy, saved], [size], elementwiseGrid(size));
        return dx;
      },
    });
  }
}
