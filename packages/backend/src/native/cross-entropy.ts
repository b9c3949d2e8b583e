import * as tf from '@tensorflow/tfjs-core';
import { attributes, nativeBackend } from './ops.js';

/**
 * Registers TensorFlow's fused op under its own name: `SoftmaxCrossEntropyWithLogits` with inputs
 * `{ logits, labels }`, both [rows, classes] float32, and outputs `[loss [rows], gradient of the loss with
 * respect to the logits [rows, classes]]`. TF.js knows no such kernel: look for it with `tf.getKernel` and
 * call it through `tf.engine().runKernel`.
 */
export function registerCrossEntropy(): void {
  const kernelName = 'SoftmaxCrossEntropyWithLogits';
  if (tf.getKernel(kernelName, 'tensorflow')) return;
  tf.registerKernel({
    kernelName,
    backendName: 'tensorflow',
    kernelFunc: ({ inputs }) => {
      const { logits, labels } = inputs as { logits: tf.TensorInfo; labels: tf.TensorInfo };
      const backend = nativeBackend();
      const op = [attributes(backend.binding).type('T', 'float32')];
      return backend.executeMultipleOutputs(kernelName, op, [logits, labels], 2);
    },
  });
}
