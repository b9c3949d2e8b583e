import * as tf from '@tensorflow/tfjs-core';
import { checkInteger, checkOptions, DatasetError, suggest } from './errors.js';
import { gatherBytes, gatherFloats, shiftImages } from './gather.js';
import { permutation } from './random.js';
import type { Split } from './split.js';

/** One batch. Whoever takes it disposes of both tensors. */
export interface LabelledBatch {
  /** `[n, ...shape]`, float32 (token ids of {@link sequences}: int32). */
  readonly inputs: tf.Tensor;
  /** One-hot `[n, classCount]`, float32; or class indices `[n]`, int32. */
  readonly labels: tf.Tensor;
}

/** A data set cut into batches of tensors, epoch by epoch. */
export interface Batches {
  /** Examples in the split (with `dropRemainder`, a few of them are left out of each epoch). */
  readonly size: number;
  readonly batchSize: number;
  readonly stepsPerEpoch: number;
  /**
   * The batches of one epoch, made one by one as they are asked for. The order depends on (seed, epoch) alone: to
   * resume at epoch 7, ask for epoch 7. The caller disposes of the tensors.
   */
  batches(epoch: number): Iterable<LabelledBatch>;
}

/** How bytes 0 … 255 become floats: `'unit'` to [0, 1], `'symmetric'` to [-1, 1], `'none'` leaves 0 … 255. */
export type Scale = 'unit' | 'symmetric' | 'none';

/** Options of {@link batches}. */
export interface BatchOptions {
  /** Examples per batch, at least 1. */
  readonly batchSize: number;
  /** The seed of a new order for each epoch, or `false` for the order of the data. Default: `false`. */
  readonly shuffle?: number | false;
  /** Default: `'unit'` for bytes; floats are taken as they are. */
  readonly scale?: Scale;
  /** The shape of one example, e.g. `[784]` to flatten. Default: the split's `inputShape`. */
  readonly shape?: readonly number[];
  /** One-hot rows instead of class indices. Default: `true`. */
  readonly oneHot?: boolean;
  /** Leaves out the last batch of an epoch when it is not full. Default: `false`. */
  readonly dropRemainder?: boolean;
  /** Random changes of the training images; the split's `inputShape` must be `[height, width, channels]`. */
  readonly augment?: Augment;
}

/** Random changes of images, drawn anew for every epoch. */
export interface Augment {
  /** Moves by up to so many whole pixels on both axes; the background moves in. */
  readonly shift: number;
  /** Default: the seed of the shuffling, else 0. */
  readonly seed?: number;
}

const OPTIONS = ['batchSize', 'shuffle', 'scale', 'shape', 'oneHot', 'dropRemainder', 'augment'];
const SCALES: readonly Scale[] = ['unit', 'symmetric', 'none'];

/** Byte to float, as a table. */
function scaleTable(scale: Scale): Float32Array {
  const convert = {
    unit: (v: number) => v / 255,
    symmetric: (v: number) => v / 127.5 - 1,
    none: (v: number) => v,
  };
  return Float32Array.from({ length: 256 }, (_, v) => convert[scale](v));
}

function product(shape: readonly number[]): number {
  return shape.reduce((size, length) => size * length, 1);
}

/**
 * Batches of tensors out of a split's typed arrays.
 *
 * @throws DatasetError (`unknown-option`, `invalid-option`), at once, for anything it cannot honour.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { batches } from '@espalier/datasets';
 * const split = {
 *   size: 5, inputShape: [2, 2, 1], classCount: 2,
 *   inputs: new Uint8Array(20).fill(255), labels: Uint8Array.of(0, 1, 0, 1, 1),
 * };
 * const { stepsPerEpoch, batches: epoch } = batches(split, { batchSize: 2, shuffle: 7, shape: [4] });
 * let seen = 0;
 * for (const { inputs, labels } of epoch(0)) {
 *   seen += inputs.shape[0];
 *   inputs.dispose();
 *   labels.dispose();
 * }
 * if (stepsPerEpoch !== 3 || seen !== 5) throw new Error('unexpected');
 * ```
 */
