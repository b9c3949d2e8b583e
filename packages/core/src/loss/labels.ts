import * as tf from '@tensorflow/tfjs-core';

const lastOf = (shape: readonly number[]): number => shape[shape.length - 1];

/** A tensor, or what is known of one. */
type Sized = Pick<tf.Tensor, 'shape' | 'size'>;

/** Are labels the numbers of classes, one for each row of outputs, rather than rows themselves? */
export function areNumbers(labels: Sized, outputs: Sized): boolean {
  return labels.size !== outputs.size && labels.size * lastOf(outputs.shape) === outputs.size;
}

/**
 * Labels as rows of a model's outputs: rows as they are, numbers of classes as one-hot rows. A number that is no class
 * becomes a row of NaN, so that no loss can overlook it.
 *
 * @param labels - Of the outputs' size, `[…, classes]`, or without their last axis (or with one of 1 there): whole numbers
 *   in [0, classes).
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { labelRows } from '@espalier/core';
 * const rows = labelRows(tf.tensor1d([2, 0], 'int32'), tf.zeros([2, 3]));
 * if (rows.dataSync().join() !== '0,0,1,1,0,0') throw new Error('unexpected');
 * ```
 */
export function labelRows(labels: tf.Tensor, outputs: tf.Tensor): tf.Tensor {
  if (!areNumbers(labels, outputs)) return tf.cast(tf.reshape(labels, outputs.shape), 'float32');
  const classes = lastOf(outputs.shape);
  return tf.tidy(() => {
    const numbers = tf.cast(tf.reshape(labels, [labels.size]), 'float32');
    const rows = tf.cast(tf.oneHot(tf.cast(numbers, 'int32'), classes), 'float32');
    const known = tf.equal(tf.sum(rows, 1), 1);
    const whole = tf.logicalAnd(known, tf.equal(numbers, tf.floor(numbers)));
    const unknown = tf.where(whole, tf.zerosLike(numbers), tf.fill([labels.size], Number.NaN));
    return tf.reshape(tf.add(rows, tf.expandDims(unknown, 1)), outputs.shape);
  });
}

/**
 * The class of each row, int32: of rows the one of the largest value, of numbers themselves.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { labelClasses } from '@espalier/core';
 * const outputs = tf.zeros([2, 3]);
 * const ofRows = labelClasses(tf.tensor2d([[0, 1, 0], [0, 0, 1]]), outputs);
 * const ofNumbers = labelClasses(tf.tensor1d([1, 2]), outputs);
 * if (`${ofRows.dataSync()}` !== '1,2' || `${ofNumbers.dataSync()}` !== '1,2') throw new Error('unexpected');
 * ```
 */
export function labelClasses(labels: tf.Tensor, outputs: tf.Tensor): tf.Tensor {
  const shape = outputs.shape.slice(0, -1);
  if (areNumbers(labels, outputs)) return tf.cast(tf.reshape(labels, shape), 'int32');
  return tf.argMax(tf.reshape(labels, outputs.shape), -1);
}

/** How much each row counts, by its class, and by its example's weight where there is one: `[rows]`. */
export function classCounts(
  rows: tf.Tensor,
  classWeights: readonly number[],
  weights: tf.Tensor | undefined,
): tf.Tensor {
  const own = tf.reshape(tf.sum(tf.mul(rows, tf.tensor1d([...classWeights])), -1), [-1]);
  return weights === undefined ? own : tf.mul(own, spread(weights, own.size));
}

/** The same of values that are 0 or 1 (or between), each by itself: `[values]`. */
export function binaryCounts(
  labels: tf.Tensor,
  [no, yes]: readonly number[],
  weights: tf.Tensor | undefined,
): tf.Tensor {
  const own = tf.reshape(tf.add(tf.mul(labels, yes - no), no), [-1]);
  return weights === undefined ? own : tf.mul(own, spread(weights, own.size));
}

/** The weight of each example for all of its rows: `[rows]`. */
export function spread(weights: tf.Tensor, rows: number): tf.Tensor1D {
  const [examples] = weights.shape;
  return tf.reshape(tf.tile(tf.reshape(weights, [examples, 1]), [1, rows / examples]), [rows]) as tf.Tensor1D;
}
