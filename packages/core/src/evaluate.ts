import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type Arranged, arrange, listed } from './arrange.js';
import type { Batch, Data } from './data.js';
import { disposeBatch } from './internal/dispose-batch.js';
import { type Losses, type ResolvedLosses, resolveLosses } from './losses.js';
import type { Evaluation } from './metrics.js';

/**
 * Mean loss and accuracy of a model over all batches of `data` (its epoch 0); examples count by their weights, where they
 * have some.
 *
 * Labels are one-hot `[…, classes]`; with a single output unit they are 0 or 1 and the threshold is 0.5.
 */
export async function evaluate(
  model: LayersModel,
  data: Data,
  options: { readonly loss?: Losses } = {},
): Promise<Evaluation> {
  const loss = resolveLosses(options.loss ?? 'categoricalCrossentropy', model);
  let size = 0;
  let total = 0; // examples, by their weights
  const sums = loss.each.map(() => ({ loss: 0, accuracy: 0 }));
  for await (const batch of data.batches(0)) {
    const measured: Measured[] = [];
    try {
      const examples = measure(model, loss, batch, measured);
      const weight = batch.weights ? await sumOf(batch.weights) : examples;
      for (const [i, { mean, hits, positions }] of measured.entries()) {
        sums[i].loss += (await mean.data())[0] * weight;
        sums[i].accuracy += ((await hits.data())[0] / (positions ?? weight)) * weight || 0;
      }
      size += examples;
      total += weight;
    } finally {
      disposeBatch(batch);
      for (const { mean, hits } of measured) tf.dispose([mean, hits]);
    }
  }
  const outputs = sums.map((sum) => ({ loss: sum.loss / total, accuracy: sum.accuracy / total }));
  if (outputs.length === 1) return { ...outputs[0], size };
  return {
    loss: outputs.reduce((sum, one) => sum + one.loss, 0),
    accuracy: outputs.reduce((sum, one) => sum + one.accuracy, 0) / outputs.length,
    size,
    outputs: Object.fromEntries(outputs.map((one, i) => [model.outputNames[i], one])),
  };
}

/** What a batch says of one output. */
interface Measured {
  /** Mean loss. */
  readonly mean: tf.Scalar;
  /** How many positions are right; where examples have weights, these added up. */
  readonly hits: tf.Scalar;
  /** Of how many; undefined where examples have weights. */
  readonly positions: number | undefined;
}

/** Measures each output of a batch, and counts its examples. */
function measure(model: LayersModel, loss: ResolvedLosses, batch: Batch, into: Measured[]): number {
  const { weights } = batch;
  const inputs = arrange(model, 'input', batch.inputs);
  const labels = listed(arrange(model, 'output', batch.labels));
  tf.tidy(() => {
    const outputs = listed(loss.forward(() => model.apply(inputs, { training: false }) as Arranged));
    for (const [i, output] of outputs.entries()) {
      const { compute, onLogits } = loss.each[i];
      const mean = compute(labels[i], output, weights);
      const right = hitsOf(labels[i], output, onLogits ? 0 : 0.5);
      const hits = tf.keep(weights ? weighed(right, weights) : (tf.sum(right) as tf.Scalar));
      into.push({ mean: tf.keep(mean), hits, positions: weights ? undefined : right.size });
    }
  });
  return listed(inputs)[0].shape[0];
}

/** The weights of the examples that are right, each by the share of its positions. */
function weighed(right: tf.Tensor, weights: tf.Tensor): tf.Scalar {
  return tf.sum(tf.mul(tf.mean(tf.reshape(right, [weights.size, -1]), 1), weights));
}

async function sumOf(weights: tf.Tensor): Promise<number> {
  const sum = tf.sum(weights);
  const [value] = await sum.data();
  sum.dispose();
  return value;
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
