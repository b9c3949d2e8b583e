import { crc32c } from '../bytes/crc32c.js';
import { Reader } from '../bytes/reader.js';
import { asBytes } from '../bytes/view.js';
import { decodeFast } from '../coders/fast/decode.js';
import type { LevelSink } from '../coders/levels/rows.js';
import { decodeLz } from '../coders/lz/decode.js';
import { decodeMix } from '../coders/mix/decode.js';
import { decodePlanes } from '../coders/planes/decode.js';
import { RangeDecoder } from '../coders/range/decoder.js';
import { decodeRans } from '../coders/rans/decode.js';
import { isFloat32, type TensorEntry } from '../container/format.js';
import { broken, fail } from '../errors.js';
import { ramp, toElements } from '../layouts/grid/elements.js';
import type { LevelsLayout } from '../layouts/levels.js';
import { countOf, offsetsOf } from '../layouts/traversal/geometry.js';

/** Compares the checksum of every tile of a tensor, and returns its payloads. */
export function checkTiles(stored: Uint8Array, { parts }: TensorEntry): Uint8Array {
  const reader = new Reader(stored);
  for (const { length, crc } of parts) {
    if (crc32c(reader.take(length)) !== crc) fail('checksum', 'damaged tensor');
  }
  return stored;
}

/** Decodes one tensor from its payloads, checked before, into `out`, which holds zeros; `like`: that which it repeats; `shared`: what reads all levels of the file. */
export function decodeTensor(
  stored: Uint8Array,
  tensor: TensorEntry,
  out: Uint8Array,
  like?: Uint8Array,
  shared?: RangeDecoder,
): void {
  const { codec, constant, itemBytes, levels } = tensor;
  if (levels) decodeLevels(stored, tensor, levels, out, shared);
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

function decodeLevels(
  stored: Uint8Array,
  { codec, itemBytes, count, parts, spec: { shape } }: TensorEntry,
  levels: LevelsLayout,
  out: Uint8Array,
  shared?: RangeDecoder,
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
    const last = ((rows * (t + 1)) / parts.length) | 0;
    const grid = { ...book, ...levels, rows: last - first };
    const sink: LevelSink = [target, of, rowOffsets.subarray(first, last), lineOffsets, widthOffsets];
    first = last;
    const payload = reader.take(length);
    if (codec === 'rans') {
      decodeRans(payload, grid, sink);
      return;
    }
    const coder = shared ?? new RangeDecoder(payload);
    (codec === 'ctx-mix' ? decodeMix : decodeFast)(coder, grid, sink);
    if (!shared) coder.finish();
  });
  if (late) toElements(target, book, shape);
  if (!aligned) out.set(asBytes(target));
}
