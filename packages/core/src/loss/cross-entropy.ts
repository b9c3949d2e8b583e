import * as tf from '@tensorflow/tfjs-core';
import { shares } from './mean.js';

const fusedKernel = 'SoftmaxCrossEntropyWithLogits';

/** Per-row loss and its gradient with respect to the logits: TensorFlow's fused kernel where there is one. */
function crossEntropyRows(labels: tf.Tensor, logits: tf.Tensor): [tf.Tensor, tf.Tensor] {
  if (tf.getKernel(fusedKernel, tf.getBackend()) !== undefined) {
    return tf.engine().runKernel(fusedKernel, { logits, labels }) as unknown as [tf.Tensor, tf.Tensor];
  }
  // -Σ y log softmax(x) with log softmax(x) = x - max - log Σ exp(x - max).
  const shifted = tf.sub(logits, tf.max(logits, -1, true));
  const exps = tf.exp(shifted);
  const sum = tf.sum(exps, -1, true);
  const rows = tf.neg(tf.sum(tf.mul(labels, tf.sub(shifted, tf.log(sum))), -1));
  return [rows, tf.sub(tf.div(exps, sum), labels)];
}

/**
 * Mean cross-entropy between one-hot (or soft) labels and softmax(logits), both `[…, classes]`, in nats. The
 * rows of `labels` sum to 1.
 *
 * @param weights - How much each example counts, `[n]`, or each row; default: all alike.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { softmaxCrossEntropy } from '@espalier/core';
 * const loss = softmaxCrossEntropy(tf.tensor2d([[1, 0]]), tf.tensor2d([[0, 0]])).dataSync()[0];
 * if (Math.abs(loss - Math.log(2)) > 1e-6) throw new Error(String(loss));
 * ```
 */
export function softmaxCrossEntropy(labels: tf.Tensor, logits: tf.Tensor, weights?: tf.Tensor): tf.Scalar {
  const classes = logits.shape[logits.shape.length - 1];
  const rows = logits.size / classes;
  const flat = tf.cast(tf.reshape(labels, [rows, classes]), 'float32');
  const parts = weights && shares(weights, rows);
  const compute = tf.customGrad((x, save) => {
    const [losses, backprop] = crossEntropyRows(flat, x as tf.Tensor);
    (save as (tensors: tf.Tensor[]) => void)([backprop]);
    return {
      value: parts ? tf.sum(tf.mul(losses, parts)) : tf.mean(losses),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        tf.mul(saved[0], parts ? tf.mul(dy, tf.expandDims(parts, 1)) : tf.div(dy, rows)),
    };
  });
  return compute(tf.reshape(logits, [rows, classes])) as tf.Scalar;
}
