import type { ModelArtifacts, WeightQuantization, WeightSpec } from '../artifacts.js';
import { asBytes } from '../bytes/view.js';
import { STORAGE } from '../container/format.js';
import { fail } from '../errors.js';
import { countOf } from '../layouts/traversal/geometry.js';

/** A tensor that was handed to the encoder, checked. */
export interface Given {
  /** What a decoder will give back: no field is `undefined`. */
  readonly spec: WeightSpec;
  /** Number of the type in {@link STORAGE}. */
  readonly storage: number;
  /** Its bytes: a copy, and so aligned. */
  readonly bytes: Uint8Array;
}

/** The tensors of a model. @throws EspError 'input' for anything that a file cannot hold */
export function tensorsOf(artifacts: ModelArtifacts): Given[] {
  if (typeof artifacts !== 'object' || artifacts === null) fail('input', `${artifacts} is no ModelArtifacts`);
  const { weightSpecs = [], getWeightStream } = artifacts;
  if (!Array.isArray(weightSpecs)) fail('input', 'weightSpecs is no array');
  if (getWeightStream && artifacts.weightData === undefined && weightSpecs.length > 0)
    fail('input', 'the weights are a stream: put what getWeightStream() gives into weightData first');
  const data = joinWeights(artifacts.weightData);
  const names = new Set<string>();
  let position = 0;
  const tensors = weightSpecs.map((given: WeightSpec, i): Given => {
    const spec = checkSpec(given, i);
    const { name, shape } = spec;
    if (names.has(name)) fail('input', `two weights are named "${name}"`);
    names.add(name);
    const storage = storageOf(spec);
    const elements = countOf(shape);
    const start = position;
    position +=
      spec.dtype === 'string' ? stringBytes(data, start, elements, name) : elements * STORAGE[storage][2];
    if (position > data.length) fail('input', `weightData ends inside "${name}"`);
    return { spec, storage, bytes: data.slice(start, position) };
  });
  if (position !== data.length) {
    fail('input', `weightData has ${data.length} bytes, the weight specs describe ${position}`);
  }
  return tensors;
}

/** One array of bytes, whatever form the weights have. */
function joinWeights(data: unknown): Uint8Array {
  if (data === undefined) return new Uint8Array(0);
  const parts = (Array.isArray(data) ? data : [data]).map(bytesOf);
  if (parts.length === 1) return parts[0];
  const joined = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function bytesOf(data: unknown): Uint8Array {
  // By name, for buffers may come from another realm.
  const kind = Object.prototype.toString.call(data).slice(8, -1);
  if (!ArrayBuffer.isView(data) && kind !== 'ArrayBuffer' && kind !== 'SharedArrayBuffer')
    fail('input', `weightData is ${kind}, not an ArrayBuffer or an array of them`);
  const bytes = data as ArrayBuffer;
  return bytes.byteLength === 0 ? new Uint8Array(0) : asBytes(bytes);
}

const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null;

/** A copy of a spec without what is `undefined`. */
function checkSpec(spec: WeightSpec, i: number): WeightSpec {
  if (!isObject(spec)) fail('input', `weight spec ${i} is ${spec}`);
  const { name, shape, dtype, group } = spec;
  if (typeof name !== 'string') fail('input', `weight ${i} has no name that is a text, but ${String(name)}`);
  if (name.length > 4096) fail('input', 'a weight name has more than 4096 characters');
  const bad = (what: string): never => fail('input', `"${name}" has ${what}`);
  if (!Array.isArray(shape)) return bad('no shape');
  if (shape.length > 8) bad('more than 8 axes');
  for (const size of shape) {
    if (!Number.isSafeInteger(size) || size < 0 || size >= 2 ** 49 || Object.is(size, -0))
      bad(`an impossible shape: [${shape}]`);
  }
  if (countOf(shape) > 2 ** 31) bad('more than 2^31 elements');
  if (group !== undefined && group !== 'model' && group !== 'optimizer') bad(`an unknown group "${group}"`);
  onlyKnown(spec, ['name', 'shape', 'dtype', 'group', 'quantization'], bad);
  const quantization = spec.quantization && checkQuantization(spec.quantization, dtype, bad);
  if (spec.quantization === null) bad('a quantization that is null');
  return { name, shape: [...shape], dtype, ...(group && { group }), ...(quantization && { quantization }) };
}

function checkQuantization(
  given: WeightQuantization & { original_dtype?: unknown },
  original: string,
  bad: (what: string) => never,
): WeightQuantization {
  const { dtype, scale, min, original_dtype: named = original } = given;
  // The converter writes the tensor's type once more; nobody reads it.
  if (named !== original) bad(`dtype ${original} and original_dtype ${named}`);
  onlyKnown(given, ['dtype', 'scale', 'min', 'original_dtype'], bad);
  for (const x of [scale, min]) {
    if (x !== undefined && !Number.isFinite(x)) bad(`an impossible scale: ${x}`);
  }
  if (dtype === 'float16' && (scale !== undefined || min !== undefined)) bad('float16 and a scale');
  return { dtype, ...(scale !== undefined && { scale }), ...(min !== undefined && { min }) };
}

function onlyKnown(fields: object, known: readonly string[], bad: (what: string) => never): void {
  for (const [key, value] of Object.entries(fields)) {
    if (value !== undefined && !known.includes(key)) bad(`an unknown field "${key}"`);
  }
}

function storageOf({ name, dtype, quantization }: WeightSpec): number {
  const quantized = quantization ? quantization.dtype : '';
  const storage = STORAGE.findIndex(([plain, stored]) => plain === dtype && stored === quantized);
  if (storage < 0) fail('input', `"${name}" has an unknown type: ${dtype} ${quantized}`);
  return storage;
}

/** Bytes of `count` strings, each a uint32 length and its UTF-8. */
function stringBytes(data: Uint8Array, start: number, count: number, name: string): number {
  let position = start;
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let i = 0; i < count; i++) {
    if (position + 4 > data.length) fail('input', `weightData ends inside "${name}"`);
    position += 4 + view.getUint32(position, true);
  }
  return position - start;
}
