import * as tf from '@tensorflow/tfjs-core';

const tiny = 1e-7;

/** -(y log σ(x) + (1-y) log(1-σ(x))) in the stable form max(x,0) - xy + log(1 + exp(-|x|)). */
export function sigmoidCrossEntropies(y: tf.Tensor, logits: tf.Tensor): tf.Tensor {
  return tf.add(tf.sub(tf.relu(logits), tf.mul(logits, y)), tf.log1p(tf.exp(tf.neg(tf.abs(logits)))));
}

/** -Σ y log p of each row. */
export function crossEntropies(y: tf.Tensor, p: tf.Tensor): tf.Tensor {
  return tf.neg(tf.sum(tf.mul(y, tf.log(tf.clipByValue(p, tiny, 1))), -1));
}

/** -(y log p + (1-y) log(1-p)) of each value. */
export function binaryCrossEntropies(y: tf.Tensor, outputs: tf.Tensor): tf.Tensor {
  const p = tf.clipByValue(outputs, tiny, 1 - tiny);
  return tf.neg(tf.add(tf.mul(y, tf.log(p)), tf.mul(tf.sub(1, y), tf.log(tf.sub(1, p)))));
}

/** Σ y log y of each row, with 0 log 0 = 0: minus its entropy, in nats. */
export function negativeEntropies(y: tf.Tensor): tf.Tensor {
  return tf.sum(tf.mul(y, tf.log(tf.maximum(y, tiny))), -1);
}

/** e²/2 up to `delta`, and the line that goes on from there (Huber 1964). */
export function hubers(y: tf.Tensor, x: tf.Tensor, delta: number): tf.Tensor {
  const error = tf.abs(tf.sub(x, y));
  const within = tf.minimum(error, delta);
  return tf.add(tf.mul(0.5, tf.square(within)), tf.mul(delta, tf.sub(error, within)));
}

/** 1 - cos of the angle between rows; a row of zeros is at a right angle to all others. */
export function cosineDistances(y: tf.Tensor, x: tf.Tensor): tf.Tensor {
  const unit = (t: tf.Tensor): tf.Tensor =>
    tf.mul(t, tf.rsqrt(tf.maximum(tf.sum(tf.square(t), -1, true), 1e-12)));
  return tf.sub(1, tf.sum(tf.mul(unit(y), unit(x)), -1));
}

/** max(0, 1 - y x), of labels that are 1, and -1 or 0. */
export function hinges(y: tf.Tensor, x: tf.Tensor): tf.Tensor {
  const sign = tf.sub(tf.mul(2, tf.cast(tf.greater(y, 0), 'float32')), 1);
  return tf.relu(tf.sub(1, tf.mul(sign, x)));
}

/** max(0, 1 - y·x + max((1 - y) x)) of each row, as Keras has it. */
export function categoricalHinges(y: tf.Tensor, x: tf.Tensor): tf.Tensor {
  const own = tf.sum(tf.mul(y, x), -1);
  const other = tf.max(tf.mul(tf.sub(1, y), x), -1);
  return tf.relu(tf.add(1, tf.sub(other, own)));
}
