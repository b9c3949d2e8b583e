import type { WeightQuantization, WeightSpec } from './artifacts.js';
import { readBook } from './codebook.js';
import { crc32c } from './crc32c.js';
import { broken, fail } from './errors.js';
import {
  CODECS,
  FIXED_BYTES,
  type Header,
  type LevelsLayout,
  MAGIC,
  MAJOR,
  STORAGE,
  type TensorEntry,
} from './format.js';
import { foldedAxes, groupSizes, MAX_ROW, MAX_ROWS, type Traversal, unrankPermutation } from './geometry.js';
import { checkLimits, type Limits } from './limits.js';
import { Reader } from './reader.js';
import { decodeText } from './text.js';

/**
 * No payload may stand for more elements than this many a byte, plus {@link TILE_ALLOWANCE} a tile: a bit
 * costs at least log2(65536 / 65521), and up to four bytes of zeros at the end are not stored.
 */
export const MAX_EXPANSION = 32768;
export const TILE_ALLOWANCE: number = 4 * 32768;

/** Artifacts that the tensor table makes: never in the metadata. */
export const RESERVED: readonly string[] = ['weightSpecs', 'weightData', 'getWeightStream'];

/** What the fixed 26 bytes say. */
export interface FixedHeader {
  headerLength: number;
  fileLength: number;
}

/** Checks the first 26 bytes of a file. */
export function readFixed(bytes: Uint8Array, limits?: Limits): FixedHeader {
  const { headerBytes } = checkLimits(limits);
  for (let i = 0; i < MAGIC.length && i < bytes.length; i++) {
    if (bytes[i] !== MAGIC[i]) fail('magic', 'this is not an .esp file');
  }
  if (bytes.length < FIXED_BYTES) fail('length', 'the file ends inside its header');
  const reader = new Reader(bytes, MAGIC.length, FIXED_BYTES);
  const major = reader.u8();
  reader.u8();
  if (major !== MAJOR) fail('version', `version ${major} of the format is not known here`);
  const features = reader.u16();
  if (features !== 0)
    fail('version', `the file needs features this decoder lacks (bits ${features.toString(2)})`);
  const headerLength = reader.u32();
  reader.u32();
  const fileLength = reader.u32() + reader.u16() * 2 ** 32;
  if (headerLength < FIXED_BYTES || headerLength > fileLength) broken(4); // the header has an impossible length
  if (headerLength > headerBytes) {
    fail('limit', `the header has ${headerLength} bytes, the limit is ${headerBytes}`);
  }
  return { headerLength, fileLength };
}

/**
 * Reads and checks the whole header; `bytes` must hold at least that. No payload is touched. `check` sees
 * the tensor table before the topology is decoded.
 */
export function readHeader(bytes: Uint8Array, limits?: Limits, check?: (header: Header) => void): Header {
  const max = checkLimits(limits);
  const { headerLength, fileLength } = readFixed(bytes, limits);
  if (bytes.length < headerLength) fail('length', 'the file ends inside its header');
  const stored = new Reader(bytes, 16, 20).u32();
  if (crc32c(bytes, 20, headerLength, crc32c(bytes, 0, 16)) !== stored) {
    fail('checksum', 'the header is damaged (CRC32C)');
  }
  const reader = new Reader(bytes, FIXED_BYTES, headerLength);
  const textLength = reader.varint();
  const textBytes = reader.varint();
  const count = reader.varint();
  if (count > max.tensors) fail('limit', `the file has ${count} tensors, the limit is ${max.tensors}`);
  if (textLength > max.textBytes)
    fail('limit', `the topology has ${textLength} bytes, the limit is ${max.textBytes}`);
  if (textLength > MAX_EXPANSION * textBytes + TILE_ALLOWANCE) broken(5); // the topology expands too far

  const tensors: TensorEntry[] = [];
  let decodedBytes = 0;
  let elements = 0;
  let offset = headerLength;
  for (let i = 0; i < count; i++) {
    const entry = readTensor(reader, decodedBytes, offset);
    for (const tile of entry.tiles) offset += tile.length;
    decodedBytes += entry.byteLength;
    elements += entry.elements;
    if (elements > max.elements) fail('limit', `the file has more than ${max.elements} elements, the limit`);
    if (decodedBytes > max.decodedBytes)
      fail('limit', `the tensors have more than ${max.decodedBytes} bytes, the limit`);
    tensors.push(entry);
  }
  if (offset !== fileLength) broken(6); // the payloads do not fill the file
  const header: Header = {
    major: bytes[8],
    minor: bytes[9],
    headerLength,
    fileLength,
    textBytes,
    meta: {},
    tensors,
    decodedBytes,
  };
  const textStart = reader.skip(textBytes);
  if (reader.position !== headerLength) broken(7); // the header is longer than its contents
  check?.(header);
  applyText(decodeText(bytes, textStart, headerLength, textLength), header);
  return header;
}