export function batches(split: Split, options: BatchOptions): Batches {
  checkOptions('batches', options, OPTIONS);
  const { batchSize, shuffle = false, oneHot = true, dropRemainder = false, augment } = options;
  const { size, inputs, inputShape, classCount } = split;
  const { shape = inputShape } = options;
  const bytes = inputs instanceof Uint8Array;
  const scale = options.scale ?? (bytes ? 'unit' : 'none');
  const stride = product(inputShape);
  const invalid = (message: string, remedy: string): DatasetError =>
    new DatasetError('invalid-option', `batches: ${message}`, { remedy });

  checkInteger('batches', 'batchSize', batchSize, 1);
  if (shuffle !== false) checkInteger('batches', 'shuffle', shuffle, 0);
  if (!SCALES.includes(scale)) throw invalid(`scale is "${scale}".`, suggest(scale, SCALES));
  if (!bytes && scale !== 'none')
    throw invalid(`scale "${scale}" is for bytes; the inputs are floats.`, 'Leave it out.');
  if (product(shape) !== stride) {
    throw invalid(
      `shape [${shape.join(', ')}] has ${product(shape)} elements, an example ([${inputShape.join(', ')}]) ${stride}.`,
      `Give a shape of ${stride} elements, or none.`,
    );
  }
  if (inputs.length !== size * stride || split.labels.length !== size) {
    throw invalid(
      `the split says ${size} examples of [${inputShape.join(', ')}] and holds ${inputs.length} inputs, ` +
        `${split.labels.length} labels.`,
      'All three must agree.',
    );
  }
  if (oneHot && split.labels.some((label) => label >= classCount)) {
    throw invalid(`a label is not below classCount = ${classCount}.`, 'Correct classCount or the labels.');
  }
  if (augment !== undefined) {
    checkOptions('batches: augment', augment, ['shift', 'seed']);
    checkInteger('batches: augment', 'shift', augment.shift, 0);
    if (inputShape.length !== 3) {
      throw invalid(`augment needs images; inputShape is [${inputShape.join(', ')}].`, 'Leave it out.');
    }
  }

  const table = scaleTable(scale);
  const stepsPerEpoch = dropRemainder ? Math.floor(size / batchSize) : Math.ceil(size / batchSize);
  const inOrder = shuffle === false ? Uint32Array.from({ length: size }, (_, i) => i) : undefined;
  // Apart from the order, so that adding a shift does not change which examples a batch holds.
  const shiftSeed = (augment?.seed ?? (shuffle === false ? 0 : shuffle)) + 0x5f1f;

  function* epochBatches(epoch: number): Generator<LabelledBatch, void, undefined> {
    checkInteger('batches', 'epoch', epoch, 0);
    const order = inOrder ?? permutation(size, shuffle as number, epoch);
    for (let step = 0; step < stepsPerEpoch; step++) {
      const chosen = order.subarray(step * batchSize, Math.min(size, (step + 1) * batchSize));
      // A new array each time: the cpu and wasm backends keep the one they are given.
      const values = new Float32Array(chosen.length * stride);
      if (inputs instanceof Uint8Array) gatherBytes(values, inputs, table, chosen, stride);
      else gatherFloats(values, inputs, chosen, stride);
      if (augment !== undefined && augment.shift > 0) {
        const background = bytes ? table[0] : 0;
        shiftImages(values, chosen, inputShape, { most: augment.shift, background, seed: shiftSeed, epoch });
      }
      yield {
        inputs: tf.tensor(values, [chosen.length, ...shape], 'float32'),
        labels: labelTensor(split.labels, chosen, oneHot ? classCount : 0),
      };
    }
  }
  return { size, batchSize, stepsPerEpoch, batches: epochBatches };
}

/** One-hot rows, or class indices where `classCount` is 0. */
function labelTensor(labels: Uint8Array, chosen: Uint32Array, classCount: number): tf.Tensor {
  if (classCount === 0)
    return tf.tensor1d(
      Int32Array.from(chosen, (index) => labels[index]),
      'int32',
    );
  const rows = new Float32Array(chosen.length * classCount);
  for (let i = 0; i < chosen.length; i++) rows[i * classCount + labels[chosen[i]]] = 1;
  return tf.tensor(rows, [chosen.length, classCount], 'float32');
}
