import type * as tf from '@tensorflow/tfjs-core';
import { checkOptions, checkRange, EspalierError, nearestName } from '../errors.js';

/** What the labels of an output are: one class of several, labels that are there or not, numbers; or nobody knows. */
export type Task = 'classes' | 'labels' | 'numbers' | 'unknown';

/** What is known of a loss by its name. */
interface Known {
  readonly task: Task;
  readonly options: readonly (keyof LossOptions)[];
}

const ofClasses: Known = { task: 'classes', options: ['smoothing', 'classWeights', 'ignore'] };
const ofNumbers: Known = { task: 'numbers', options: [] };

const ofLabels: Known = { task: 'labels', options: ['smoothing', 'classWeights'] };

/** All losses with a name. */
const known: Readonly<Record<LossName, Known>> = {
  /** Cross-entropy of one class of several; labels are one-hot (or soft) rows, or the numbers of classes. */
  categoricalCrossentropy: ofClasses,
  /** The same: labels of both forms are told by their shape. */
  sparseCategoricalCrossentropy: ofClasses,
  /** Cross-entropy of values that are 0 or 1, each by itself: two classes, or several labels. */
  binaryCrossentropy: ofLabels,
  meanSquaredError: ofNumbers,
  meanAbsoluteError: ofNumbers,
  huber: { task: 'numbers', options: ['delta'] },
  /** 1 - cos of the angle between labels and outputs. */
  cosineDistance: ofNumbers,
  hinge: { task: 'labels', options: ['classWeights'] },
  categoricalHinge: { task: 'classes', options: ['classWeights', 'ignore'] },
  kullbackLeiblerDivergence: ofClasses,
};

/** A loss by name. */
export type LossName =
  | 'categoricalCrossentropy'
  | 'sparseCategoricalCrossentropy'
  | 'binaryCrossentropy'
  | 'meanSquaredError'
  | 'meanAbsoluteError'
  | 'huber'
  | 'cosineDistance'
  | 'hinge'
  | 'categoricalHinge'
  | 'kullbackLeiblerDivergence';

/** All names of losses. */
export const lossNames: readonly LossName[] = Object.keys(known) as LossName[];

/** What others call them. */
const elsewhere: Readonly<Record<string, LossName>> = {
  mse: 'meanSquaredError',
  l2: 'meanSquaredError',
  mae: 'meanAbsoluteError',
  l1: 'meanAbsoluteError',
  smoothL1: 'huber',
  crossentropy: 'categoricalCrossentropy',
  crossEntropy: 'categoricalCrossentropy',
  softmaxCrossEntropy: 'categoricalCrossentropy',
  bce: 'binaryCrossentropy',
  sigmoidCrossEntropy: 'binaryCrossentropy',
  cosine: 'cosineDistance',
  cosineSimilarity: 'cosineDistance',
  cosineProximity: 'cosineDistance',
  kl: 'kullbackLeiblerDivergence',
  kld: 'kullbackLeiblerDivergence',
  klDivergence: 'kullbackLeiblerDivergence',
};

/** The loss that was most likely meant by a name that is none, if one is near. */
export function nearestLoss(name: string): LossName | undefined {
  const key = name.replace(/[_\s-]+(\w)/g, (_, letter: string) => letter.toUpperCase());
  const known = lossNames.find((one) => one === key);
  return (
    known ??
    (Object.hasOwn(elsewhere, key) ? elsewhere[key] : undefined) ??
    (nearestName(name, lossNames) as LossName | undefined)
  );
}

/** A loss by name, with options. */
export interface LossOptions {
  readonly name: LossName;
  /** Its part in the sum over several outputs, > 0. Default 1. */
  readonly weight?: number;
  /** Of labels that are classes: so much is taken from each and divided among all, in [0, 1). Default 0. */
  readonly smoothing?: number;
  /** How much examples of each class count, >= 0; of a binary loss: of 0 and of 1. Default: all alike. */
  readonly classWeights?: readonly number[];
  /**
   * Of several classes: positions whose label is this one fill up a sequence. Neither the loss nor accuracy nor any metric counts them.
   * A class from 0; of labels that are numbers of classes any whole number, such as -1.
   */
  readonly ignore?: number;
  /** Of `huber`: up to which error it is a square, > 0. Default 1. */
  readonly delta?: number;
}

/** A function of labels and outputs; one that takes weights too, `[n]`, can be used with data that have them. */
export type OwnLoss = (labels: tf.Tensor, outputs: tf.Tensor, weights?: tf.Tensor) => tf.Scalar;

/**
 * A loss by name, with options, or a function of labels and outputs that returns a scalar. A function that takes weights
 * too, `[n]`, can be used with data that have them.
 */
export type Loss = LossName | LossOptions | OwnLoss;

/**
 * Refuses a loss that does not exist, or whose options are not right.
 *
 * @throws EspalierError `unknown-name`, `unknown-option`, `invalid-option`
 *
 * @example
 * ```ts
 * import { checkLoss, nearestLoss } from '@espalier/core';
 * checkLoss({ name: 'categoricalCrossentropy', smoothing: 0.1 });
 * if (nearestLoss('softmax_cross_entropy') !== 'categoricalCrossentropy') throw new Error('unexpected');
 * ```
 */
export function checkLoss(loss: Loss): void {
  if (typeof loss !== 'function') optionsOf(loss);
}

/** The options of a loss with a name, checked. */
export function optionsOf(loss: LossName | LossOptions): LossOptions & {
  readonly task: Task;
} {
  const given: LossOptions = typeof loss === 'string' ? { name: loss } : loss;
  const { weight = 1, smoothing = 0, classWeights, ignore = 0, delta = 1 } = given;
  const { name } = given;
  if (!(lossNames as readonly string[]).includes(name)) {
    const near = nearestLoss(String(name));
    throw new EspalierError('unknown-name', `There is no loss '${String(name)}'.`, {
      remedy: `${near === undefined ? '' : `Did you mean '${near}'? `}Known: ${lossNames.join(', ')}.`,
    });
  }
  const { task, options } = known[name];
  checkOptions(name, given, ['name', 'weight', ...options]);
  checkRange(name, 'weight', weight, Number.MIN_VALUE, Number.MAX_VALUE);
  checkRange(name, 'smoothing', smoothing, 0, 1 - Number.EPSILON);
  if (!Number.isInteger(ignore)) {
    throw new EspalierError('invalid-option', `${name}: ignore is ${String(ignore)}.`, {
      remedy: 'Give the number of the class that fills up, a whole number.',
    });
  }
  checkRange(name, 'delta', delta, Number.MIN_VALUE, Number.MAX_VALUE);
  const right = (w: unknown): boolean => typeof w === 'number' && w >= 0 && w < Number.POSITIVE_INFINITY;
  if (
    classWeights !== undefined &&
    !(Array.isArray(classWeights) && classWeights.every(right) && classWeights.some((w) => w > 0))
  ) {
    throw new EspalierError('invalid-option', `${name}: classWeights is ${JSON.stringify(classWeights)}.`, {
      remedy: 'Give a number >= 0 for each class, not all of them 0.',
    });
  }
  return { ...given, task };
}
