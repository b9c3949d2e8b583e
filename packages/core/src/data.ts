import type * as tf from '@tensorflow/tfjs-core';

/** One batch. Whoever iterates disposes the tensors. */
export interface Batch {
  readonly inputs: tf.Tensor | tf.Tensor[];
  readonly labels: tf.Tensor;
}

/** Where batches come from; `@espalier/datasets` makes these, and so can you. */
export interface Data {
  /** Number of examples. */
  readonly size: number;
  readonly stepsPerEpoch: number;
  /** The batches of an epoch, in an order that depends on nothing but the epoch (and a seed). */
  batches(epoch: number): Iterable<Batch>;
}
