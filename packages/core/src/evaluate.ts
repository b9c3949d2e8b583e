import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { type Arranged, arrange, listed } from './arrange.js';
import type { Batch, Data } from './data.js';
import { checkLabels } from './internal/check-labels.js';
import { disposeBatch } from './internal/dispose-batch.js';
import type { Looks } from './internal/looks.js';
import { tensorsOf } from './internal/tensors-of.js';
import { keptCounts, withoutIgnored } from './loss/ignored.js';
import { labelClasses } from './loss/labels.js';
import type { ResolvedLoss } from './loss.js';
import { type Losses, type ResolvedLosses, resolveLosses } from './losses.js';
import { type Measurement, type Metric, type MetricInput, type Metrics, resolveMetrics } from './metric.js';
import type { Evaluation, OutputEvaluation } from './metrics.js';
import { readLater, type Seen } from './read.js';

/** What an evaluation measures, and how. */
export interface EvaluateOptions {
  /** Default `categoricalCrossentropy`. */
  readonly loss?: Losses;
  /** Besides loss and accuracy, exactly over all examples: `@espalier/metrics` has them by name. */
  readonly metrics?: Metrics;
}

/**
 * Mean loss, accuracy and other metrics of a model over all batches of `data` (its epoch 0); examples count by their weights,
 * where they have some.
 *
 * Labels are one-hot `[…, classes]`, or numbers of classes; with a single output unit they are 0 or 1 and the threshold is 0.5, as
 * it is for each unit of a binary loss.
 *
 * @throws EspalierError `shape-mismatch`, `unknown-name`, `invalid-option`
 */
export async function evaluate(
  model: LayersModel,
  data: Data,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  return evaluateBy(model, data, options);
}

/** @internal Batches that are alike may be looked at by a replay, where no metric is to see each. */
export async function evaluateBy(
  model: LayersModel,
  data: Data,
  options: EvaluateOptions,
  looks?: Looks,
): Promise<Evaluation> {
  const loss = resolveLosses(options.loss ?? 'categoricalCrossentropy', model);
  const metrics = options.metrics && resolveMetrics(options.metrics, model, loss);
  const sums = loss.each.map((_, i) => new Sum(metrics?.[i]));
  let size = 0;
  for await (const batch of data.batches(0)) {
    try {
      const examples = tensorsOf(batch)[0].shape[0];
      let broken = false;
      const take = () => ({ each: look(model, loss, batch, sums), weights: batch.weights });
      const add = ({ each, weights }: Seen<ReturnType<typeof take>>): void => {
        const weight = weights ? weights.reduce((a, b) => a + b, 0) : examples;
        broken ||= each.some(({ mean }) => Number.isNaN(mean[0]));
        for (const [i, sum] of sums.entries()) sum.add(each[i], weight, weights);
        size += examples;
      };
      if (looks && !metrics) await looks.see(tensorsOf(batch), take, add);
      else await readLater(take, add);
      if (broken) await checkLabels(model, loss, batch);
    } finally {
      disposeBatch(batch);
    }
  }
  const outputs = sums.map((sum) => sum.over());
  if (outputs.length === 1) {
    return { ...outputs[0], loss: loss.each[0].weight * outputs[0].loss, size };
  }
  return {
    loss: outputs.reduce((sum, one, i) => sum + loss.each[i].weight * one.loss, 0),
    accuracy: outputs.reduce((sum, one) => sum + one.accuracy, 0) / outputs.length,
    ...(metrics && { metrics: means(outputs) }),
    size,
    outputs: Object.fromEntries(outputs.map((one, i) => [model.outputNames[i], one])),
  };
}

/** What a batch says of one output, as tensors. */
type Measured = {
  /** Mean loss. */
  readonly mean: tf.Tensor;
  /** How many positions are right; where examples have weights, these added up. */
  readonly hits: tf.Tensor;
  /** Of how many; undefined where examples have weights. */
  readonly positions: tf.Tensor | undefined;
  /** How many positions count, by the weights of their examples; undefined where all do. */
  readonly kept: tf.Tensor | undefined;
  readonly metrics: readonly (readonly tf.Tensor[])[];
};

/** What is added up of one output. */
class Sum {
  readonly measurements: readonly { metric: Metric; measurement: Measurement }[];
  #loss = 0;
  #accuracy = 0;
  /** What was counted: examples by their weights, or positions. */
  #total = 0;
  readonly #asked: boolean;

  constructor(metrics: readonly Metric[] | undefined) {
    this.#asked = metrics !== undefined;
    this.measurements = (metrics ?? []).map((metric) => ({ metric, measurement: metric.start() }));
  }

