import * as tf from '@tensorflow/tfjs-core';
import { type Binding, nativeBackend } from './ops.js';

const kernelName = 'EspalierExamples';

/** As the kernel takes them: the arguments of the addon's function. */
interface Attributes {
  readonly values: Uint8Array | Float32Array;
  readonly table: Float32Array;
  readonly chosen: Uint32Array;
  readonly shape: readonly number[];
  readonly shifts?: Int32Array;
  readonly picture?: readonly number[];
}

/**
 * Registers a kernel that makes the inputs of a batch, where the addon has it: no inputs, and of its attributes `values` (bytes or
 * floats of all examples), `table` (bytes to floats), `chosen`, the tensor's `shape`, and for pictures that are moved `shifts`
 * and `picture`. `@espalier/datasets` looks for it by its name.
 */
export function registerExamples(): void {
  const { binding, isUsingGpuDevice } = nativeBackend();
  if (tf.getKernel(kernelName, 'tensorflow') || isUsingGpuDevice || binding.gatherExamples === undefined)
    return;
  tf.registerKernel({
    kernelName,
    backendName: 'tensorflow',
    kernelFunc: ({ attrs }) => {
      const { values, table, chosen, shape, shifts, picture } = attrs as unknown as Attributes;
      const backend = nativeBackend();
      const own: Binding = backend.binding;
      const id = own.gatherExamples!(values, table, chosen, shape, shifts, picture);
      return backend.createOutputTensor({ id, shape: [...shape], dtype: own.TF_FLOAT });
    },
  });
}
