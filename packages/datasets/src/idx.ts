import { DatasetError } from './errors.js';

/** An IDX file of unsigned bytes, as MNIST and its relatives use: `data` has `shape[0] * shape[1] * …` elements. */
export interface IdxArray {
  readonly shape: readonly number[];
  readonly data: Uint8Array;
}

const UNSIGNED_BYTE = 0x08;

/**
 * Reads an IDX file of unsigned bytes: two zero bytes, the element type (8), the number of axes, each axis' length
 * as a big-endian 32-bit integer, then the elements in C order. The data is a view of `bytes`, not a copy.
 *
 * @param name The file's name, for errors.
 * @throws DatasetError (`bad-file`) when it is no such file or its length differs from what its header says.
 * @see {@link http://yann.lecun.com/exdb/mnist/} "The IDX file format"
 *
 * @example
 * ```ts
 * import { readIdx, writeIdx } from '@espalier/datasets';
 * const { shape, data } = readIdx(writeIdx({ shape: [2, 3], data: Uint8Array.of(1, 2, 3, 4, 5, 6) }));
 * if (shape.join() !== '2,3' || data[5] !== 6) throw new Error('unexpected');
 * ```
 */
export function readIdx(bytes: Uint8Array, name = 'IDX data'): IdxArray {
  const bad = (why: string): DatasetError => new DatasetError('bad-file', `${name}: ${why}.`);
  if (bytes.length < 4 || bytes[0] !== 0 || bytes[1] !== 0)
    throw bad('not an IDX file (it starts otherwise)');
  if (bytes[2] !== UNSIGNED_BYTE)
    throw bad(`element type 0x${bytes[2].toString(16)}, only unsigned bytes are read`);
  const header = 4 + 4 * bytes[3];
  if (bytes.length < header) throw bad('cut off in the header');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: bytes[3] }, (_, axis) => view.getUint32(4 + 4 * axis));
  const size = shape.reduce((product, length) => product * length, 1);
  if (bytes.length !== header + size) {
    throw bad(`shape [${shape.join(', ')}] takes ${header + size} bytes, the file has ${bytes.length}`);
  }
  return { shape, data: bytes.subarray(header) };
}

/**
 * The inverse of {@link readIdx}.
 *
 * @throws DatasetError (`invalid-option`) when `data` does not have as many elements as `shape` says.
 */
export function writeIdx({ shape, data }: IdxArray): Uint8Array<ArrayBuffer> {
  const size = shape.reduce((product, length) => product * length, 1);
  if (size !== data.length || shape.length > 255) {
    throw new DatasetError(
      'invalid-option',
      `writeIdx: shape [${shape.join(', ')}] and ${data.length} elements.`,
    );
  }
  const bytes = new Uint8Array(4 + 4 * shape.length + size);
  const view = new DataView(bytes.buffer);
  bytes[2] = UNSIGNED_BYTE;
  bytes[3] = shape.length;
  shape.forEach((length, axis) => {
    view.setUint32(4 + 4 * axis, length);
  });
  bytes.set(data, 4 + 4 * shape.length);
  return bytes;
}