  add(
    { mean, hits, positions, kept, metrics }: Seen<Measured>,
    examples: number,
    weights?: Float32Array,
  ): void {
    // Of sequences that are filled up, a batch counts by what is in it.
    const weight = kept?.[0] ?? examples;
    this.#total += weight;
    this.#loss += mean[0] * weight;
    this.#accuracy += (hits[0] / (positions?.[0] ?? weight)) * weight || 0;
    for (const [i, { measurement }] of this.measurements.entries()) measurement.add(metrics[i], weights);
  }

  over(): OutputEvaluation {
    const total = this.#total;
    const named = this.measurements.map(({ metric: { name }, measurement }) => [name, measurement] as const);
    const perClass = named.flatMap(([name, one]) => {
      const values = one.perClass?.();
      return values ? [[name, values] as const] : [];
    });
    return {
      loss: this.#loss / total,
      accuracy: this.#accuracy / total,
      ...(this.#asked && { metrics: Object.fromEntries(named.map(([name, one]) => [name, one.value()])) }),
      ...(perClass.length > 0 && { perClass: Object.fromEntries(perClass) }),
    };
  }
}

/** The mean of each metric over the outputs that have it. */
function means(outputs: readonly OutputEvaluation[]): Record<string, number> {
  const names = new Set(outputs.flatMap(({ metrics = {} }) => Object.keys(metrics)));
  return Object.fromEntries(
    [...names].map((name) => {
      const values = outputs.flatMap(({ metrics = {} }) =>
        Object.hasOwn(metrics, name) ? metrics[name] : [],
      );
      return [name, values.reduce((a, b) => a + b, 0) / values.length];
    }),
  );
}

/** Measures each output of a batch. */
function look(
  model: LayersModel,
  loss: ResolvedLosses,
  { inputs: given, labels: wanted, weights }: Batch,
  sums: readonly Sum[],
): Measured[] {
  const inputs = arrange(model, 'input', given);
  const labels = listed(arrange(model, 'output', wanted));
  const outputs = listed(loss.forward(() => model.apply(inputs, { training: false }) as Arranged));
  return outputs.map((output, i): Measured => {
    const one = loss.each[i];
    const mean = one.compute(labels[i], output, weights);
    const counted = one.ignore === undefined ? undefined : withoutIgnored(labels[i], output, one.ignore);
    const own = counted?.labels ?? labels[i];
    const right = hitsOf(own, output, one);
    const measurements = sums[i].measurements;
    const input = measurements.length > 0 ? inputOf(own, output, one, counted?.kept) : undefined;
    const metrics = measurements.map(({ measurement }) => measurement.look(input!));
    if (counted) {
      const counts = keptCounts(counted.kept, weights);
      const kept = tf.sum(counts);
      const hits = tf.sum(tf.mul(tf.reshape(right, [-1]), counts));
      return { mean, hits, positions: kept, kept, metrics };
    }
    const hits = weights ? weighed(right, weights) : tf.sum(right);
    return { mean, hits, positions: weights ? undefined : tf.scalar(right.size), kept: undefined, metrics };
  });
}

function inputOf(
  labels: tf.Tensor,
  output: tf.Tensor,
  { onLogits, task, threshold }: ResolvedLoss,
  kept: tf.Tensor | undefined,
): MetricInput {
  const known = { labels, task, ...(kept && { kept }) };
  if (!onLogits) return { ...known, outputs: output, threshold };
  const outputs = task === 'classes' ? tf.softmax(output) : tf.sigmoid(output);
  return { ...known, outputs, logits: output, threshold: 0.5 };
}

/** The weights of the examples that are right, each by the share of its positions. */
function weighed(right: tf.Tensor, weights: tf.Tensor): tf.Scalar {
  return tf.sum(tf.mul(tf.mean(tf.reshape(right, [weights.size, -1]), 1), weights));
}

/** Which positions are right: of classes the highest one, of labels that are there or not the side of the threshold. */
function hitsOf(labels: tf.Tensor, outputs: tf.Tensor, { task, threshold }: ResolvedLoss): tf.Tensor {
  const classes = outputs.shape[outputs.shape.length - 1];
  if (classes > 1 && task !== 'labels') {
    return tf.cast(tf.equal(tf.argMax(outputs, -1), labelClasses(labels, outputs)), 'float32');
  }
  const predicted = tf.cast(tf.greater(outputs, threshold), 'int32');
  const given = tf.reshape(labels, outputs.shape);
  const wanted = task === 'labels' ? tf.greater(given, 0.5) : given;
  return tf.cast(tf.equal(predicted, tf.cast(wanted, 'int32')), 'float32');
}
