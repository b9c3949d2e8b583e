import * as tf from '@tensorflow/tfjs-core';
import type { Executable, InputSpec } from '../model/model.js';

/** Operations that leave elements what they are. */
const still = ['Identity', 'Reshape', 'Cast', 'ExpandDims', 'Squeeze', 'Transpose'];

/**
 * A model's inputs, those known as indices that look up the rows of a table: the model is run once on zeros, which every table
 * has, and looked at on the way.
 */
export async function inputsWithTables(model: Executable): Promise<InputSpec[]> {
  const { inputs } = model;
  if (!inputs.some(mayBeIndices) || inputs.some(({ dtype }) => dtype === 'string')) return [...inputs];
  const zeros = inputs.map(({ shape, dtype }) =>
    tf.zeros(
      shape.map((n, axis) => (n < 0 ? (axis === 0 ? 1 : 8) : n)),
      dtype as 'float32',
    ),
  );
  const which = new Map<object, number>(zeros.map((tensor, i) => [tensor.dataId, i]));
  const rows = new Map<number, number>();
  try {
    const outputs = await model.run(zeros, undefined, ({ kernel, inputs: given, attrs }, results) => {
      const index = which.get(given.x?.dataId ?? given.input?.dataId);
      if (index !== undefined && still.includes(kernel)) which.set(results[0].dataId, index);
      const looked = kernel === 'GatherV2' ? which.get(given.indices.dataId) : undefined;
      if (looked === undefined) return;
      const own = given.x.shape[(attrs.axis as number) ?? 0];
      rows.set(looked, Math.min(rows.get(looked) ?? Number.POSITIVE_INFINITY, own));
    });
    tf.dispose(outputs);
  } catch {
    // Then nothing is known; the run on examples says what is wrong.
  } finally {
    tf.dispose(zeros);
  }
  return inputs.map((input, i) => (rows.has(i) ? { ...input, below: rows.get(i) } : input));
}

/** Pictures and sounds are none. */
const mayBeIndices = ({ shape, dtype }: InputSpec): boolean =>
  dtype === 'int32' || (shape.length <= 3 && !shape.some((n) => n >= 4096));
