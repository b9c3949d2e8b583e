import type * as tf from '@tensorflow/tfjs-core';

/**
 * What a batch brings for a model's inputs or outputs: a tensor; a list in the model's order; or tensors by the names of its
 * input or output layers.
 */
export type Tensors = tf.Tensor | tf.Tensor[] | { [name: string]: tf.Tensor };

/** One batch. Whoever iterates disposes the tensors. */
export interface Batch {
  readonly inputs: Tensors;
  readonly labels: Tensors;
  /**
   * How much each example counts, `[n]`, >= 0: one of weight 2 counts as if it were there twice, one of weight 0 not at all.
   * Default: all alike.
   */
  readonly weights?: tf.Tensor;
}

/** Where batches come from; `@espalier/datasets` makes these, and so can you. */
export interface Data {
  /** Number of examples. */
  readonly size: number;
  readonly stepsPerEpoch: number;
  /**
   * False for a source that cannot promise the same batches for the same epoch again: a run over it is not repeated or resumed
   * bit for bit, and says so. Default true.
   */
  readonly repeatable?: boolean;
  /**
   * The batches of an epoch, at once or by and by. Their order depends on nothing but the epoch (and a seed that the source
   * has), so that a run that is resumed sees what it would have seen.
   */
  batches(epoch: number): Iterable<Batch> | AsyncIterable<Batch>;
}
