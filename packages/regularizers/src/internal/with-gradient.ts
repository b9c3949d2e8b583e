import * as tf from '@tensorflow/tfjs-core';

/** A value and the tensors its gradient needs. */
interface Forward {
  readonly value: tf.Tensor;
  readonly saved: tf.Tensor[];
}

/**
 * A function of tensors with a gradient of its own, one per input: fewer passes over the weights than the
 * automatic one takes, and defined where that is not.
 */
export function withGradient(
  inputs: readonly tf.Tensor[],
  forward: (inputs: tf.Tensor[]) => Forward,
  gradient: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.Tensor[],
): tf.Tensor {
  return tf.customGrad((...args) => {
    const save = args.pop() as unknown as (tensors: tf.Tensor[]) => void;
    const { value, saved } = forward(args as tf.Tensor[]);
    save(saved);
    return { value, gradFunc: gradient };
  })(...inputs);
}
