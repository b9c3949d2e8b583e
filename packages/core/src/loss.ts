import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { unknownName } from './errors.js';
import { outputActivation } from './logits.js';

/** A loss by name, or a function of labels and outputs that returns a scalar. */
export type Loss =
  | 'categoricalCrossentropy'
  | 'binaryCrossentropy'
  | 'meanSquaredError'
  | ((labels: tf.Tensor, outputs: tf.Tensor) => tf.Scalar);

/** A loss ready to use, and whether it wants the model's outputs before the output activation. */
export interface ResolvedLoss {
  readonly onLogits: boolean;
  compute(labels: tf.Tensor, outputs: tf.Tensor): tf.Scalar;
}

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
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { softmaxCrossEntropy } from '@espalier/core';
 * const loss = softmaxCrossEntropy(tf.tensor2d([[1, 0]]), tf.tensor2d([[0, 0]])).dataSync()[0];
 * if (Math.abs(loss - Math.log(2)) > 1e-6) throw new Error(String(loss));
 * ```
 */
export function softmaxCrossEntropy(labels: tf.Tensor, logits: tf.Tensor): tf.Scalar {
  const classes = logits.shape[logits.shape.length - 1];
  const rows = logits.size / classes;
  const flat = tf.cast(tf.reshape(labels, [rows, classes]), 'float32');
  const compute = tf.customGrad((x, save) => {
    const [losses, backprop] = crossEntropyRows(flat, x as tf.Tensor);
    (save as (tensors: tf.Tensor[]) => void)([backprop]);
    return {
      value: tf.mean(losses),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(saved[0], tf.div(dy, rows)),
    };
  });
  return compute(tf.reshape(logits, [rows, classes])) as tf.Scalar;
}

/** Mean of -(y log σ(x) + (1-y) log(1-σ(x))) in the stable form max(x,0) - xy + log(1 + exp(-|x|)). */
function sigmoidCrossEntropy(labels: tf.Tensor, logits: tf.Tensor): tf.Scalar {
  const y = tf.reshape(labels, logits.shape);
  return tf.mean(
    tf.add(tf.sub(tf.relu(logits), tf.mul(logits, y)), tf.log1p(tf.exp(tf.neg(tf.abs(logits))))),
  );
}

const tiny = 1e-7;

/**
 * A loss for a model: cross-entropies are computed on logits when the model ends in the matching activation,
 * and on its probabilities when it does not.
 *
 * @throws EspalierError `unknown-name`
 */
export function resolveLoss(loss: Loss, model: LayersModel): ResolvedLoss {
  if (typeof loss === 'function') return { onLogits: false, compute: loss };
  const activation = outputActivation(model);
  switch (loss) {
    case 'categoricalCrossentropy':
      if (activation === 'softmax') return { onLogits: true, compute: softmaxCrossEntropy };
      return {
        onLogits: false,
        compute: (y, p) =>
          tf.neg(tf.mean(tf.sum(tf.mul(y, tf.log(tf.clipByValue(p, tiny, 1))), -1))) as tf.Scalar,
      };
    case 'binaryCrossentropy':
      if (activation === 'sigmoid') return { onLogits: true, compute: sigmoidCrossEntropy };
      return {
        onLogits: false,
        compute(y, outputs) {
          const p = tf.clipByValue(outputs, tiny, 1 - tiny);
          const labels = tf.reshape(y, p.shape);
          const log = tf.add(tf.mul(labels, tf.log(p)), tf.mul(tf.sub(1, labels), tf.log(tf.sub(1, p))));
          return tf.neg(tf.mean(log)) as tf.Scalar;
        },
      };
    case 'meanSquaredError':
      return { onLogits: false, compute: (y, x) => tf.mean(tf.squaredDifference(x, tf.reshape(y, x.shape))) };
    default:
      throw unknownName('loss', String(loss), [
        'categoricalCrossentropy',
        'binaryCrossentropy',
        'meanSquaredError',
      ]);
  }
}
