import * as tf from '@tensorflow/tfjs-core';

/** Whether the backend has ops of its own for layers that draw their outputs, as the native one of `@espalier/backend`. */
export function hasNoiseKernels(): boolean {
  return tf.getKernel('EspalierScaleNoise', tf.getBackend()) !== undefined;
}

/** Runs one of them. */
export function runKernel(name: string, inputs: tf.NamedTensorMap): tf.Tensor[] {
  return tf.engine().runKernel(name, inputs) as unknown as tf.Tensor[];
}
