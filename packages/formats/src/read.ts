import { basename, dirname, extname, join } from 'node:path';
import { decode, EspError, type ModelArtifacts } from '@espalier/codec';
import { EspalierError } from '@espalier/core';
import { parseNpyTensor } from './arrays/npy.js';
import { readNpz } from './arrays/npz.js';
import { artifactsOfTensors, type PlainTensor } from './arrays/plain-tensor.js';
import { parseSafetensors } from './arrays/safetensors.js';
import { areShards, readSafetensorsIndex, readSafetensorsShards } from './arrays/safetensors-index.js';
import { kindOf, pathInside, readWhole } from './files.js';
import type { ForeignLimits } from './foreign.js';
import { hdf5Magic } from './keras/hdf5.js';
import { withoutKeras3 } from './keras/model-json.js';
import { readKerasArchive, readKerasH5 } from './keras/read-keras.js';
import { modelOfFolder } from './model-of-folder.js';
import { isObject, type Json, parseJson } from './tfjs/json.js';
import { checkNames, readManifest } from './tfjs/manifest.js';
import { readModelJson } from './tfjs/model-json.js';
import { refuseByName } from './unread.js';

/** What can be read, in a few words. */
export const readable =
  'model.json or its folder, .esp, Keras .keras or .h5, .safetensors or its index, a weights manifest, .npy, .npz or a folder of .npy';

/** What `readArtifacts` tells. */
export interface ReadOptions {
  /** Receives a line on each thing that is in the file and is left out. */
  readonly log?: (line: string) => void;
  /** What the HDF5 library may take before it is ended. */
  readonly limits?: ForeignLimits;
}

/** Artifacts, and the file or folder that they are from. */
export interface ReadArtifacts {
  readonly artifacts: ModelArtifacts;
  readonly file: string;
}

/**
 * Artifacts of a model on disk: a `model.json`, a folder with one, an `.esp` file, a Keras `.keras` or `.h5` file. Of weights alone
 * (`.safetensors`, whole or in shards with an index, a weights manifest, `.npy`, `.npz`, a folder of `.npy`) they have no topology.
 * Nothing outside of the model's own folder is read, whatever a file names.
 *
 * @throws EspalierError `bad-model`, `bad-data`, `missing-package` for Keras files without h5wasm; EspError of the codec for a
 * damaged `.esp`
 *
 * @example
 * ```ts
 * import { mkdtemp, writeFile } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { readArtifacts, writeNpy } from '@espalier/formats';
 * const file = join(await mkdtemp(join(tmpdir(), 'arrays-')), 'fc.npy');
 * await writeFile(file, writeNpy([2, 1], Float32Array.of(1, 2)));
 * const { artifacts } = await readArtifacts(file);
 * if (artifacts.weightSpecs?.[0].shape.join() !== '2,1') throw new Error('another shape');
 * ```
 */
export async function readArtifacts(path: string, options: ReadOptions = {}): Promise<ReadArtifacts> {
  const read = await readPath(path, options);
  const { modelTopology = {}, weightSpecs = [] } = read.artifacts;
  if (Object.keys(modelTopology).length > 0 || weightSpecs.length > 0) return read;
  const { file, artifacts } = read;
  const what =
    artifacts.modelTopology === undefined
      ? `${file} is empty: it holds neither a model nor weights.`
      : `TensorFlow.js does not take ${file}: its topology is empty, and it has no weights.`;
  throw new EspalierError('bad-model', what, {
    remedy: 'Was it written to the end, from the right model?',
  });
}

async function readPath(path: string, { log = () => {}, limits }: ReadOptions): Promise<ReadArtifacts> {
  const kind = await kindOf(path);
  if (kind === undefined) {
    throw new EspalierError('bad-model', `There is no model at ${path}.`, {
      remedy: `Read are: ${readable}.`,
    });
  }
  if (kind === 'file') return { artifacts: await readFileOf(path, log, limits), file: path };
  const inside = await modelOfFolder(path);
  if (typeof inside === 'string') {
    const file = join(path, inside);
    return { artifacts: await readFileOf(file, log, limits), file };
  }
  const read = areShards(inside) ? readSafetensorsShards : readNpyFiles;
  return { artifacts: await read(path, inside), file: path };
}

const startsWith = (bytes: Uint8Array, magic: ArrayLike<number>): boolean =>
  Array.from(magic).every((byte, i) => bytes[i] === byte);

/** A file, by what it holds; by its name where that does not tell. */
async function readFileOf(
  file: string,
  log: (line: string) => void,
  limits?: ForeignLimits,
): Promise<ModelArtifacts> {
  const extension = extname(file).toLowerCase();
  const bytes = await readWhole(file);
  refuseByName(bytes, file);
  if (extension === '.json') return readJsonFile(bytes, file, log);
  if (extension === '.npy') return artifactsOfTensors([npyTensor(bytes, basename(file), file)]);
  if (extension === '.npz') return readNpz(bytes, file);
  if (extension === '.safetensors') return parseSafetensors(bytes, file);
  if (startsWith(bytes, hdf5Magic)) return readKerasH5(bytes, file, log, limits);
  if (startsWith(bytes, [0x50, 0x4b, 3, 4])) return readKerasArchive(bytes, file, log, limits);
  if (['.h5', '.hdf5', '.keras'].includes(extension)) {
    throw new EspalierError(
      'bad-model',
      `${file} is no ${extension === '.keras' ? '.keras' : 'HDF5'} file.`,
      {
        remedy: "Save the model with model.save('model.keras') or model.save('model.h5').",
      },
    );
  }
  try {
    return decode(bytes);
  } catch (error) {
    if (!(error instanceof EspError)) throw error;
    const remedy = 'It is damaged, no .esp file, or of another version of Espalier: write it anew.';
    throw new EspError(error.code, `${file}: ${error.message}.\n  ${remedy}`);
  }
}

/** JSON names other files: it is a model.json, a weights manifest, or an index of shards. */
async function readJsonFile(
  bytes: Uint8Array,
  file: string,
  log: (line: string) => void,
): Promise<ModelArtifacts> {
  const json = parseJson(bytes, file);
  if (Array.isArray(json)) return weightsOf(json, file);
  if (isObject(json) && isObject(json.weight_map)) return readSafetensorsIndex(json.weight_map, file);
  if (isObject(json) && json.modelTopology === undefined && Array.isArray(json.weightsManifest)) {
    return weightsOf(json.weightsManifest, file);
  }
  return withoutKeras3(await readModelJson(json, file), file, log);
}

/** A weights manifest by itself. */
async function weightsOf(manifest: Json, file: string): Promise<ModelArtifacts> {
  const weights = await readManifest(manifest, dirname(file), file);
  checkNames(weights.weightSpecs, file);
  return weights;
}

function npyTensor(bytes: Uint8Array, name: string, file: string): PlainTensor {
  return { ...parseNpyTensor(bytes, file), name: name.slice(0, -'.npy'.length).replaceAll('\\', '/') };
}

/** Arrays as tensors named by their paths in the folder, `a/b` for `a/b.npy`. */
async function readNpyFiles(folder: string, files: readonly string[]): Promise<ModelArtifacts> {
  const tensors: PlainTensor[] = [];
  for (const name of files) {
    const file = await pathInside(folder, name, folder);
    tensors.push(npyTensor(await readWhole(file), name, file));
  }
  return artifactsOfTensors(tensors);
}
