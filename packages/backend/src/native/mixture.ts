import * as tf from '@tensorflow/tfjs-core';
import { attributes, type NativeBackend, nativeBackend } from './ops.js';

const kernelName = 'EspalierMixture';
const first = ['means', 'offsets', 'precisions', 'held', 'scale'];

/**
 * Registers our op for soft weight-sharing (see setup/mixture-op.ts) as a kernel of the native backend, where the addon
 * has it: inputs `means`, `offsets`, `precisions`, `held`, `scale` and the weights `w0`, `w1`, …; outputs the sums and
 * a gradient for each tensor of weights. `@espalier/priors-gmm` looks for it by its name, and says what it does.
 */
export function registerMixture(): void {
  const backend = nativeBackend();
  if (tf.getKernel(kernelName, 'tensorflow') || backend.isUsingGpuDevice || !hasOp(backend)) return;
  tf.registerKernel({
    kernelName,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs }) => {
      const named = inputs as Readonly<Record<string, tf.TensorInfo>>;
      const weights: tf.TensorInfo[] = [];
      for (let i = 0; named[`w${i}`] !== undefined; i++) weights.push(named[`w${i}`]);
      const own = nativeBackend();
      const given = [...first.map((name) => named[name]), ...weights];
      const count = [attributes(own.binding).int('N', weights.length)];
      return own.executeMultipleOutputs(kernelName, count, given, weights.length + 1);
    },
  });
}

/** Whether the addon was compiled with it, and it answers. */
function hasOp(backend: NativeBackend): boolean {
  const { binding } = backend;
  const made: number[] = [];
  const make = (shape: readonly number[], value: number): number => {
    const id = binding.createTensor(shape, binding.TF_FLOAT, Float32Array.of(value));
    made.push(id);
    return id;
  };
  try {
    const components = [0, -1, 4].map((value) => make([1], value));
    const inputs = [...components, make([], 0), make([], 2), make([1], 0.5)];
    const outputs = binding.executeOp(kernelName, [attributes(binding).int('N', 1)], inputs, 2);
    for (const { id } of outputs) made.push(id);
    return Math.abs(binding.tensorDataSync(outputs[1].id)[0] - 4) < 1e-3; // scale λ w
  } catch {
    return false;
  } finally {
    for (const id of made) binding.deleteTensor(id);
  }
}
