import type { DecodedArtifacts, ModelArtifacts } from './artifacts.js';
import { crc32c } from './crc32c.js';
import { decodeFast } from './decode-fast.js';
import { decodeMix } from './decode-mix.js';
import { broken, fail } from './errors.js';
import type { Header, LevelsLayout, TensorEntry } from './format.js';
import { countOf, offsetsOf } from './geometry.js';
import { ramp, toElements } from './grid.js';
import { cut, readHeader } from './header.js';
import type { LevelSink } from './level-coding.js';
import type { Limits } from './limits.js';
import { decodeLz } from './lz.js';
import { decodePlanes } from './planes.js';
import { RangeDecoder } from './range-decoder.js';
import { decodeRans } from './rans.js';
import { Reader } from './reader.js';

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
  const reader = new Reader(file);
  reader.take(header.headerLength);
  const stored = header.tensors.map((tensor) => checkTiles(reader.take(tensor.stored), tensor));
  const weightData = new ArrayBuffer(header.decodedBytes);
  header.tensors.forEach((tensor, i) => {
    const view = ({ start }: TensorEntry): Uint8Array => new Uint8Array(weightData, start, tensor.total);
    decodeTensor(stored[i], tensor, view(tensor), view(header.tensors[tensor.same!] ?? tensor));
  });
  return { ...artifactsOf(header), weightData };
}

/** All artifacts but the weights. */
export function artifactsOf(header: Header): ModelArtifacts & { weightSpecs: TensorEntry['spec'][] } {
  const { license, sha256, ...meta } = header.meta;
  return { ...meta, weightSpecs: header.tensors.map((tensor) => tensor.spec) };
}

/** Compares the checksum of every tile of a tensor, and returns its payloads. */
export function checkTiles(stored: Uint8Array, { parts }: TensorEntry): Uint8Array {
  const reader = new Reader(stored);
  for (const { length, crc } of parts) {
    if (crc32c(reader.take(length)) !== crc) fail('checksum', 'a damaged tensor');
  }
  return stored;
}

/** Decodes one tensor from its payloads, checked before, into `out`, which holds zeros; `like`: that which it repeats. */
export function decodeTensor(
  stored: Uint8Array,
  tensor: TensorEntry,
  out: Uint8Array,
  like?: Uint8Array,
): void {
  const { codec, constant, itemBytes, levels } = tensor;
  if (levels) decodeLevels(stored, tensor, levels, out);
  else if (constant) for (let i = 0; i < out.length; i++) out[i] = constant[i % itemBytes];
  else if (codec === 'same') out.set(like!);
  else if (codec === 'raw') out.set(stored);
  else if (codec === 'lz') decodeLz(stored, out, itemBytes);
  else if (codec === 'planes') decodePlanes(stored, out, itemBytes, isFloat32(tensor));
  checkStrings(tensor, out);
}

/** Fails unless a tensor of strings holds as many as its shape says. */
export function checkStrings({ spec: { dtype, shape } }: TensorEntry, bytes: Uint8Array): void {
  if (dtype !== 'string') return;
  const reader = new Reader(bytes);
  for (let left = countOf(shape); left > 0; left--) reader.take(reader.uint(4));
  if (reader.position < bytes.length) broken(64); // a tensor has more strings than its shape says
}

/** Whether the elements are 4-byte floats (complex numbers are pairs of them). */
export function isFloat32(tensor: Pick<TensorEntry, 'spec'>): boolean {
  const { dtype, quantization } = tensor.spec;
  return dtype === 'complex64' || (dtype === 'float32' && !quantization);
}

function decodeLevels(
  stored: Uint8Array,
  { codec, itemBytes, count, parts, spec: { shape } }: TensorEntry,
  levels: LevelsLayout,
  out: Uint8Array,
): void {
  const { book, groups, rows } = levels;
  const size = book.negative + 1 + book.positive;
  let of = book.kind === 'list' ? new Int32Array(book.values.buffer) : ramp(book.negative);
  // Where fewer elements than levels follow, or their place matters, they are computed from levels when these are there.
  const late = book.scales || size > count;
  if (!late) {
    of = of.slice(0, size);
    toElements(of, book, []);
  }
  const View = itemBytes === 4 ? Uint32Array : itemBytes === 2 ? Uint16Array : Uint8Array;
  // A view of the element type needs its alignment; otherwise the tensor goes through a copy.
  const aligned = out.byteOffset % itemBytes === 0;
  const target = aligned ? new View(out.buffer as ArrayBuffer, out.byteOffset, count) : new View(count);
  target.fill(of[book.negative]);
  const [rowOffsets, lineOffsets, widthOffsets] = groups.map(offsetsOf);
  const reader = new Reader(stored);
  let first = 0;
  parts.forEach(({ length }, t) => {
    const last = Math.floor((rows * (t + 1)) / parts.length);
    const grid = { ...book, ...levels, rows: last - first };
    const sink: LevelSink = [target, of, rowOffsets.subarray(first, last), lineOffsets, widthOffsets];
    first = last;
    const payload = reader.take(length);
    if (codec === 'rans') {
      decodeRans(payload, grid, sink);
      return;
    }
    const coder = new RangeDecoder(payload);
    (codec === 'ctx-mix' ? decodeMix : decodeFast)(coder, grid, sink);
    coder.finish();
  });
  if (late) toElements(target, book, shape);
  if (!aligned) out.set(asBytes(target));
}
