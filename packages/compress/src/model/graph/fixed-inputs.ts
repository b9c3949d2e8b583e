import { EspalierError, unknownName } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { GraphInput } from './inputs.js';

/** Values of inputs that are the same for all examples: a tensor, or a number for a tensor full of it. */
export type InputValues = Readonly<Record<string, tf.Tensor | number | boolean>>;

/**
 * Tensors for the inputs that are no examples: given ones, and 1 or 0 where the graph says enough.
 *
 * @throws EspalierError `unknown-name`, `shape-mismatch`
 */
export function fixedInputs(inputs: readonly GraphInput[], given: InputValues): Record<string, tf.Tensor> {
  const tensors: Record<string, tf.Tensor> = {};
  try {
    for (const [name, value] of Object.entries(given)) {
      const input = inputs.find((other) => other.name === name.replace(/:0$/, ''));
      if (!input)
        throw unknownName(
          'input',
          name,
          inputs.map((other) => other.name),
        );
      tensors[input.name] = tensorFor(input, value);
    }
    for (const { name, value, dtype, hasDefault } of inputs) {
      if (value && !hasDefault && !(name in tensors))
        tensors[name] = tf.fill([...value.shape], value.fill, dtype as 'float32');
    }
    return tensors;
  } catch (error) {
    tf.dispose(tensors);
    throw error;
  }
}

function tensorFor(
  { name, shape, dtype, value }: GraphInput,
  given: tf.Tensor | number | boolean,
): tf.Tensor {
  if (given instanceof tf.Tensor) {
    const fits =
      value !== undefined ||
      (given.rank === shape.length && shape.every((n, axis) => n < 0 || n === given.shape[axis]));
    if (!fits) {
      throw new EspalierError(
        'shape-mismatch',
        `Input ${name} takes [${shape}]; a value of [${given.shape}] is given.`,
      );
    }
    return tf.cast(given, dtype);
  }
  const sizes = shape.map((n) => (n < 0 ? 1 : n));
  return tf.fill(sizes, Number(given), dtype as 'float32');
}
