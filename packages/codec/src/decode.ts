import type { DecodedArtifacts, ModelArtifacts } from './artifacts.js';
import { buildBook } from './codebook.js';
import { crc32c } from './crc32c.js';
import { decodeFast } from './decode-fast.js';
import { decodeMix } from './decode-mix.js';
import { fail } from './errors.js';
import type { Header, LevelsLayout, TensorEntry } from './format.js';
import { offsetsOf } from './geometry.js';
import { scaleLevels } from './grid.js';
import { cut, readHeader } from './header.js';
import type { LevelSink } from './level-coding.js';
import type { Limits } from './limits.js';
import { decodeLz } from './lz.js';
import { decodePlanes } from './planes.js';
import { RangeDecoder } from './range-decoder.js';
import { decodeRans } from './rans.js';

/** `bytes` as a view without copying. */
export function asBytes(bytes: ArrayBuffer | ArrayBufferView): Uint8Array {
  if (ArrayBuffer.isView(bytes)) return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return new Uint8Array(bytes);
}

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
  for (const tensor of header.tensors) checkTiles(file, tensor);
  const weightData = new ArrayBuffer(header.decodedBytes);
  for (const tensor of header.tensors) {
    const view = ({ start }: TensorEntry): Uint8Array => new Uint8Array(weightData, start, tensor.byteLength);
    if (tensor.same === undefined) decodeTensor(file, tensor, view(tensor));
    else view(tensor).set(view(header.tensors[tensor.same]));
  }
  return { ...artifactsOf(header), weightData };
}

/** All artifacts but the weights. */
export function artifactsOf(header: Header): ModelArtifacts & { weightSpecs: TensorEntry['spec'][] } {
  const { license, sha256, ...meta } = header.meta;
  return { ...meta, weightSpecs: header.tensors.map((tensor) => tensor.spec) };
}

/** Compares the checksum of every tile of a tensor; `base` is where `file[0]` lies in the whole file. */
export function checkTiles(file: Uint8Array, tensor: TensorEntry, base = 0): void {
  for (const { offset, length, crc } of tensor.tiles) {
    if (crc32c(file, offset - base, offset - base + length) !== crc) {
      fail('checksum', 'a damaged tensor');
    }
  }
}

/** Decodes one tensor, its tiles checked before, into `out`. */
export function decodeTensor(file: Uint8Array, tensor: TensorEntry, out: Uint8Array, base = 0): void {
  const { codec, constant, itemBytes, tiles, levels } = tensor;
  if (levels) {
    decodeLevels(file, tensor, levels, out, base);
    return;
  }
  if (constant) for (let i = 0; i < out.length; i += itemBytes) out.set(constant, i);
  for (const { offset, length } of tiles) {
    const start = offset - base;
    const end = start + length;
    if (codec === 'raw') out.set(file.subarray(start, end));
    else if (codec === 'lz') decodeLz(file, start, end, out, itemBytes);
    else decodePlanes(file, start, end, out, itemBytes, isFloat32(tensor));
  }
}

/** Whether the elements are 4-byte floats (complex numbers are pairs of them). */
export function isFloat32(tensor: Pick<TensorEntry, 'spec'>): boolean {
  const { dtype, quantization } = tensor.spec;
  return dtype === 'complex64' || (dtype === 'float32' && !quantization);
}

function decodeLevels(
  file: Uint8Array,
  tensor: TensorEntry,
  levels: LevelsLayout,
  out: Uint8Array,
  base: number,
): void {
  const { codec, itemBytes, elements, tiles } = tensor;
  const book = buildBook(levels.book);
  // A view of the element type needs its alignment; otherwise the tensor goes through a copy.
  const aligned = out.byteOffset % itemBytes === 0;
  const buffer = aligned ? (out.buffer as ArrayBuffer) : new ArrayBuffer(elements * itemBytes);
  const offset = aligned ? out.byteOffset : 0;
  const View = itemBytes === 4 ? Uint32Array : itemBytes === 2 ? Uint16Array : Uint8Array;
  const target = new View(buffer, offset, elements);
  target.fill(book[levels.book.negative]);
  const [rowOffsets, lineOffsets, widthOffsets] = levels.groups.map(offsetsOf);
  let first = 0;
  tiles.forEach((tile, t) => {
    const last = Math.floor((levels.rows * (t + 1)) / tiles.length);
    const grid = { ...levels.book, ...levels, rows: last - first };
    const sink: LevelSink = [target, book, rowOffsets.subarray(first, last), lineOffsets, widthOffsets];
    first = last;
    const start = tile.offset - base;
    const end = start + tile.length;
    if (codec === 'rans') {
      decodeRans(file, start, end, grid, sink);
      return;
    }
    const coder = new RangeDecoder(file, start, end);
    (codec === 'ctx-mix' ? decodeMix : decodeFast)(coder, grid, sink);
    coder.finish();
  });
  if (levels.book.scales) scaleLevels(target, levels.book, tensor.spec.shape);
  if (!aligned) out.set(new Uint8Array(buffer));
}
