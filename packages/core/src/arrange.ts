import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Tensors } from './data.js';
import { EspalierError, unknownName } from './errors.js';

/** What a model takes or gives: a tensor, or several in its order. */
export type Arranged = tf.Tensor | tf.Tensor[];

/** The tensors of something arranged, as a list. */
export function listed(tensors: Arranged): readonly tf.Tensor[] {
  return Array.isArray(tensors) ? tensors : [tensors];
}

/**
 * A batch's inputs or labels in the order in which a model has them.
 *
 * @throws EspalierError `unknown-name` for a name that the model does not have, or that the batch lacks; `shape-mismatch`
 *   for another number of them
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { arrange } from '@espalier/core';
 * const [left, right] = ['left', 'right'].map((name) => tfl.input({ name, shape: [1] }));
 * const sum = tfl.layers.add().apply([left, right]) as tfl.SymbolicTensor;
 * const model = tfl.model({ inputs: [left, right], outputs: sum });
 * const [a, b] = [tf.tensor2d([[1]]), tf.tensor2d([[2]])];
 * const [first] = arrange(model, 'input', { right: b, left: a }) as tf.Tensor[];
 * if (first !== a) throw new Error('unexpected');
 * ```
 */
export function arrange(model: LayersModel, what: 'input' | 'output', given: Tensors): Arranged {
  if (given instanceof tf.Tensor) {
    const { length } = what === 'input' ? model.inputs : model.outputs;
    if (length > 1) throw miscounted(what, 1, length);
    return given;
  }
  const names = what === 'input' ? model.inputNames : model.outputNames;
  if (Array.isArray(given)) {
    if (given.length !== names.length) throw miscounted(what, given.length, names.length);
    return given.length === 1 ? given[0] : [...given];
  }
  const named = given as tf.NamedTensorMap;
  const unknown = Object.keys(named).find((name) => !names.includes(name));
  if (unknown !== undefined) throw unknownName(`${what} of the model`, unknown, names);
  const tensors = names.map((name) => {
    if (Object.hasOwn(named, name)) return named[name];
    throw new EspalierError('unknown-name', `The data give nothing for the model's ${what} '${name}'.`, {
      remedy: `They give: ${Object.keys(named).join(', ') || 'nothing'}.`,
    });
  });
  return tensors.length === 1 ? tensors[0] : tensors;
}

function miscounted(what: 'input' | 'output', given: number, wanted: number): EspalierError {
  const [one, part] = what === 'input' ? ['input', 'inputs'] : ['output', 'labels'];
  return new EspalierError(
    'shape-mismatch',
    `The model has ${wanted} ${one}${wanted === 1 ? '' : 's'}; the data give ${given} tensor${given === 1 ? '' : 's'} of ${part}.`,
    { remedy: `Give a list in the model's order, or tensors by the names of its ${one}s.` },
  );
}

/**
 * The only tensor of something arranged, for plugins that work on models of one output.
 *
 * @param owner - Who needs it: named in the message.
 * @throws EspalierError `unsupported-layer` where there are several
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { listed, onlyOne } from '@espalier/core';
 * const [a, b] = [tf.scalar(1), tf.scalar(2)];
 * if (listed(a).length !== 1 || listed([a, b]).length !== 2 || onlyOne('mine', a) !== a) throw new Error('unexpected');
 * ```
 */
export function onlyOne(owner: string, tensors: Arranged): tf.Tensor {
  if (!Array.isArray(tensors)) return tensors;
  throw new EspalierError('unsupported-layer', `${owner}: the model has ${tensors.length} outputs.`, {
    remedy: 'It works on models of one output: leave it out for this one.',
  });
}
