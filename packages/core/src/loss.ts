import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { EspalierError } from './errors.js';
import { outputActivation } from './logits.js';
import { softmaxCrossEntropy } from './loss/cross-entropy.js';
import * as each from './loss/each.js';
import { keptCounts, withoutIgnored } from './loss/ignored.js';
import { areNumbers, binaryCounts, classCounts, labelRows } from './loss/labels.js';
import { meanOf } from './loss/mean.js';
import { type Loss, type LossOptions, type OwnLoss, optionsOf, type Task } from './loss/options.js';
import { shown } from './shown.js';

export { softmaxCrossEntropy };

/** A loss ready to use, and whether it wants the model's outputs before the output activation. */
export interface ResolvedLoss {
  readonly onLogits: boolean;
  /** What the labels are; of a function, what the output's activation says. */
  readonly task: Task;
  /** Of labels that are there or not: above what an output says that they are. */
  readonly threshold: number;
  /** The label of positions that do not count. */
  readonly ignore?: number;
  /** The values that labels may have; absent: nobody knows. */
  readonly range?: readonly [number, number];
  /** Its part in the sum over several outputs. */
  readonly weight: number;
  /** The mean over examples, each counted by its weight, `[n]`, where there are weights. */
  compute(labels: tf.Tensor, outputs: tf.Tensor, weights?: tf.Tensor): tf.Scalar;
}

type Compute = ResolvedLoss['compute'];

/** A function of somebody's, which may not know of weights. */
function ownLoss(loss: OwnLoss): Compute {
  return (labels, outputs, weights) => {
    if (weights !== undefined && loss.length < 3) {
      throw new EspalierError('invalid-option', 'The data have sample weights; the loss takes none.', {
        remedy: 'Let the function take them: (labels, outputs, weights) => …; weights are [n].',
      });
    }
    const value = loss(labels, outputs, weights);
    if (value instanceof tf.Tensor && value.size === 1) return tf.reshape(value, []) as tf.Scalar;
    throw new EspalierError(
      'shape-mismatch',
      `The loss gives ${value instanceof tf.Tensor ? `[${(value as tf.Tensor).shape}]` : shown(value)} for a batch.`,
      { remedy: 'Let it give one number, a scalar tensor: tf.mean(…) of those of all examples.' },
    );
  };
}

/** Labels of another size than the outputs would fail somewhere inside of an op. */
function checkShapes(task: Task, labels: tf.Tensor, outputs: tf.Tensor): void {
  const sparse = task === 'classes' && areNumbers(labels, outputs);
  if (labels.size === outputs.size || sparse) return;
  throw new EspalierError(
    'shape-mismatch',
    `The labels of a batch are [${labels.shape}], what the model gives is [${outputs.shape}].`,
    {
      remedy:
        task === 'classes'
          ? 'Classes are one-hot rows, or numbers from 0; let the model end in as many units as there are.'
          : 'This loss compares them one by one; classes want categoricalCrossentropy.',
    },
  );
}

/** Over a single class a loss is always the same. */
function oneUnit(name: string): EspalierError {
  return new EspalierError(
    'invalid-option',
    `${name} is over several classes, and the output has one unit.`,
    {
      remedy:
        'Labels of 0 and 1 want binaryCrossentropy, numbers meanSquaredError, meanAbsoluteError or huber.',
    },
  );
}

function checkClasses(name: string, classWeights: readonly number[] | undefined, classes: number): void {
  if (classWeights === undefined || classWeights.length === classes) return;
  throw new EspalierError(
    'invalid-option',
    `${name}: there are ${classWeights.length} classWeights for ${classes} classes.`,
    { remedy: 'Give one for each class, in their order.' },
  );
}

const last = (shape: readonly number[]): number => shape[shape.length - 1];

/** Losses of rows that are classes, `each` by itself. */
function ofClasses({ name, smoothing = 0, classWeights, ignore }: LossOptions, compute: Compute): Compute {
  return (given, outputs, examples) => {
    checkShapes('classes', given, outputs);
    const counted = ignore === undefined ? undefined : withoutIgnored(given, outputs, ignore);
    const labels = counted?.labels ?? given;
    const weights = counted ? keptCounts(counted.kept, examples) : examples;
    const classes = last(outputs.shape);
    if (classes === 1) throw oneUnit(name);
    checkClasses(name, classWeights, classes);
    let rows = labelRows(labels, outputs);
    const counts = classWeights === undefined ? weights : classCounts(rows, classWeights, weights);
    if (smoothing > 0) rows = tf.add(tf.mul(rows, 1 - smoothing), smoothing / classes);
    return compute(rows, outputs, counts);
  };
}

