import type { ModelArtifacts } from '@espalier/codec';
import { EspalierError, shown } from '@espalier/core';
import {
  artifactsOfTensors,
  type ElementType,
  elementBytes,
  type PlainTensor,
  sizeOf,
  tensorsOfArtifacts,
} from './plain-tensor.js';

const types: Readonly<Record<string, ElementType>> = {
  F64: 'float64',
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  U64: 'uint64',
  I32: 'int32',
  U32: 'uint32',
  I16: 'int16',
  U16: 'uint16',
  I8: 'int8',
  U8: 'uint8',
  BOOL: 'bool',
};

/** The entry of the header that is no tensor. */
const reserved = '__metadata__';

/** As the format's own reader has it. */
const mostHeaderBytes = 100_000_000;

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

const isCount = (n: unknown): boolean => Number.isSafeInteger(n) && (n as number) >= 0;

/** What a file holds. */
export interface Safetensors {
  readonly tensors: readonly PlainTensor[];
  /** Texts by name. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * The tensors of a `.safetensors` file, by name; its metadata becomes `userDefinedMetadata`. All offsets are checked: tensors
 * must fill the file without gaps and without overlapping.
 *
 * Source: the format's description, github.com/huggingface/safetensors.
 *
 * @throws EspalierError `bad-data`
 *
 * @example
 * ```ts
 * import { checkFits, parseSafetensors, safetensorsBytes, tensorsOfArtifacts } from '@espalier/formats';
 * const artifacts = {
 *   weightSpecs: [{ name: 'w', shape: [2], dtype: 'float32' as const }],
 *   weightData: Float32Array.of(1, 2).buffer,
 * };
 * const read = parseSafetensors(safetensorsBytes(artifacts), 'w.safetensors');
 * checkFits(read, 'w.safetensors');
 * const [{ name, shape }] = tensorsOfArtifacts(read);
 * if (name !== 'w' || shape.join() !== '2') throw new Error('unexpected');
 * ```
 */
export function parseSafetensors(bytes: Uint8Array, file: string): ModelArtifacts {
  const { tensors, metadata } = safetensorsOf(bytes, file);
  const artifacts = artifactsOfTensors(tensors);
  if (Object.keys(metadata).length > 0) artifacts.userDefinedMetadata = { ...metadata };
  return artifacts;
}

/** As `parseSafetensors`, in the file's own types; the bytes are not copied. @throws EspalierError `bad-data` */
export function safetensorsOf(bytes: Uint8Array, file: string): Safetensors {
  const bad = (what: string, remedy = 'Is it a whole .safetensors file?'): never => {
    throw new EspalierError('bad-data', `${file}: ${what}.`, { remedy });
  };
  if (bytes.length < 8) bad('too short');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > Math.min(mostHeaderBytes, bytes.length - 8)) bad(`a header of ${length} bytes does not fit`);
  const all = header(bytes.subarray(8, 8 + length), bad);
  const metadata = Object.hasOwn(all, reserved) ? all[reserved] : undefined;
  const entries = Object.entries(all).filter(([name]) => name !== reserved);
  const data = bytes.subarray(8 + length);
  const texts = isObject(metadata) ? metadata : {};
  if (
    metadata !== undefined &&
    !(isObject(metadata) && Object.values(texts).every((t) => typeof t === 'string'))
  ) {
    bad('__metadata__ is not all texts');
  }
  const tensors = entries.map(([name, entry]): PlainTensor & { start: number } => {
    if (!isEntry(entry)) return bad(`'${name}' has no dtype, shape and data_offsets, but ${shown(entry)}`);
    const { dtype, shape, data_offsets } = entry;
    const type = Object.hasOwn(types, dtype)
      ? types[dtype]
      : bad(
          `'${name}' has the type ${dtype}, which is not read`,
          `These are: ${Object.keys(types).join(' ')}. Convert it: tensor.to(torch.bfloat16).`,
        );
    const [start, end] = data_offsets;
    if (start > end || end > data.length) bad(`'${name}' lies outside of the file`);
    if (end - start !== sizeOf(shape) * elementBytes[type])
      bad(`'${name}' has ${end - start} bytes, not those of its shape`);
    return { name, shape, type, bytes: data.subarray(start, end), start };
  });
  tensors.sort((a, b) => a.start - b.start);
  let at = 0;
  for (const { name, start, bytes: own } of tensors) {
    if (start !== at) bad(`'${name}' starts at ${start}, where ${at} was expected`);
    at += own.length;
  }
  if (at !== data.length) bad(`${data.length - at} bytes belong to no tensor`);
  return { tensors, metadata: texts as Record<string, string> };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isEntry(entry: unknown): entry is Entry {
  if (!isObject(entry)) return false;
  const { dtype, shape, data_offsets: offsets } = entry;
  return (
    typeof dtype === 'string' &&
    Array.isArray(shape) &&
    shape.every(isCount) &&
    Array.isArray(offsets) &&
    offsets.length === 2 &&
    offsets.every(isCount)
  );
}

function header(bytes: Uint8Array, bad: (what: string) => never): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    bad(`the header is no JSON: ${(cause as Error).message}`);
  }
  return isObject(value) ? value : bad('the header is no object');
}

/** Weights as a `.safetensors` file. Texts of `userDefinedMetadata` become its metadata. @throws EspalierError `bad-model` */
export function safetensorsBytes(artifacts: ModelArtifacts): Uint8Array {
  const tensors = tensorsOfArtifacts(artifacts);
  const texts = Object.entries(artifacts.userDefinedMetadata ?? {}).filter(
    ([, value]) => typeof value === 'string',
  );
  // A Map, for a tensor may have a name that every object has: __proto__.
  const entries = new Map<string, unknown>();
  if (texts.length > 0) entries.set(reserved, Object.fromEntries(texts));
  let at = 0;
  for (const { name, shape, type, bytes } of tensors) {
    if (name === reserved || entries.has(name)) {
      const why =
        name === reserved ? 'has a meaning of its own in' : 'is there twice, which is not possible in';
      throw new EspalierError('bad-model', `A tensor's name, ${name}, ${why} .safetensors files.`, {
        remedy: 'Unpack to a folder.',
      });
    }
    const dtype = Object.keys(types).find((key) => types[key] === type);
    entries.set(name, { dtype, shape, data_offsets: [at, at + bytes.length] });
    at += bytes.length;
  }
  const text = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  // Spaces behind the header let the data start at a multiple of 8.
  const length = Math.ceil(text.length / 8) * 8;
  const out = new Uint8Array(8 + length + at).fill(0x20, 8, 8 + length);
  new DataView(out.buffer).setBigUint64(0, BigInt(length), true);
  out.set(text, 8);
  let position = 8 + length;
  for (const { bytes } of tensors) {
    out.set(bytes, position);
    position += bytes.length;
  }
  return out;
}
