import type { ModelArtifacts, WeightSpec } from '@espalier/codec';
import { EspalierError, shown } from '@espalier/core';
import { concatenated } from '../arrays/plain-tensor.js';
import { readInside } from '../files.js';
import { isObject, type Json } from './json.js';

/** A group of weights, and the files that hold them one behind the other. */
interface Group {
  readonly paths: readonly Json[];
  readonly weights: readonly WeightSpec[];
}

const bytesOfType: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  bool: 1,
  complex64: 8,
  string: 0,
};
const bytesOfQuantized: Readonly<Record<string, number>> = { uint8: 1, uint16: 2, float16: 2 };

const own = (table: Readonly<Record<string, number>>, key: unknown): number | undefined =>
  typeof key === 'string' && Object.hasOwn(table, key) ? table[key] : undefined;

type Bad = (where: string, value: unknown, what: string) => never;

/** A weight of a group, all its fields checked. */
function checkSpec(spec: Json, at: string, bad: Bad): WeightSpec {
  if (!isObject(spec)) return bad(at, spec, 'a weight');
  const { name, shape, dtype, quantization } = spec;
  if (typeof name !== 'string') return bad(`${at}.name`, name, 'a name');
  if (!Array.isArray(shape) || !shape.every((n) => Number.isSafeInteger(n) && n >= 0)) {
    return bad(`the shape of ${name}`, shape, 'a list of sizes');
  }
  if (!Number.isSafeInteger(8 * shape.reduce<number>((a, b) => a * (b as number), 1))) {
    return bad(`the shape of ${name}`, shape, 'one that fits into memory');
  }
  if (own(bytesOfType, dtype) === undefined) return bad(`the dtype of ${name}`, dtype, 'one of TF.js');
  if (quantization !== undefined && quantization !== null) {
    const { dtype: stored, scale, min } = isObject(quantization) ? quantization : {};
    if (own(bytesOfQuantized, stored) === undefined) {
      return bad(`the quantization of ${name}`, quantization, 'uint8, uint16 or float16');
    }
    if (stored !== 'float16' && (!Number.isFinite(scale) || !Number.isFinite(min))) {
      return bad(`the quantization of ${name}`, quantization, 'one with a scale and a min');
    }
  }
  const { quantization: _, ...plain } = spec;
  return (quantization ? spec : plain) as unknown as WeightSpec;
}

/** @throws EspalierError `bad-model` for two weights of one name */
export function checkNames(specs: readonly WeightSpec[], file: string): void {
  const names = new Set<string>();
  for (const { name } of specs) {
    if (names.has(name)) {
      throw new EspalierError('bad-model', `${file} has two weights named ${name}.`, {
        remedy: 'Name them differently: which is meant cannot be told.',
      });
    }
    names.add(name);
  }
}

/** The groups of a `weightsManifest`. @throws EspalierError `bad-model` */
function checkManifest(manifest: Json, file: string): Group[] {
  const bad: Bad = (where, value, what) => {
    const text = value === undefined ? 'missing' : shown(value);
    throw new EspalierError('bad-model', `${file}: ${where} is ${text}, not ${what}.`, {
      remedy: 'It is no weights manifest as the TF.js converter writes it: convert the model anew.',
    });
  };
  if (!Array.isArray(manifest)) return bad('weightsManifest', manifest, 'a list of groups');
  return manifest.map((group: Json, g): Group => {
    const where = `weightsManifest[${g}]`;
    if (!isObject(group)) return bad(where, group, 'a group');
    const { paths, weights = [] } = group;
    if (!Array.isArray(paths)) return bad(`${where}.paths`, paths, 'a list of paths');
    if (!Array.isArray(weights)) return bad(`${where}.weights`, weights, 'a list of weights');
    const specs = weights.map((spec: Json, i) => checkSpec(spec, `${where}.weights[${i}]`, bad));
    return { paths, weights: specs };
  });
}

/** Bytes of a weight that begins at `from`; more than there are where it is cut off. */
function lengthOf({ shape, dtype, quantization }: WeightSpec, bytes: Uint8Array, from: number): number {
  const size = shape.reduce((a, b) => a * b, 1);
  if (dtype !== 'string')
    return size * (quantization ? bytesOfQuantized[quantization.dtype] : bytesOfType[dtype]);
  // Each text lies behind its length.
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = from;
  for (let i = 0; i < size; i++) {
    if (at + 4 > bytes.length) return Number.POSITIVE_INFINITY;
    at += 4 + view.getUint32(at, true);
  }
  return at - from;
}

/**
 * The weights of a manifest, out of files of its folder, as one ArrayBuffer. Bytes behind a group's last weight are left out, as
 * TF.js does. Names may be equal: `checkNames`.
 *
 * @throws EspalierError `bad-model`
 */
export async function readManifest(
  manifest: Json,
  folder: string,
  file: string,
): Promise<Required<Pick<ModelArtifacts, 'weightSpecs' | 'weightData'>>> {
  const groups = checkManifest(manifest, file);
  const parts: Uint8Array[] = [];
  for (const { paths, weights } of groups) {
    const shards: Uint8Array[] = [];
    for (const path of paths) shards.push(await readInside(folder, path, file));
    const bytes = concatenated(shards);
    let at = 0;
    for (const spec of weights) {
      const length = lengthOf(spec, bytes, at);
      if (at + length > bytes.length) {
        throw new EspalierError(
          'bad-model',
          `${file}: ${paths.join(', ') || 'no file'} has ${bytes.length} bytes and ends inside of ${spec.name}.`,
          { remedy: 'Is a shard missing, or not downloaded to its end?' },
        );
      }
      at += length;
    }
    parts.push(bytes.subarray(0, at));
  }
  const weightSpecs = groups.flatMap(({ weights }) => weights);
  return { weightSpecs, weightData: concatenated(parts).buffer };
}