/** Losses of values that are 0 or 1. */
function ofLabels({ name, smoothing = 0, classWeights }: LossOptions, compute: Compute): Compute {
  checkClasses(name, classWeights, 2);
  return (labels, outputs, weights) => {
    checkShapes('labels', labels, outputs);
    let values = tf.cast(tf.reshape(labels, outputs.shape), 'float32');
    const counts = classWeights === undefined ? weights : binaryCounts(values, classWeights, weights);
    if (smoothing > 0) values = tf.add(tf.mul(values, 1 - smoothing), smoothing / 2);
    return compute(values, outputs, counts);
  };
}

const mean =
  (values: (y: tf.Tensor, x: tf.Tensor) => tf.Tensor): Compute =>
  (y, x, weights) =>
    meanOf(values(y, x), weights);

/** Losses of numbers. */
const ofNumbers =
  (values: (y: tf.Tensor, x: tf.Tensor) => tf.Tensor): Compute =>
  (labels, outputs, weights) => {
    checkShapes('numbers', labels, outputs);
    return meanOf(values(tf.reshape(labels, outputs.shape), outputs), weights);
  };

/** The divergence of softmax(logits), exact also where a class is all but excluded. */
const divergence: Compute = (y, logits, weights) =>
  tf.add(softmaxCrossEntropy(y, logits, weights), meanOf(each.negativeEntropies(y), weights));

function named(options: ReturnType<typeof optionsOf>, onLogits: boolean): Compute {
  const { name, delta = 1 } = options;
  switch (name) {
    case 'categoricalCrossentropy':
    case 'sparseCategoricalCrossentropy':
      return ofClasses(options, onLogits ? softmaxCrossEntropy : mean(each.crossEntropies));
    case 'kullbackLeiblerDivergence':
      return ofClasses(
        options,
        onLogits ? divergence : mean((y, p) => tf.add(each.crossEntropies(y, p), each.negativeEntropies(y))),
      );
    case 'categoricalHinge':
      return ofClasses(options, mean(each.categoricalHinges));
    case 'binaryCrossentropy':
      return ofLabels(options, mean(onLogits ? each.sigmoidCrossEntropies : each.binaryCrossEntropies));
    case 'hinge':
      return ofLabels(options, mean(each.hinges));
    case 'huber':
      return ofNumbers((y, x) => each.hubers(y, x, delta));
    case 'cosineDistance':
      return ofNumbers(each.cosineDistances);
    case 'meanAbsoluteError':
      return ofNumbers((y, x) => tf.abs(tf.sub(x, y)));
    case 'meanSquaredError':
      return ofNumbers((y, x) => tf.squaredDifference(x, y));
  }
}

/** The values that labels of a loss may have. */
const ranges: { readonly [name: string]: readonly [number, number] } = {
  binaryCrossentropy: [0, 1],
  hinge: [-1, 1],
};

/** Refuses a loss over several classes for an output of one unit. @throws EspalierError `invalid-option` */
export function checkUnits(loss: Loss, model: LayersModel, output = 0): void {
  if (typeof loss === 'function' || model.outputs?.[output]?.shape.at(-1) !== 1) return;
  const { name, task } = optionsOf(loss);
  if (task === 'classes') throw oneUnit(name);
}

/** The activation that a loss takes over. */
const takenOver: { readonly [name: string]: 'softmax' | 'sigmoid' } = {
  categoricalCrossentropy: 'softmax',
  sparseCategoricalCrossentropy: 'softmax',
  kullbackLeiblerDivergence: 'softmax',
  binaryCrossentropy: 'sigmoid',
};

/**
 * A loss for a model: cross-entropies are computed on logits when the model ends in the matching activation,
 * and on its probabilities when it does not.
 *
 * @param output - Of a model with several outputs, which one it is for, from 0.
 * @throws EspalierError `unknown-name`, `unknown-option`, `invalid-option`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { resolveLoss } from '@espalier/core';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [1] })] });
 * const { compute } = resolveLoss({ name: 'huber', delta: 2 }, model);
 * const loss = compute(tf.tensor2d([[0], [0]]), tf.tensor2d([[1], [5]])).dataSync()[0]; // 1/2, and 2 (5 - 1)
 * if (loss !== 4.25) throw new Error(String(loss));
 * ```
 */
export function resolveLoss(loss: Loss, model: LayersModel, output?: number): ResolvedLoss {
  const activation = outputActivation(model, output);
  if (typeof loss === 'function') {
    const task = activation === 'softmax' ? 'classes' : activation === 'sigmoid' ? 'labels' : 'unknown';
    return { onLogits: false, task, threshold: 0.5, weight: 1, compute: ownLoss(loss) };
  }
  const options = optionsOf(loss);
  const onLogits = activation !== undefined && takenOver[options.name] === activation;
  const task = activation === 'softmax' ? 'classes' : options.task;
  const threshold = onLogits || (options.name === 'hinge' && activation === undefined) ? 0 : 0.5;
  const range = ranges[options.name] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  return {
    onLogits,
    task,
    threshold,
    range,
    ...(options.ignore !== undefined && { ignore: options.ignore }),
    weight: options.weight ?? 1,
    compute: named(options, onLogits),
  };
}
