import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { EspalierError, unknownName } from './errors.js';
import { outputActivation } from './logits.js';

/**
 * A loss by name, or a function of labels and outputs that returns a scalar. A function that takes weights too, `[n]`, can be
 * used with data that have them.
 */
export type Loss =
  | 'categoricalCrossentropy'
  | 'binaryCrossentropy'
  | 'meanSquaredError'
  | ((labels: tf.Tensor, outputs: tf.Tensor, weights?: tf.Tensor) => tf.Scalar);

/** A loss ready to use, and whether it wants the model's outputs before the output activation. */
export interface ResolvedLoss {
  readonly onLogits: boolean;
  /** The mean over examples, each counted by its weight, `[n]`, where there are weights. */
  compute(labels: tf.Tensor, outputs: tf.Tensor, weights?: tf.Tensor): tf.Scalar;
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
 * @param weights - How much each example counts, `[n]`; default: all alike.
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
  const shares = weights && shareOfRows(weights, rows);
  const compute = tf.customGrad((x, save) => {
    const [losses, backprop] = crossEntropyRows(flat, x as tf.Tensor);
    (save as (tensors: tf.Tensor[]) => void)([backprop]);
    return {
      value: shares ? tf.sum(tf.mul(losses, shares)) : tf.mean(losses),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        tf.mul(saved[0], shares ? tf.mul(dy, tf.expandDims(shares, 1)) : tf.div(dy, rows)),
    };
  });
  return compute(tf.reshape(logits, [rows, classes])) as tf.Scalar;
}

/** How much each row of a batch counts, of several rows an example: together 1 (or 0, where no example counts). */
function shareOfRows(weights: tf.Tensor, rows: number): tf.Tensor1D {
  return tf.tidy(() => {
    const [examples] = weights.shape;
    const each = tf.div(tf.divNoNan(weights, tf.sum(weights)), rows / examples);
    return tf.reshape(tf.tile(tf.reshape(each, [examples, 1]), [1, rows / examples]), [rows]) as tf.Tensor1D;
  });
}

/** The mean of losses whose first axis is that of the examples. */
function meanOf(losses: tf.Tensor, weights: tf.Tensor | undefined): tf.Scalar {
  if (weights === undefined) return tf.mean(losses);
  const flat = tf.reshape(losses, [losses.size]);
  return tf.sum(tf.mul(flat, shareOfRows(weights, losses.size)));
}

/** -(y log σ(x) + (1-y) log(1-σ(x))) in the stable form max(x,0) - xy + log(1 + exp(-|x|)). */
function sigmoidCrossEntropies(labels: tf.Tensor, logits: tf.Tensor): tf.Tensor {
  const y = tf.reshape(labels, logits.shape);
  return tf.add(tf.sub(tf.relu(logits), tf.mul(logits, y)), tf.log1p(tf.exp(tf.neg(tf.abs(logits)))));
}

const tiny = 1e-7;

/** Losses on what the model gives, each value or row by itself. */
const losses = {
  categoricalCrossentropy: (y: tf.Tensor, p: tf.Tensor): tf.Tensor =>
    tf.neg(tf.sum(tf.mul(y, tf.log(tf.clipByValue(p, tiny, 1))), -1)),
  binaryCrossentropy(y: tf.Tensor, outputs: tf.Tensor): tf.Tensor {
    const p = tf.clipByValue(outputs, tiny, 1 - tiny);
    const labels = tf.reshape(y, p.shape);
    return tf.neg(tf.add(tf.mul(labels, tf.log(p)), tf.mul(tf.sub(1, labels), tf.log(tf.sub(1, p)))));
  },
  meanSquaredError: (y: tf.Tensor, x: tf.Tensor): tf.Tensor =>
    tf.squaredDifference(x, tf.reshape(y, x.shape)),
};

/** Labels of another size than the outputs would fail somewhere inside of an op. */
function fitting(compute: ResolvedLoss['compute']): ResolvedLoss['compute'] {
  return (labels, outputs, weights) => {
    if (labels.size !== outputs.size) {
      throw new EspalierError(
        'shape-mismatch',
        `The labels of a batch are [${labels.shape}], what the model gives is [${outputs.shape}].`,
        { remedy: 'Classes are one-hot rows; let the model end in as many units as there are.' },
      );
    }
    return compute(labels, outputs, weights);
  };
}

/** A function of somebody's, which may not know of weights. */
function ownLoss(loss: Extract<Loss, (...given: never) => unknown>): ResolvedLoss['compute'] {
  return (labels, outputs, weights) => {
    if (weights !== undefined && loss.length < 3) {
      throw new EspalierError('invalid-option', 'The data have sample weights; the loss takes none.', {
        remedy: 'Let the function take them: (labels, outputs, weights) => …; weights are [n].',
      });
    }
    return loss(labels, outputs, weights);
  };
}

/**
 * A loss for a model: cross-entropies are computed on logits when the model ends in the matching activation,
 * and on its probabilities when it does not.
 *
 * @param output - Of a model with several outputs, which one it is for, from 0.
 * @throws EspalierError `unknown-name`
 */
export function resolveLoss(loss: Loss, model: LayersModel, output?: number): ResolvedLoss {
  if (typeof loss === 'function') return { onLogits: false, compute: ownLoss(loss) };
  const activation = outputActivation(model, output);
  if (loss === 'categoricalCrossentropy' && activation === 'softmax') {
    return { onLogits: true, compute: fitting(softmaxCrossEntropy) };
  }
  if (loss === 'binaryCrossentropy' && activation === 'sigmoid') {
    return {
      onLogits: true,
      compute: fitting((y, x, weights) => meanOf(sigmoidCrossEntropies(y, x), weights)),
    };
  }
  if (!Object.hasOwn(losses, loss)) throw unknownName('loss', String(loss), Object.keys(losses));
  const each = losses[loss];
  return { onLogits: false, compute: fitting((y, x, weights) => meanOf(each(y, x), weights)) };
}
