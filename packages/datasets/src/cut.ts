import type { Batch, Tensors } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { checkInteger } from './errors.js';
import { type Column, type Examples, sizeOf } from './examples.js';
import { gatherBytes, gatherFloats } from './gather.js';
import { permutation } from './random.js';

/** How bytes 0 … 255 become floats: `'unit'` to [0, 1], `'symmetric'` to [-1, 1], `'none'` leaves 0 … 255. */
export type Scale = 'unit' | 'symmetric' | 'none';

/** Changes the inputs of a batch in place, before they become tensors: `chosen` are the examples that it holds. */
export type Alter = (values: Float32Array, chosen: Uint32Array, epoch: number) => void;

/** How examples are cut into batches. */
export interface CutOptions {
  readonly batchSize: number;
  /** The seed of a new order for each epoch, or `false` for the order of the data. */
  readonly shuffle: number | false;
  readonly scale: Scale;
  /** The shape of each input; default: the column's own. */
  readonly shapes?: readonly (readonly number[])[];
  /** One-hot rows instead of class indices. Default true. */
  readonly oneHot?: boolean;
  /** Leaves out the last batch of an epoch when it is not full. Default false. */
  readonly dropRemainder?: boolean;
  /** For the first input. */
  readonly alter?: Alter | undefined;
}

/** Examples cut into batches. */
export interface CutBatches {
  readonly size: number;
  readonly batchSize: number;
  readonly stepsPerEpoch: number;
  batches(epoch: number): Iterable<Batch>;
}

/** Byte to float, as a table. */
export function scaleTable(scale: Scale): Float32Array {
  const convert = {
    unit: (v: number) => v / 255,
    symmetric: (v: number) => v / 127.5 - 1,
    none: (v: number) => v,
  };
  return Float32Array.from({ length: 256 }, (_, v) => convert[scale](v));
}

const plain = scaleTable('none');

/** The numbers of the chosen examples. A new array each time: the cpu and wasm backends keep the one they are given. */
function gather({ values, shape }: Column, chosen: Uint32Array, table: Float32Array): Float32Array {
  const stride = sizeOf(shape);
  const out = new Float32Array(chosen.length * stride);
  if (values instanceof Uint8Array) gatherBytes(out, values, table, chosen, stride);
  else gatherFloats(out, values, chosen, stride);
  return out;
}

/** One-hot rows, class indices, or numbers. */
function labelTensor(column: Column, chosen: Uint32Array, oneHot: boolean): tf.Tensor {
  const { classes, values, shape } = column;
  if (classes === undefined)
    return tf.tensor(gather(column, chosen, plain), [chosen.length, ...shape], 'float32');
  if (!oneHot) {
    return tf.tensor1d(
      Int32Array.from(chosen, (index) => values[index]),
      'int32',
    );
  }
  const rows = new Float32Array(chosen.length * classes.length);
  for (let i = 0; i < chosen.length; i++) rows[i * classes.length + values[chosen[i]]] = 1;
  return tf.tensor(rows, [chosen.length, classes.length], 'float32');
}

/** One tensor by itself; several by their names, or in their order. */
function packed(columns: readonly Column[], tensors: tf.Tensor[]): Tensors {
  if (tensors.length === 1 && columns[0].name === undefined) return tensors[0];
  if (columns.some(({ name }) => name === undefined)) return tensors;
  return Object.fromEntries(tensors.map((tensor, i) => [columns[i].name as string, tensor]));
}

/** Batches whose order depends on (seed, epoch) alone. */
export function cut(examples: Examples, options: CutOptions): CutBatches {
  const { size, inputs, labels, weights } = examples;
  const { batchSize, shuffle, scale, shapes, oneHot = true, dropRemainder = false, alter } = options;
  const table = scaleTable(scale);
  const stepsPerEpoch = dropRemainder ? Math.floor(size / batchSize) : Math.ceil(size / batchSize);
  const inOrder = shuffle === false ? Uint32Array.from({ length: size }, (_, i) => i) : undefined;
  function* batches(epoch: number): Generator<Batch, void, undefined> {
    checkInteger('batches', 'epoch', epoch, 0);
    const order = inOrder ?? permutation(size, shuffle as number, epoch);
    for (let step = 0; step < stepsPerEpoch; step++) {
      const chosen = order.subarray(step * batchSize, Math.min(size, (step + 1) * batchSize));
      const given = inputs.map((column, i) => {
        const values = gather(column, chosen, table);
        if (i === 0) alter?.(values, chosen, epoch);
        return tf.tensor(values, [chosen.length, ...(shapes?.[i] ?? column.shape)], 'float32');
      });
      const wanted = labels.map((column) => labelTensor(column, chosen, oneHot));
      yield {
        inputs: packed(inputs, given),
        labels: packed(labels, wanted),
        ...(weights && { weights: tf.tensor1d(Float32Array.from(chosen, (index) => weights[index])) }),
      };
    }
  }
  return { size, batchSize, stepsPerEpoch, batches };
}
