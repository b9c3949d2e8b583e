import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Data } from './data.js';
import { withLogits } from './logits.js';
import { type Loss, resolveLoss } from './loss.js';
import type { Evaluation } from './metrics.js';

/**
 * Mean loss and accuracy of a model over all batches of `data` (its epoch 0).
 *
 * Labels are one-hot `[…, classes]`; with a single output unit they are 0 or 1 and the threshold is 0.5.
 */
export async function evaluate(
  model: LayersModel,
  data: Data,
  options: { readonly loss?: Loss } = {},
): Promise<Evaluation> {
  const loss = resolveLoss(options.loss ?? 'categoricalCrossentropy', model);
  let size = 0;
  let lossSum = 0;
  let correct = 0;
  for (const { inputs, labels } of data.batches(0)) {
    let sums: readonly tf.Tensor[] = [];
    try {
      sums = tf.tidy(() => {
        const forward = (): tf.Tensor => model.apply(inputs, { training: false }) as tf.Tensor;
        const outputs = loss.onLogits ? withLogits(model, forward) : forward();
        const hits = hitsOf(labels, outputs, loss.onLogits ? 0 : 0.5);
        return [loss.compute(labels, outputs), tf.sum(hits), tf.scalar(hits.size)];
      });
      const batch = Array.isArray(inputs) ? inputs[0].shape[0] : inputs.shape[0];
      const [mean, hit, positions] = [await sums[0].data(), await sums[1].data(), await sums[2].data()];
      lossSum += mean[0] * batch;
      correct += (hit[0] / positions[0]) * batch;
      size += batch;
    } finally {
      tf.dispose([inputs, labels, ...sums]);
    }
  }
  return { loss: lossSum / size, accuracy: correct / size, size };
}

function hitsOf(labels: tf.Tensor, outputs: tf.Tensor, threshold: number): tf.Tensor {
  const classes = outputs.shape[outputs.shape.length - 1];
  const predicted = classes === 1 ? tf.cast(tf.greater(outputs, threshold), 'int32') : tf.argMax(outputs, -1);
  const wanted =
    classes === 1
      ? tf.cast(tf.reshape(labels, outputs.shape), 'int32')
      : tf.argMax(tf.reshape(labels, outputs.shape), -1);
  return tf.cast(tf.equal(predicted, wanted), 'float32');
}
