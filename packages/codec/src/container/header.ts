import type { WeightQuantization, WeightSpec } from '../artifacts.js';
import { crc32c } from '../bytes/crc32c.js';
import { Reader } from '../bytes/reader.js';
import { RangeDecoder } from '../coders/range/decoder.js';
import { broken, fail } from '../errors.js';
import { readLevels } from '../layouts/read.js';
import { countOf } from '../layouts/traversal/geometry.js';
import { USUAL } from '../layouts/usual.js';
import {
  CTX_MIX,
  FIRST_SMALL,
  FIXED_BYTES,
  LEVELS,
  MAJOR,
  MAX_EXPANSION,
  SECOND_FORM,
  SECOND_SMALL,
  SMALL_BYTES,
  SMALL_FORM,
  TILE_ALLOWANCE,
} from '../numbers.js';
import { decodeText, parseText } from '../text/decode.js';
import { CODECS, type Header, MAGIC, STORAGE, type TensorEntry } from './format.js';
import { atMost, checkLimits, type Limits } from './limits.js';

/** Artifacts that the tensor table makes: never in the metadata. */
export const RESERVED: readonly string[] = ['weightSpecs', 'weightData', 'getWeightStream'];

/** What the fixed bytes say. In the small form the header is the whole file. */
export interface FixedHeader {
  headerLength: number;
  fileLength: number;
  /** Of the header. */
  crc: number;
  max: Required<Limits>;
  /** How many of the last distances the text's copies know. */
  known: number;
  /** The small form: 0 where it is the ordinary one, 1 as it was first, 2 as it was then, 3. */
  small: number;
  /** Bytes that the header of the small form says; 0 in the ordinary one. */
  contents: number;
}

/** Checks the first 26 bytes of a file. */
export function readFixed(bytes: Uint8Array, limits?: Limits): FixedHeader {
  const max = checkLimits(limits);
  MAGIC.forEach((byte, i) => {
    if (i < bytes.length && bytes[i] !== byte) fail('magic', 'no .esp file');
  });
  if (bytes.length < FIXED_BYTES) cut();
  const reader = new Reader(bytes);
  reader.position = 8;
  const major = reader.uint(1);
  reader.uint(1);
  const features = reader.uint(2);
  const small =
    features === SMALL_FORM ? 3 : features === SECOND_SMALL ? 2 : features === FIRST_SMALL ? 1 : 0;
  if (major !== MAJOR || (!small && features & ~SECOND_FORM)) fail('version', 'unknown version');
  const headerLength = reader.uint(small ? 2 : 4);
  const contents = small ? reader.uint(2) : 0;
  const crc = reader.uint(4);
  const fileLength = small ? headerLength : reader.uint(6);
  if (headerLength < FIXED_BYTES || headerLength > fileLength || (small && !contents)) broken(4); // the header has an impossible length
  atMost(max, 'headerBytes', headerLength);
  return { headerLength, fileLength, crc, max, known: features & SECOND_FORM ? 15 : 1, small, contents };
}

/** Fails: a file is shorter or longer than it says. */
export function cut(): never {
  return fail('length', 'wrong length');
}

/** Reads and checks the whole header; `bytes` must hold at least that. No payload is touched. */
export function readHeader(bytes: Uint8Array, limits?: Limits): Header {
  const { headerLength, fileLength, crc, max, known, small, contents } = readFixed(bytes, limits);
  if (bytes.length < headerLength) cut();
  if (crc32c(bytes, 20, headerLength, crc32c(bytes, 0, 16)) !== crc) fail('checksum', 'damaged header');
  const coder = small ? new RangeDecoder(bytes.subarray(SMALL_BYTES, headerLength)) : undefined;
  const body = coder ? decodeText(coder, contents, 1, small) : bytes.subarray(FIXED_BYTES, headerLength);
  const reader = new Reader(body, max.numbers, small);
  const textLength = small ? contents : reader.varint();
  const textBytes = small ? 0 : reader.varint();
  const count = reader.varint();
  atMost(max, 'tensors', count);
  atMost(max, 'textBytes', textLength);
  if (textLength > MAX_EXPANSION * textBytes + TILE_ALLOWANCE) broken(5); // the topology expands too far
  const tensors: TensorEntry[] = [];
  const widths: number[] = [];
  const header: Header = { headerLength, fileLength, textBytes, meta: {}, tensors, decodedBytes: 0 };
  if (coder) header.coder = coder;
  let elements = 0;
  let work = -textLength;
  let offset = headerLength;
  for (let i = 0; i < count; i++) {
    const entry = readTensor(reader, header.decodedBytes, offset);
    const { shape } = entry.spec;
    reader.last = shape[shape.length - 1] ?? 0;
    if (shape.length > 1) widths.push(reader.last);
    if (entry.codec === 'same') {
      // How many tensors back the one with the same bytes is, which has bytes of its own.
      entry.same = i - reader.varint();
      const source = tensors[entry.same];
      if (source?.total !== entry.total || source.same !== undefined) broken(42); // a tensor repeats none
    }
    offset += entry.stored;
    elements += entry.count;
    work += 32 + 64 * entry.parts.length - entry.total;
    header.decodedBytes += entry.total;
    atMost(max, 'elements', elements);
    atMost(max, 'decodedBytes', header.decodedBytes);
    tensors.push(entry);
  }
  if (offset !== fileLength) broken(6); // the payloads do not fill the file
  if (coder) header.contents = [body, reader.position, small];
  let json = body.subarray(reader.position);
  if (!small) {
    const text = reader.take(textBytes);
    if (FIXED_BYTES + reader.position !== headerLength) broken(7); // the header is longer than its contents
    json = decodeText(text, textLength, known, 0, (textLength + max.operations) / 3);
  }
  for (const byte of json) if (byte === 58 || (byte | 32) === 123) work += 8; // : and [ and {
  atMost(max, 'operations', work);
  applyText(parseText(json, small > 2 ? widths : undefined), header);
  return header;
}

