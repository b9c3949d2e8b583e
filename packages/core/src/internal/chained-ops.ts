import * as tf from '@tensorflow/tfjs-core';

/**
 * The ops that TF.js's own layers and initializers call as methods of a tensor, which `@tensorflow/tfjs-core`
 * alone does not have: the orthogonal initializer of every recurrent layer, attention, the R² metric.
 */
const chained = {
  add: tf.add,
  broadcastTo: tf.broadcastTo,
  cast: tf.cast,
  div: tf.div,
  expandDims: tf.expandDims,
  flatten: (x: tf.Tensor): tf.Tensor => tf.reshape(x, [x.size]),
  gather: tf.gather,
  greaterEqual: tf.greaterEqual,
  logicalAnd: tf.logicalAnd,
  mean: tf.mean,
  minimum: tf.minimum,
  pad: tf.pad,
  reshape: tf.reshape,
  sign: tf.sign,
  slice: tf.slice,
  square: tf.square,
  squeeze: tf.squeeze,
  stridedSlice: tf.stridedSlice,
  sub: tf.sub,
  sum: tf.sum,
  transpose: tf.transpose,
} as const;

type Method = (this: tf.Tensor, ...args: unknown[]) => tf.Tensor;
const prototype = tf.Tensor.prototype as unknown as Record<string, Method | undefined>;

for (const [name, op] of Object.entries(chained)) {
  prototype[name] ??= function (...args) {
    return (op as (x: tf.Tensor, ...rest: unknown[]) => tf.Tensor)(this, ...args);
  };
}
