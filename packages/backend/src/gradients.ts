import * as tf from '@tensorflow/tfjs-core';

const ours = new WeakSet<tf.GradFunc>();

/**
 * Puts a gradient before TF.js's, for every backend: `make` gives it, or undefined where TF.js's must do. TF.js's does
 * so too where a gradient is itself to be differentiated: ours are kernels without one. Safe to call again.
 */
export function replaceGradient(
  kernelName: string,
  make: (
    dy: tf.Tensor,
    saved: tf.Tensor[],
    attrs: tf.NamedAttrMap,
  ) => Record<string, () => tf.Tensor> | undefined,
): void {
  const stock = tf.getGradient(kernelName);
  if (!stock || ours.has(stock.gradFunc)) return;
  const gradFunc: tf.GradFunc = (dy, saved, attrs) => {
    const { gradientDepth } = tf.engine().state;
    const made = gradientDepth === 0 ? make(dy as tf.Tensor, saved, attrs) : undefined;
    return made ?? stock.gradFunc(dy, saved, attrs);
  };
  ours.add(gradFunc);
  tf.unregisterGradient(kernelName);
  tf.registerGradient({ ...stock, gradFunc });
}

/** Whether the current backend has a kernel, and all these tensors are float32. */
export function has(kernelName: string, tensors: readonly tf.Tensor[]): boolean {
  return (
    tensors.every(({ dtype }) => dtype === 'float32') &&
    tf.getKernel(kernelName, tf.getBackend()) !== undefined
  );
}
