import * as tf from '@tensorflow/tfjs-core';
import { elementwise, elementwiseGrid, type Kernel, launcher } from '../dispatch/kernel.js';

/** Gradients from that of the result and what was saved: y for Sigmoid and Tanh, x for the others. For f32 or vec4f. */
const RULES: Readonly<Record<string, (type: string) => string>> = {
  ReluGrad: (type) => `select(${type}(0.0), dy[i], saved[i] > ${type}(0.0))`,
  Relu6Grad: (type) => `select(${type}(0.0), dy[i], (saved[i] > ${type}(0.0)) & (saved[i] < ${type}(6.0)))`,
  SigmoidGrad: () => 'dy[i] * (saved[i] * (1.0 - saved[i]))',
  TanhGrad: () => 'dy[i] * (1.0 - saved[i] * saved[i])',
  SquareGrad: () => 'dy[i] * (2.0 * saved[i])',
};

/** The kernel of a rule, one element or four a thread. */
function kernelOf(name: string, type: 'f32' | 'vec4f'): Kernel {
  return elementwise({
    name: `${name}/${type}`,
    writes: [`dx: ${type}`],
    reads: [`dy: ${type}`, `saved: ${type}`],
    params: [],
    body: `dx[i] = ${RULES[name](type)};`,
  });
}

/** Registers the gradients of simple functions (`{ dy, saved }`): one program each instead of three. */
export function registerActivationKernels(): void {
  for (const kernelName of Object.keys(RULES)) {
    if (tf.getKernel(kernelName, 'webgpu')) continue;
    const [one, four] = [kernelOf(kernelName, 'f32'), kernelOf(kernelName, 'vec4f')];
    tf.registerKernel({
      kernelName,
      backendName: 'webgpu',
      kernelFunc: ({ inputs }) => {
        const { dy, saved } = inputs as { dy: tf.TensorInfo; saved: tf.TensorInfo };
        const gpu = launcher();
        const dx = gpu.make(dy.shape);
        const size = tf.util.sizeFromShape(dy.shape);
        const steps = size % 4 === 0 ? size / 4 : size;
        if (size > 0) gpu.run(steps === size ? one : four, [dx, dy, saved], [steps], elementwiseGrid(steps));
        return dx;
      },
    });
  }
}
