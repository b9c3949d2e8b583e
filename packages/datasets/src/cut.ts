import type { Batch, Data, Tensors } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { ahead } from './ahead.js';
import { checkInteger } from './errors.js';
import { type Column, type Examples, sizeOf } from './examples.js';
import { gatherBytes, gatherFloats, shiftImages, shiftsOf } from './gather.js';
import { permutation } from './random.js';

/** How bytes 0 … 255 become floats: `'unit'` to [0, 1], `'symmetric'` to [-1, 1], `'none'` leaves 0 … 255. */
export type Scale = 'unit' | 'symmetric' | 'none';

/** Random moves of training images, drawn anew for each epoch. */
export interface Shift {
  /** Whole pixels on both axes, at least 1. */
  readonly most: number;
  readonly seed: number;
  /** `[height, width, channels]` */
  readonly size: readonly number[];
  /** What moves in. */
  readonly background: number;
}

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
  readonly shift?: Shift | undefined;
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

/** A kernel that gathers and moves at once, straight into the backend's memory: `@espalier/backend` has it on native. */
const kernelName = 'EspalierExamples';

/** The chosen examples of an input, as a tensor. */
function inputTensor(
  column: Column,
  chosen: Uint32Array,
  table: Float32Array,
  shape: readonly number[],
  shift?: Shift & { readonly epoch: number },
): tf.Tensor {
  const { values } = column;
  const shifts = shift && shiftsOf(chosen, shift);
  const known = values instanceof Uint8Array || values instanceof Float32Array;
  if (known && sizeOf(column.shape) > 0 && tf.getKernel(kernelName, tf.getBackend())) {
    const picture = shift && [...shift.size, shift.background];
    const attributes = { values, table, chosen, shape, shifts, picture };
    return tf.engine().runKernel(kernelName, {}, attributes as unknown as tf.NamedAttrMap) as tf.Tensor;
  }
  const numbers = gather(column, chosen, table);
  if (shift && shifts) shiftImages(numbers, shifts, shift.size, shift.background);
  return tf.tensor(numbers, shape as number[], 'float32');
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

/** The examples of each batch of an epoch. */
function ordered(
  { size }: Examples,
  { batchSize, shuffle, dropRemainder = false }: CutOptions,
): {
  readonly stepsPerEpoch: number;
  chosen(epoch: number): (step: number) => Uint32Array;
} {
  const stepsPerEpoch = dropRemainder ? Math.floor(size / batchSize) : Math.ceil(size / batchSize);
  const inOrder = shuffle === false ? Uint32Array.from({ length: size }, (_, i) => i) : undefined;
  return {
    stepsPerEpoch,
    chosen(epoch) {
      checkInteger('batches', 'epoch', epoch, 0);
      const order = inOrder ?? permutation(size, shuffle as number, epoch);
      return (step) => order.subarray(step * batchSize, Math.min(size, (step + 1) * batchSize));
    },
  };
}

/** The batch of the chosen examples, out of its inputs, each made in its shape. */
function batchOf(
  { inputs, labels, weights }: Examples,
  { shapes, oneHot = true }: CutOptions,
  chosen: Uint32Array,
  input: (column: Column, shape: readonly number[], index: number) => tf.Tensor,
): Batch {
  const given = inputs.map((column, i) =>
    input(column, [chosen.length, ...(shapes?.[i] ?? column.shape)], i),
  );
  const wanted = labels.map((column) => labelTensor(column, chosen, oneHot));
  return {
    inputs: packed(inputs, given),
    labels: packed(labels, wanted),
    ...(weights && { weights: tf.tensor1d(Float32Array.from(chosen, (index) => weights[index])) }),
  };
}

/** Batches whose order depends on (seed, epoch) alone. */
export function cut(examples: Examples, options: CutOptions): CutBatches {
  const { size } = examples;
  const { batchSize, scale, shift } = options;
  const table = scaleTable(scale);
  const { stepsPerEpoch, chosen } = ordered(examples, options);
  function* batches(epoch: number): Generator<Batch, void, undefined> {
    const at = chosen(epoch);
    for (let step = 0; step < stepsPerEpoch; step++) {
      const taken = at(step);
      yield batchOf(examples, options, taken, (column, shape, i) =>
        inputTensor(column, taken, table, shape, i === 0 && shift ? { ...shift, epoch } : undefined),
      );
    }
  }
  return { size, batchSize, stepsPerEpoch, batches };
}

/** How many batches are prepared before they are asked for. */
export interface Depth {
  /** Threads at work. */
  readonly workers: number;
  /** Are the first ones of the next epoch, too? */
  readonly goesOn: boolean;
}

/** Most bytes of batches that wait. */
const mostWaiting = 2 ** 28;

/** The same, with the numbers of the one input made by and by, elsewhere: they are begun before they are asked for. */
export function cutAhead(
  examples: Examples,
  options: CutOptions,
  { workers, goesOn }: Depth,
  numbersOf: (chosen: Uint32Array, epoch: number) => Promise<Float32Array>,
): Data {
  const { size } = examples;
  const { batchSize } = options;
  const { stepsPerEpoch, chosen } = ordered(examples, options);
  const bytes = 4 * Math.min(batchSize, size) * sizeOf(examples.inputs[0].shape);
  const depth = Math.max(2, Math.min(workers + 2, Math.floor(mostWaiting / bytes)));
  let kept: { readonly epoch: number; readonly begun: Promise<Batched>[] } | undefined;
  const starting = (epoch: number): ((step: number) => Promise<Batched>) => {
    const at = chosen(epoch);
    return async (step) => ({ chosen: at(step), numbers: await numbersOf(at(step), epoch) });
  };
  async function* batches(epoch: number): AsyncGenerator<Batch, void, undefined> {
    const first = kept?.epoch === epoch ? kept.begun : [];
    kept = undefined;
    const next = goesOn && {
      start: starting(epoch + 1),
      take: (begun: Promise<Batched>[]) => {
        kept = { epoch: epoch + 1, begun };
      },
    };
    for await (const { chosen, numbers } of ahead(
      stepsPerEpoch,
      depth,
      starting(epoch),
      first,
      next || undefined,
    ))
      yield batchOf(examples, options, chosen, (_, shape) =>
        tf.tensor(numbers, shape as number[], 'float32'),
      );
  }
  return { size, stepsPerEpoch, batches };
}

interface Batched {
  readonly chosen: Uint32Array;
  readonly numbers: Float32Array;
}
