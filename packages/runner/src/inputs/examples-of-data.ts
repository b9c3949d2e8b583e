import type { Examples, InputSpec } from '@espalier/compress';
import { EspalierError, type Tensors } from '@espalier/core';
import type { DataPart } from '@espalier/datasets';
import * as tf from '@tensorflow/tfjs-core';
import { makeSource } from '../pipeline/data.js';
import { givenData } from './data-argument.js';

/** The tensors of a batch in the order of a model's inputs. @throws EspalierError `bad-data` */
function inOrder(given: Tensors, inputs: readonly InputSpec[]): readonly tf.Tensor[] {
  if (given instanceof tf.Tensor) return [given];
  if (Array.isArray(given)) return given;
  return inputs.map(({ name }) => {
    const found = given[name] ?? given[name.replace(/:\d+$/, '')];
    if (found) return found;
    throw new EspalierError('bad-data', `The data give nothing for the model's input '${name}'.`, {
      remedy: `They give: ${Object.keys(given).join(', ')}.`,
    });
  });
}

/**
 * Inputs out of data as a recipe has them, `count` examples drawn by the seed.
 *
 * @throws EspalierError `bad-recipe`, `bad-data`; what the sources throw
 */
export async function examplesOfData(
  text: string,
  inputs: readonly InputSpec[],
  { count, seed, part }: { readonly count: number; readonly seed: number; readonly part: DataPart },
): Promise<Examples> {
  const { data, folder, seed: split } = await givenData(text);
  const source = await makeSource(data, { folder, seed: split });
  if (source.inputs.length !== inputs.length) {
    throw new EspalierError(
      'bad-data',
      `The model has ${inputs.length} inputs, the data have ${source.inputs.length}.`,
      {
        remedy: 'Give data with an input for each of the model.',
      },
    );
  }
  // Sizes that are open in the model are those of the data.
  const shapes = inputs.map(({ shape }, i) => {
    const own = shape.slice(1);
    return own.some((n) => n < 0) ? source.inputs[i].shape : own;
  });
  const pieces: tf.Tensor[][] = inputs.map(() => []);
  let found = 0;
  for await (const batch of source.batches(part, { batchSize: count, shuffle: seed, shapes }).batches(0)) {
    const tensors = inOrder(batch.inputs, inputs);
    for (const [i, { dtype }] of inputs.entries()) {
      const cast = tf.cast(tensors[i], dtype === 'int32' || dtype === 'bool' ? dtype : 'float32');
      pieces[i].push(cast);
    }
    found += tensors[0].shape[0];
    tf.dispose({ ...batch } as tf.TensorContainer);
    if (found >= count) break;
  }
  return pieces.map((parts) => {
    const whole = tf.tidy(() => tf.slice(tf.concat(parts), 0, Math.min(count, found)));
    tf.dispose(parts);
    return whole;
  });
}