function readTensor(reader: Reader, start: number, offset: number): TensorEntry {
  const first = reader.u8();
  const storage = STORAGE[first & 15];
  const rank = first >> 4;
  if (!storage || rank > 8) broken(8); // a tensor has an unknown type or more than 8 axes
  const second = reader.u8();
  const codec = CODECS[second & 63];
  if (!codec) fail('version', `tensor codec ${second & 63} is not known here`);
  const [dtype, quantized, itemBytes] = storage;
  const shape: number[] = [];
  let elements = 1;
  for (let axis = 0; axis < rank; axis++) {
    shape.push(reader.varint());
    elements *= shape[axis];
    if (!(elements <= 2 ** 31)) fail('limit', 'a tensor has more than 2^31 elements');
  }
  // Strings carry their own lengths: the number of bytes says how many elements are coded.
  if (dtype === 'string') elements = reader.varint();
  if (elements > 2 ** 31) fail('limit', 'a tensor has more than 2^31 elements');
  const spec: WeightSpec = { name: '', shape, dtype };
  const group = second >> 6;
  if (group === 3) broken(9); // a tensor has an unknown group
  if (group) spec.group = group === 1 ? 'model' : 'optimizer';
  if (quantized) spec.quantization = { dtype: quantized as WeightQuantization['dtype'] };
  const byteLength = elements * itemBytes;
  const entry: TensorEntry = { spec, itemBytes, elements, start, byteLength, codec, tiles: [] };
  if (codec === 'zero') return entry;
  if (codec === 'constant') {
    const at = reader.skip(itemBytes);
    entry.constant = reader.bytes.slice(at, at + itemBytes);
    return entry;
  }
  if (elements === 0) broken(10); // a tensor without elements has a payload
  if (codec === 'rans' || codec === 'ctx-fast' || codec === 'ctx-mix')
    entry.levels = readLevels(reader, entry);
  const tiles = reader.varint() + 1;
  if (tiles > (entry.levels?.rows ?? 1)) broken(11); // a tensor has more tiles than rows
  for (let i = 0; i < tiles; i++) {
    const length = reader.varint();
    entry.tiles.push({ offset, length, crc: reader.u32() });
    offset += length;
  }
  const storedBytes = entry.tiles.reduce((sum, tile) => sum + tile.length, 0);
  if (codec === 'raw' && storedBytes !== byteLength) broken(12); // a raw tensor has the wrong length
  if (elements > MAX_EXPANSION * storedBytes + TILE_ALLOWANCE * tiles) broken(13); // a tensor expands too far
  return entry;
}

function readLevels(reader: Reader, entry: TensorEntry): LevelsLayout {
  const { dtype, quantization, shape } = entry.spec;
  if (dtype === 'string' || dtype === 'complex64') broken(14); // string and complex64 tensors have no levels
  const float = dtype === 'float32' && (!quantization || quantization.dtype === 'float16');
  const flags = reader.u8();
  if (flags > 63) broken(15); // a codebook has unknown flags
  const book = readBook(reader, flags & 39, entry.itemBytes, float, shape);
  const foldAxis = reader.u8() - 1;
  const foldInner = foldAxis >= 0 ? reader.varint() : 0;
  if (foldAxis >= shape.length) broken(16); // the folded axis does not exist
  const axes = shape.length + (foldAxis >= 0 ? 1 : 0);
  const order = unrankPermutation(reader.varint(), axes);
  const split = reader.u8();
  const t: Traversal = { foldAxis, foldInner, order, rowAxes: split & 15, lineAxes: split >> 4 };
  if (t.rowAxes > t.lineAxes || t.lineAxes > axes) broken(17); // rows and lines are out of order
  const { sizes } = foldedAxes(shape, t);
  const [rows, lines, width] = groupSizes(sizes, t);
  if (lines * width > MAX_ROW || rows > MAX_ROWS) broken(18); // a row has at most 2^18 elements, a tensor at most 2^20 rows
  const tuning = reader.u8() | (((flags >> 3) & 3) << 8);
  return { book, traversal: t, rows, lines, width, tuning };
}

/** The text: a line of JSON with all artifacts but the weights, then a line per tensor name. */
function applyText(text: string, header: Header): void {
  const lines = text.split('\n');
  const { tensors } = header;
  if (lines.length !== tensors.length + 2 || lines[lines.length - 1] !== '') broken(21); // the names do not match the tensors
  const meta = parse(lines[0]);
  if (typeof meta !== 'object' || meta === null || Array.isArray(meta)) broken(22); // the metadata is no object
  const { quantization, license, sha256, ...rest } = meta as Record<string, unknown>;
  for (const key of RESERVED) if (key in rest) broken(23); // the metadata may not hold weights
  header.meta = rest;
  if (license !== undefined) {
    if (typeof license !== 'string') broken(24); // the licence and the SHA-256 are text
    header.license = license;
  }
  if (sha256 !== undefined) {
    if (typeof sha256 !== 'string') broken(24);
    header.sha256 = sha256;
  }
  const seen = new Set<string>();
  const scales = quantization === undefined ? [] : quantization;
  if (!Array.isArray(scales)) broken(25); // the quantization is no list
  let used = 0;
  tensors.forEach((tensor, i) => {
    const name = parse(`"${lines[i + 1]}"`);
    if (typeof name !== 'string' || name.length > 4096) broken(26); // a tensor name is too long
    if (seen.has(name)) broken(27); // tensor names are unique
    seen.add(name);
    tensor.spec.name = name;
    const q = tensor.spec.quantization;
    if (q && q.dtype !== 'float16') {
      const pair: unknown = scales[used++];
      if (!Array.isArray(pair) || pair.length !== 2 || !pair.every((x) => x === null || Number.isFinite(x))) {
        broken(28); // a quantised tensor has a scale and a minimum, or null
      }
      if (pair[0] !== null) q.scale = pair[0];
      if (pair[1] !== null) q.min = pair[1];
    }
  });
  if (used !== scales.length) broken(29); // there are more scales than quantised tensors
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return broken(30); // the metadata is not JSON
  }
}
