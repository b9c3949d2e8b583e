import * as tf from '@tensorflow/tfjs-core';
import { type Launcher, launcher } from '../dispatch/kernel.js';

/** Tensors by the names of a kernel's inputs. */
export type Inputs = Readonly<Record<string, tf.TensorInfo>>;

/** Registers a kernel of ours that TF.js has not, if it is not there. */
export function registerKernel(
  kernelName: string,
  compute: (
    gpu: Launcher,
    inputs: Inputs,
    attrs: Readonly<Record<string, unknown>>,
  ) => tf.TensorInfo | tf.TensorInfo[],
): void {
  if (tf.getKernel(kernelName, 'webgpu')) return;
  tf.registerKernel({
    kernelName,
    backendName: 'webgpu',
    kernelFunc: ({ inputs, attrs }) =>
      compute(launcher(), inputs as unknown as Inputs, (attrs ?? {}) as Readonly<Record<string, unknown>>),
  });
}
