import * as tf from '@tensorflow/tfjs-core';
import { areNumbers, labelClasses, spread } from './labels.js';

/** Labels of which some say that their position is to fill up a sequence, and counts for nothing. */
export interface WithoutIgnored {
  /** The same labels; where numbers said so, of the class 0. */
  readonly labels: tf.Tensor;
  /** 1 where a position counts and 0 where it does not, `[rows]`. */
  readonly kept: tf.Tensor;
}

/**
 * Tells positions that count from those whose label is `ignore`.
 *
 * @param ignore - A class, from 0; of labels that are numbers of classes any whole number, such as -1.
 */
export function withoutIgnored(labels: tf.Tensor, outputs: tf.Tensor, ignore: number): WithoutIgnored {
  if (!areNumbers(labels, outputs)) {
    const ignored = tf.equal(labelClasses(labels, outputs), tf.scalar(ignore, 'int32'));
    return { labels, kept: tf.reshape(tf.cast(tf.logicalNot(ignored), 'float32'), [-1]) };
  }
  const numbers = tf.cast(labels, 'float32');
  const kept = tf.cast(tf.notEqual(numbers, ignore), 'float32');
  const cleaned = tf.where(tf.cast(kept, 'bool'), numbers, tf.zerosLike(numbers));
  return { labels: cleaned, kept: tf.reshape(kept, [-1]) };
}

/** How much each position counts: nothing where it is ignored, else as its example does. */
export function keptCounts(kept: tf.Tensor, weights: tf.Tensor | undefined): tf.Tensor {
  return weights === undefined ? kept : tf.mul(kept, spread(weights, kept.size));
}
