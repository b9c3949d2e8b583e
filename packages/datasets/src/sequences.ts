import * as tf from '@tensorflow/tfjs-core';
import type { Batches, LabelledBatch } from './batches.js';
import { checkInteger, checkOptions, DatasetError } from './errors.js';
import { generator, permutation } from './random.js';

/** Options of {@link sequences}. */
export interface SequenceOptions {
  /** How many different ids there are: the alphabet's length. */
  readonly classCount: number;
  /** Characters per sequence. */
  readonly length: number;
  /** Sequences per batch. */
  readonly batchSize: number;
  /** The seed of a new order, and of a new place to cut, for each epoch; or `false`. Default: `false`. */
  readonly shuffle?: number | false;
  /** One-hot inputs `[n, length, classCount]` instead of ids `[n, length]`. Default: `false`. */
  readonly oneHotInputs?: boolean;
  /** Leaves out the last batch of an epoch when it is not full. Default: `false`. */
  readonly dropRemainder?: boolean;
}

const OPTIONS = ['classCount', 'length', 'batchSize', 'shuffle', 'oneHotInputs', 'dropRemainder'];

/**
 * Batches for next-character prediction: the ids are cut into sequences of `length` that do not overlap; a label is
 * the character after its input, one-hot `[n, length, classCount]`. With a seed, every epoch cuts at another
 * offset, so that the borders do not stay where they are.
 *
 * @throws DatasetError (`unknown-option`, `invalid-option`), at once, for anything it cannot honour.
 */
export function sequences(ids: Uint16Array, options: SequenceOptions): Batches {
  checkOptions('sequences', options, OPTIONS);
  const {
    classCount,
    length,
    batchSize,
    shuffle = false,
    oneHotInputs = false,
    dropRemainder = false,
  } = options;
  checkInteger('sequences', 'classCount', classCount, 1);
  checkInteger('sequences', 'length', length, 1);
  checkInteger('sequences', 'batchSize', batchSize, 1);
  if (shuffle !== false) checkInteger('sequences', 'shuffle', shuffle, 0);
  if (ids.some((id) => id >= classCount)) {
    throw new DatasetError('invalid-option', `sequences: an id is not below classCount = ${classCount}.`);
  }
  // One character more than the inputs is needed for the last label; with a seed, room for every offset.
  const room = shuffle === false ? 1 : length;
  const size = Math.floor((ids.length - room) / length);
  if (size < 1) {
    throw new DatasetError('invalid-option', `sequences: ${ids.length} ids give no sequence of ${length}.`, {
      remedy: 'Take shorter sequences or more text.',
    });
  }
  const stepsPerEpoch = dropRemainder ? Math.floor(size / batchSize) : Math.ceil(size / batchSize);

  function* epochBatches(epoch: number): Generator<LabelledBatch, void, undefined> {
    checkInteger('sequences', 'epoch', epoch, 0);
    const order = shuffle === false ? undefined : permutation(size, shuffle, epoch);
    const offset = shuffle === false ? 0 : Math.floor(generator(shuffle, epoch, 1)() * length);
    for (let step = 0; step < stepsPerEpoch; step++) {
      const count = Math.min(batchSize, size - step * batchSize);
      const inputs = new Int32Array(count * length);
      const labels = new Float32Array(count * length * classCount);
      const hot = oneHotInputs ? new Float32Array(labels.length) : undefined;
      for (let i = 0, out = 0; i < count; i++) {
        const which = step * batchSize + i;
        let at = offset + (order === undefined ? which : order[which]) * length;
        for (let t = 0; t < length; t++, out++, at++) {
          inputs[out] = ids[at];
          labels[out * classCount + ids[at + 1]] = 1;
          if (hot !== undefined) hot[out * classCount + ids[at]] = 1;
        }
      }
      yield {
        inputs:
          hot === undefined
            ? tf.tensor2d(inputs, [count, length], 'int32')
            : tf.tensor3d(hot, [count, length, classCount], 'float32'),
        labels: tf.tensor3d(labels, [count, length, classCount], 'float32'),
      };
    }
  }
  return { size, batchSize, stepsPerEpoch, batches: epochBatches };
}
