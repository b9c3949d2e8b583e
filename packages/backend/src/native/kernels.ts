import * as tf from '@tensorflow/tfjs-core';

/**
 * Puts a faster kernel before the stock one of the native backend. `make` gets the stock kernel, to fall back
 * on. A kernel that was replaced already is left alone.
 */
export function replaceKernel(kernelName: string, make: (stock: tf.KernelFunc) => tf.KernelFunc): void {
  const stock = tf.getKernel(kernelName, 'tensorflow');
  if (!stock || replaced.has(stock.kernelFunc)) return;
  const kernelFunc = make(stock.kernelFunc);
  replaced.add(kernelFunc);
  tf.unregisterKernel(kernelName, 'tensorflow');
  tf.registerKernel({ ...stock, kernelFunc });
}

const replaced = new WeakSet<tf.KernelFunc>();
