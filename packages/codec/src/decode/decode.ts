import type { DecodedArtifacts, ModelArtifacts } from '../artifacts.js';
import { Reader } from '../bytes/reader.js';
import { asBytes } from '../bytes/view.js';
import type { Header, TensorEntry } from '../container/format.js';
import { cut, readHeader } from '../container/header.js';
import type { Limits } from '../container/limits.js';
import { checkTiles, decodeTensor } from './tensor.js';

/**
 * Decodes an `.esp` file into what `tf.loadLayersModel` and `tf.loadGraphModel` take from an IOHandler.
 * The weights are bit for bit those that were encoded, in one ArrayBuffer, in the order of `weightSpecs`.
 *
 * @throws EspError for anything that is not a whole, undamaged file within the limits; nothing is
 * allocated for the weights before the header is checked.
 *
 * @example
 * ```ts
 * import { decode, encode } from '@espalier/codec';
 *
 * const weights = new Float32Array([0, 0.5, -0.5, 0, 0.5, 0]);
 * const file = encode({
 *   modelTopology: { class_name: 'Sequential' },
 *   weightSpecs: [{ name: 'dense/kernel', shape: [2, 3], dtype: 'float32' }],
 *   weightData: weights.buffer,
 * });
 * const back = decode(file);
 * if (new Float32Array(back.weightData)[2] !== -0.5) throw new Error('not what was encoded');
 * ```
 */
export function decode(bytes: ArrayBuffer | ArrayBufferView, limits?: Limits): DecodedArtifacts {
  const file = asBytes(bytes);
  const header = readHeader(file, limits);
  if (file.length !== header.fileLength) cut();
  // Checksums first: they are cheap, and what follows may trust that the bytes are those that were written.
  const reader = new Reader(file);
  reader.take(header.headerLength);
  const stored = header.tensors.map((tensor) => checkTiles(reader.take(tensor.stored), tensor));
  const weightData = new ArrayBuffer(header.decodedBytes);
  header.tensors.forEach((tensor, i) => {
    const view = ({ start }: TensorEntry): Uint8Array => new Uint8Array(weightData, start, tensor.total);
    decodeTensor(stored[i], tensor, view(tensor), view(header.tensors[tensor.same!] ?? tensor), header.coder);
  });
  header.coder?.finish();
  return { ...artifactsOf(header), weightData };
}

/** All artifacts but the weights. */
export function artifactsOf(header: Header): ModelArtifacts & { weightSpecs: TensorEntry['spec'][] } {
  const { license, sha256, ...meta } = header.meta;
  return { ...meta, weightSpecs: header.tensors.map((tensor) => tensor.spec) };
}
