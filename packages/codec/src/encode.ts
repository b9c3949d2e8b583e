import type { ModelArtifacts, WeightSpec } from './artifacts.js';
import { canonicalTopology } from './canonical.js';
import { crc32c } from './crc32c.js';
import { fail } from './errors.js';
import { CODECS, type CodecName, STORAGE } from './format.js';
import { type Grid, levelsOnGrid } from './grid-encode.js';
import { RESERVED } from './header.js';
import { type StoredTensor, writeFile } from './header-write.js';
import { checkName } from './limits.js';
import { sha256 } from './sha256.js';
import { storeTensor, uniformTensor } from './store.js';
import { encodeText } from './text-encode.js';

/** How {@link encode} works; the defaults suit most models. */
export interface EncodeOptions {
  /** Keep the optimizer's weights (group 'optimizer'), which loading for inference never uses. Default false. */
  optimizer?: boolean;
  /** Licence text of the model, kept in the file; {@link inspect} shows it. */
  license?: string;
  /** Keep the SHA-256 of the payloads in the file; {@link verify} compares it. Default false. */
  sha256?: boolean;
  /** How much to try in search of the smallest form: 0 (quick) to 9. The same on every machine. Default 5. */
  effort?: number;
  /**
   * Milliseconds after which nothing more is tried: what has been found by then is kept, and what is left is stored
   * in the quickest way. How much is tried then depends on the machine. Default: no limit but `effort`.
   */
  budgetMs?: number;
  /**
   * 'balance', the default, takes a form that decodes several times faster when it is at most 0.5 % larger than the
   * smallest one; 'size' takes the smallest.
   */
  prefer?: 'balance' | 'size';
  /**
   * Codecs to choose from; 'zero', 'constant' and 'raw' are always allowed. Default all. Without 'ctx-mix'
   * the file grows by some percent and decodes several times faster.
   */
  codecs?: readonly CodecName[];
  /**
   * Cut context-coded tensors into tiles of about so many elements, which decode on their own; each cut costs a
   * little compression. Default: one tile a tensor.
   */
  tileElements?: number;
  /**
   * Float32 tensors that lie on a grid whose step differs along axes, by name: how they were quantised cannot be
   * found out from their values. (One step for the whole tensor is found.)
   */
  grids?: Readonly<Record<string, Grid>>;
}

const OPTIONS = [
  'optimizer',
  'license',
  'sha256',
  'effort',
  'budgetMs',
  'prefer',
  'codecs',
  'tileElements',
  'grids',
];

/**
 * Packs a model into an `.esp` file. How each tensor is stored follows from its values: few distinct ones
 * become a codebook and coded indices, zeros cost next to nothing, the rest is packed as floats. Lossless:
 * `decode` gives back the same weight bytes (signs of zero and NaN payloads too), specs and metadata.
 *
 * @throws EspError 'input' when the artifacts contradict themselves, 'option' for an unknown option.
 *
 * @example
 * ```ts
 * import { encode } from '@espalier/codec';
 *
 * const sparse = new Float32Array(10000);
 * for (let i = 0; i < 10000; i += 50) sparse[i] = (i % 3) - 1;
 * const file = encode({
 *   weightSpecs: [{ name: 'dense/kernel', shape: [100, 100], dtype: 'float32' }],
 *   weightData: sparse.buffer,
 * });
 * if (file.length > 300) throw new Error('40,000 bytes should become less than 300');
 * ```
 */
export function encode(artifacts: ModelArtifacts, options: EncodeOptions = {}): Uint8Array {
  for (const name of Object.keys(options)) {
    checkName('option', name, OPTIONS);
  }
  const effort = options.effort ?? 5;
  if (!Number.isInteger(effort) || effort < 0 || effort > 9)
    fail('option', 'effort must be an integer from 0 to 9');
  const codecs = options.codecs ?? CODECS;
  for (const name of codecs) {
    checkName('codec', name, CODECS);
  }
  const prefer = options.prefer ?? 'balance';
  checkName('preference', prefer, ['balance', 'size']);
  const budgetMs = options.budgetMs ?? Infinity;
  if (!(budgetMs >= 0)) fail('option', 'budgetMs must be a number >= 0');
  const grids = options.grids ?? {};
  const tileElements = options.tileElements ?? Infinity;
  if (!(tileElements >= 1)) fail('option', 'tileElements must be at least 1');
  const specs = artifacts.weightSpecs ?? [];
  const data = joinWeights(artifacts.weightData);
  const now = (): number => performance.now();
  const stop = now() + budgetMs;
  const tensors: StoredTensor[] = [];
  const names = new Set<string>();
  const known = new Map<string, { index: number; slice: Uint8Array }>();
  let position = 0;
  for (const spec of specs) {
    const storage = storageOf(spec);
    const elements = countElements(spec);
    if (names.has(spec.name)) fail('input', `two weights are named "${spec.name}"`);
    names.add(spec.name);
    const bytes =
      spec.dtype === 'string'
        ? stringBytes(data, position, elements, spec.name)
        : elements * STORAGE[storage][2];
    if (position + bytes > data.length) fail('input', `weightData ends inside "${spec.name}"`);
    const slice = data.slice(position, position + bytes);
    position += bytes;
    if (spec.group === 'optimizer' && !options.optimizer) continue;
    const grid = Object.hasOwn(grids, spec.name) ? grids[spec.name] : undefined;
    if (grid && storage !== 0) fail('input', `"${spec.name}" is not float32 and cannot lie on a grid`);
    const onGrid = grid && levelsOnGrid(spec.name, spec.shape, slice, grid);
    const uniform = uniformTensor(spec, storage, slice);
    if (uniform?.codec === 'zero') {
      tensors.push(uniform);
      continue;
    }
    const key = `${slice.length} ${crc32c(slice)}`;
    const earlier = known.get(key);
    const same = tensors.length - (earlier?.index ?? 0);
    // A constant may take less than to say how far back its like is.
    const worth = !uniform || (same < 128 ? 1 : 2) < STORAGE[storage][2];
    if (earlier && worth && equalBytes(earlier.slice, slice)) {
      tensors.push({ spec, storage, elements, codec: 'same', same, payloads: [] });
      continue;
    }
    known.set(key, { index: tensors.length, slice });
    if (uniform) {
      tensors.push(uniform);
      continue;
    }
    // Each tensor has its share of the time that is left, by its size.
    const share = slice.length / Math.max(1, data.length - position + slice.length);
    const end = now() + share * (stop - now());
    const more = (): boolean => budgetMs === Infinity || now() < end;
    tensors.push(storeTensor(spec, storage, slice, { effort, more, prefer, codecs, tileElements }, onGrid));
  }
  for (const name of Object.keys(grids)) {
    if (!names.has(name)) fail('input', `there is a grid for "${name}", but no such tensor`);
  }
  if (position !== data.length) {
    fail('input', `weightData has ${data.length} bytes, the weight specs describe ${position}`);
  }
  const text = new TextEncoder().encode(describe(artifacts, tensors, options));
  return writeFile(tensors, encodeText(text), text.length);
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** The text of the header: JSON of the metadata and the names. */
function describe(
  artifacts: ModelArtifacts,
  tensors: readonly StoredTensor[],
  options: EncodeOptions,
): string {
  const meta: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(artifacts)) {
    if (RESERVED.includes(key) || value === undefined) continue;
    if (key === 'license' || key === 'sha256') fail('input', `"${key}" is no part of ModelArtifacts`);
    meta[key] = key === 'modelTopology' ? canonicalTopology(value) : value;
  }
  if (options.license !== undefined) meta.license = options.license;
  if (options.sha256) {
    meta.sha256 = sha256(tensors.flatMap(({ payloads }) => payloads));
  }
  return toJson([meta, ...tensors.map(({ spec }) => spec.name)]);
}

