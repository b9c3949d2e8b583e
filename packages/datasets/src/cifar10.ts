import { DatasetError } from './errors.js';

/** CIFAR-10's classes in the order of its labels (`batches.meta.txt`). */
export const CIFAR10_CLASSES: readonly string[] = [
  'airplane',
  'automobile',
  'bird',
  'cat',
  'deer',
  'dog',
  'frog',
  'horse',
  'ship',
  'truck',
];

const SIDE = 32;
const PLANE = SIDE * SIDE;
const RECORD = 1 + 3 * PLANE;

/**
 * Reads one file of CIFAR-10's binary version: records of one label byte and 3072 pixels, all red, then all green,
 * then all blue, each plane row by row. Pixels come out as TF.js wants them, `[n, 32, 32, 3]`.
 *
 * @param name The file's name, for errors.
 * @throws DatasetError (`bad-file`) when the length is no multiple of a record or a label is over 9.
 * @see {@link https://www.cs.toronto.edu/~kriz/cifar.html} "Binary version"
 *
 * @example
 * ```ts
 * import { readCifar10 } from '@espalier/datasets';
 * const record = new Uint8Array(3073).fill(200);
 * record[0] = 3; // a cat
 * const { inputs, labels } = readCifar10(record);
 * if (labels[0] !== 3 || inputs.length !== 3072) throw new Error('unexpected');
 * ```
 */
export function readCifar10(
  bytes: Uint8Array,
  name = 'CIFAR-10 data',
): { inputs: Uint8Array<ArrayBuffer>; labels: Uint8Array<ArrayBuffer> } {
  const size = bytes.length / RECORD;
  if (!Number.isInteger(size) || size === 0) {
    throw new DatasetError('bad-file', `${name}: ${bytes.length} bytes are no multiple of ${RECORD}.`, {
      remedy: 'It must be a .bin file of the binary version (a label byte and 3072 pixels per image).',
    });
  }
  const inputs = new Uint8Array(size * 3 * PLANE);
  const labels = new Uint8Array(size);
  let out = 0;
  for (let i = 0, at = 0; i < size; i++, at += RECORD) {
    labels[i] = bytes[at];
    if (bytes[at] > 9)
      throw new DatasetError('bad-file', `${name}: image ${i} has label ${bytes[at]}, over 9.`);
    for (let pixel = at + 1; pixel <= at + PLANE; pixel++) {
      inputs[out++] = bytes[pixel];
      inputs[out++] = bytes[pixel + PLANE];
      inputs[out++] = bytes[pixel + 2 * PLANE];
    }
  }
  return { inputs, labels };
}
