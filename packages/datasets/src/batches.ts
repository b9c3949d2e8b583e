import type * as tf from '@tensorflow/tfjs-core';
import { cut, type Scale, type Shift, scaleTable } from './cut.js';
import { checkInteger, checkOptions, DatasetError, suggest } from './errors.js';
import { type Examples, sizeOf } from './examples.js';
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
  const stride = sizeOf(inputShape);
  const invalid = (message: string, remedy: string): DatasetError =>
    new DatasetError('invalid-option', `batches: ${message}`, { remedy });

  checkInteger('batches', 'batchSize', batchSize, 1);
  if (shuffle !== false) checkInteger('batches', 'shuffle', shuffle, 0);
  if (!SCALES.includes(scale)) throw invalid(`scale is "${scale}".`, suggest(scale, SCALES));
  if (!bytes && scale !== 'none')
    throw invalid(`scale "${scale}" is for bytes; the inputs are floats.`, 'Leave it out.');
  if (sizeOf(shape) !== stride) {
    throw invalid(
      `shape [${shape.join(', ')}] has ${sizeOf(shape)} elements, an example ([${inputShape.join(', ')}]) ${stride}.`,
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

  // Apart from the order, so that adding a shift does not change which examples a batch holds.
  const seed = (augment?.seed ?? (shuffle === false ? 0 : shuffle)) + 0x5f1f;
  const most = augment?.shift ?? 0;
  const background = bytes ? scaleTable(scale)[0] : 0;
  const shift: Shift | undefined = most > 0 ? { most, background, seed, size: inputShape } : undefined;
  const cutting = { batchSize, shuffle, scale, shapes: [shape], oneHot, dropRemainder, shift };
  return cut(examplesOf(split), cutting) as Batches;
}

/** A split as examples of one input and one label. */
export function examplesOf(
  { size, inputs, inputShape, labels, classCount }: Split,
  names?: readonly string[],
): Examples {
  const classes = names ?? Array.from({ length: classCount }, (_, i) => String(i));
  return {
    size,
    inputs: [{ shape: inputShape, values: inputs }],
    labels: [{ shape: [], values: labels, classes }],
  };
}
