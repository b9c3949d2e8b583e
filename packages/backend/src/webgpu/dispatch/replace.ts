import * as tf from '@tensorflow/tfjs-core';

const ours = new WeakSet<tf.KernelFunc>();

/**
 * Puts a kernel of ours before TF.js's on WebGPU. `make` gets TF.js's, to fall back on. One that was replaced already
 * is left alone.
 */
export function replaceKernel(kernelName: string, make: (stock: tf.KernelFunc) => tf.KernelFunc): void {
  const stock = tf.getKernel(kernelName, 'webgpu');
  if (!stock || ours.has(stock.kernelFunc)) return;
  const kernelFunc = make(stock.kernelFunc);
  ours.add(kernelFunc);
  tf.unregisterKernel(kernelName, 'webgpu');
  tf.registerKernel({ ...stock, kernelFunc });
}