/** JSON that refuses what it would change without a word. */
function toJson(value: unknown): string {
  const refuse = (key: string, item: unknown): unknown => {
    if (typeof item === 'number' && !Number.isFinite(item))
      fail('input', `"${key}" is ${item}, which JSON cannot hold`);
    if (typeof item === 'function' || typeof item === 'symbol' || typeof item === 'bigint') {
      fail('input', `"${key}" is a ${typeof item}, which JSON cannot hold`);
    }
    if (ArrayBuffer.isView(item) || item instanceof ArrayBuffer) {
      fail('input', `"${key}" is binary: only JSON topologies can be stored`);
    }
    return item;
  };
  try {
    return JSON.stringify(value, refuse);
  } catch (error) {
    if (error instanceof TypeError) fail('input', `the metadata is not JSON: ${error.message}`);
    throw error;
  }
}

/** One array of bytes, whatever form the weights have. */
function joinWeights(data: ModelArtifacts['weightData']): Uint8Array {
  if (data === undefined) return new Uint8Array(0);
  if (!Array.isArray(data)) return new Uint8Array(data);
  const joined = new Uint8Array(data.reduce((n, part) => n + part.byteLength, 0));
  let at = 0;
  for (const part of data) {
    joined.set(new Uint8Array(part), at);
    at += part.byteLength;
  }
  return joined;
}

function storageOf(spec: WeightSpec): number {
  const quantized = spec.quantization?.dtype ?? '';
  const storage = STORAGE.findIndex(([dtype, type]) => dtype === spec.dtype && type === quantized);
  if (storage < 0) fail('input', `"${spec.name}" has an unknown type: ${spec.dtype} ${quantized}`);
  const known = ['name', 'shape', 'dtype', 'group', 'quantization'];
  for (const [key, value] of Object.entries(spec)) {
    if (value !== undefined && !known.includes(key))
      fail('input', `"${spec.name}" has an unknown field "${key}"`);
  }
  const q = spec.quantization;
  if (q) {
    for (const x of [q.scale, q.min]) {
      if (x !== undefined && !Number.isFinite(x)) fail('input', `"${spec.name}" has an impossible scale`);
    }
    if (q.dtype === 'float16' && (q.scale !== undefined || q.min !== undefined)) {
      fail('input', `"${spec.name}" is float16 and cannot have a scale`);
    }
  }
  if (spec.group !== undefined && spec.group !== 'model' && spec.group !== 'optimizer') {
    fail('input', `"${spec.name}" has an unknown group "${spec.group}"`);
  }
  return storage;
}

function countElements(spec: WeightSpec): number {
  if (spec.shape.length > 8) fail('input', `"${spec.name}" has more than 8 axes`);
  if (spec.name.length > 4096) fail('input', 'a weight name has more than 4096 characters');
  let elements = 1;
  for (const size of spec.shape) {
    if (!Number.isSafeInteger(size) || size < 0) fail('input', `"${spec.name}" has an impossible shape`);
    elements *= size;
  }
  if (elements > 2 ** 31) fail('input', `"${spec.name}" has more than 2^31 elements`);
  return elements;
}

/** Bytes of `count` strings, each a uint32 length and its UTF-8. */
function stringBytes(data: Uint8Array, start: number, count: number, name: string): number {
  let position = start;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let i = 0; i < count; i++) {
    if (position + 4 > data.length) fail('input', `weightData ends inside "${name}"`);
    position += 4 + view.getUint32(position, true);
  }
  if (position > data.length) fail('input', `weightData ends inside "${name}"`);
  return position - start;
}
