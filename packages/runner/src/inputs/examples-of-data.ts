import type { Examples, InputSpec, Labelled } from '@espalier/compress';
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

/** Which examples, and how many of them. */
interface Wanted {
  readonly count: number;
  readonly seed: number;
  readonly part: DataPart;
}

/** The one tensor of labels that there is. @throws EspalierError `bad-data` */
function onlyOne(labels: Tensors): tf.Tensor {
  const all = labels instanceof tf.Tensor ? [labels] : Object.values(labels);
  if (all.length === 1) return all[0];
  throw new EspalierError('bad-data', `The data have ${all.length} labels for an example.`, {
    remedy: 'Accuracy is of one: give data with one label of classes.',
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
  wanted: Wanted,
): Promise<Examples> {
  return drawn(text, inputs, wanted, () => []);
}

/** As {@link examplesOfData}, with the labels. */
export async function labelledOfData(
  text: string,
  inputs: readonly InputSpec[],
  wanted: Wanted,
): Promise<Labelled> {
  const all = await drawn(text, inputs, wanted, (labels) => [onlyOne(labels)]);
  return { inputs: all.slice(0, -1), labels: all[all.length - 1] };
}

/** Inputs, and what is wanted of the labels. */
async function drawn(
  text: string,
  inputs: readonly InputSpec[],
  { count, seed, part }: Wanted,
  labelsOf: (labels: Tensors) => readonly tf.Tensor[],
): Promise<tf.Tensor[]> {
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
  const batches: tf.Tensor[][] = [];
  let found = 0;
  try {
    for await (const batch of source.batches(part, { batchSize: count, shuffle: seed, shapes }).batches(0)) {
      try {
        const given = inOrder(batch.inputs, inputs).map((tensor, i) => {
          const { dtype } = inputs[i];
          return tf.cast(tensor, dtype === 'int32' || dtype === 'bool' ? dtype : 'float32');
        });
        batches.push([...given, ...labelsOf(batch.labels).map((tensor) => tf.clone(tensor))]);
        found += given[0].shape[0];
      } finally {
        tf.dispose({ ...batch } as tf.TensorContainer);
      }
      if (found >= count) break;
    }
    if (found === 0) {
      throw new EspalierError('bad-data', `${source.name} has no example for ${part}.`, {
        remedy: `Give it a share, ${part}: 0.1, or a file of its own.`,
      });
    }
    return batches[0].map((_, i) =>
      tf.tidy(() => tf.slice(tf.concat(batches.map((own) => own[i])), 0, Math.min(count, found))),
    );
  } finally {
    tf.dispose(batches);
  }
}