/** `offset`: in the small form the length of the file. */
function readTensor(reader: Reader, start: number, offset: number): TensorEntry {
  const { small, last } = reader;
  const first = reader.uint(1);
  reader.usual = USUAL[small > 2 || (small > 1 && first & 1) ? first : 0];
  const storage = STORAGE[reader.usual ? 0 : first & 15];
  const rank = first >> 4;
  const second = reader.usual ? CTX_MIX : reader.uint(1);
  const group = second >> 6;
  if (!storage || rank > 8 || group > 2) broken(8); // a tensor has an unknown type or group, or more than 8 axes
  const codec = CODECS[second & 63];
  if (!codec) fail('version', 'unknown codec');
  const [dtype, quantized, itemBytes] = storage;
  const shape =
    first === 14 ? [last] : Array.from({ length: rank }, () => reader.varint() || (small > 1 ? last : 0));
  // Strings carry their own lengths, of 4 bytes: the number of bytes says how many elements are coded.
  const elements = countOf(shape);
  const count = dtype === 'string' ? reader.varint() : elements;
  if (count > 2 ** 31) broken(9); // a tensor has more than 2^31 elements
  if (dtype === 'string' && count < 4 * elements) broken(19); // a tensor of strings has no room for their lengths
  const spec: WeightSpec = { name: '', shape, dtype };
  if (group) spec.group = group === 1 ? 'model' : 'optimizer';
  if (quantized) spec.quantization = readQuantization(reader, quantized);
  const total = count * itemBytes;
  const entry: TensorEntry = {
    spec,
    itemBytes,
    count,
    start,
    total,
    codec,
    offset,
    stored: 0,
    parts: [],
  };
  if (codec === 'zero' || codec === 'same') return entry;
  if (codec === 'constant') {
    entry.constant = reader.take(itemBytes).slice();
    return entry;
  }
  if (count === 0) broken(10); // a tensor without elements has a payload
  if ((second & 63) >= LEVELS) entry.levels = readLevels(reader, entry);
  const tiles = small ? 1 : reader.varint() + 1;
  if (tiles > (entry.levels?.rows ?? 1)) broken(11); // a tensor has more tiles than rows
  for (let i = 0; i < tiles; i++) {
    const length = small ? 0 : reader.varint();
    entry.parts.push({ length, crc: small ? 0 : reader.uint(4) });
    entry.stored += length;
  }
  if (codec === 'raw' && entry.stored !== total) broken(12); // a raw tensor has the wrong length
  if (count > MAX_EXPANSION * (small > 2 ? offset : entry.stored) + TILE_ALLOWANCE * tiles) broken(13); // a tensor expands too far
  return entry;
}

/** The type on disk and, but for float16, which of scale and minimum there are, as float64. */
function readQuantization(reader: Reader, dtype: WeightQuantization['dtype']): WeightQuantization {
  const q: WeightQuantization = { dtype };
  const flags = dtype === 'float16' ? 0 : reader.uint(1);
  if (flags > 3) broken(28); // a quantised tensor has a scale and a minimum, or not
  (['scale', 'min'] as const).forEach((key, bit) => {
    if (!((flags >> bit) & 1)) return;
    const [value] = new Float64Array(reader.take(8).slice().buffer);
    if (!Number.isFinite(value)) broken(29); // a scale or a minimum is not finite
    q[key] = value;
  });
  return q;
}

/** The text: a list of all artifacts but the weights, and the tensors' names. */
function applyText(text: unknown, header: Header): void {
  if (!Array.isArray(text)) broken(22); // the text is no list
  const [meta, ...names]: unknown[] = text;
  if (!meta || typeof meta !== 'object' || Array.isArray(meta)) broken(24); // the metadata is no object
  if (RESERVED.some((key) => key in meta)) broken(23); // the metadata may not hold weights
  header.meta = meta as Record<string, unknown>;
  const { tensors } = header;
  if (names.length !== tensors.length || new Set(names).size !== tensors.length) broken(21); // each tensor needs a name of its own
  tensors.forEach(({ spec }, i) => {
    const name = names[i];
    if (typeof name !== 'string' || name.length > 4096) broken(26); // a tensor name is too long
    spec.name = name;
  });
}
