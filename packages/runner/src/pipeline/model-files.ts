import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { decode, EspError, type ModelArtifacts } from '@espalier/codec';
import { EspalierError } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { hdf5Magic, readKeras } from '../inputs/keras.js';
import { parseNpyTensor } from '../inputs/npy.js';
import { artifactsOfTensors, type PlainTensor } from '../inputs/plain-tensor.js';
import { parseSafetensors } from '../inputs/safetensors.js';

interface ModelJson extends Omit<ModelArtifacts, 'weightData' | 'weightSpecs'> {
  readonly weightsManifest?: readonly {
    readonly paths: readonly string[];
    readonly weights: ModelArtifacts['weightSpecs'];
  }[];
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new EspalierError('bad-model', missing ? `There is no file ${file}.` : `Cannot read ${file}.`, {
      cause,
    });
  }
}

/** Reads a `model.json` and its weight files. Weights come back as one ArrayBuffer, as TF.js needs it. */
async function readModelJson(file: string): Promise<ModelArtifacts> {
  let json: ModelJson;
  try {
    json = JSON.parse((await read(file)).toString('utf8')) as ModelJson;
  } catch (cause) {
    if (cause instanceof EspalierError) throw cause;
    throw new EspalierError('bad-model', `${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
  if (json === null || typeof json !== 'object' || json.modelTopology === undefined) {
    throw new EspalierError('bad-model', `${file} is not a TensorFlow.js model: it has no modelTopology.`);
  }
  const { weightsManifest = [], ...rest } = json;
  const parts = await Promise.all(
    weightsManifest.flatMap((group) => group.paths.map((path) => read(join(dirname(file), path)))),
  );
  const whole = Buffer.concat(parts);
  return {
    ...rest,
    weightSpecs: weightsManifest.flatMap((group) => [...(group.weights ?? [])]),
    weightData: whole.buffer.slice(whole.byteOffset, whole.byteOffset + whole.byteLength) as ArrayBuffer,
  } as ModelArtifacts;
}

/** What can be read, in a few words. */
export const readable = 'model.json or its folder, .esp, Keras .h5, .safetensors, .npy or a folder of .npy';

/** What `readArtifacts` tells. */
export interface ReadOptions {
  /** Receives a line on each thing that is in the file and is left out. */
  readonly log?: (line: string) => void;
}

/**
 * Artifacts of a model on disk: a `model.json`, a folder with one, an `.esp` file, or a Keras `.h5` file. Of weights alone
 * (`.safetensors`, `.npy`, a folder of `.npy`) they have no topology.
 *
 * @throws EspalierError `bad-model`, `bad-data`, `missing-package` for `.h5` without h5wasm; EspError of the codec for a
 * damaged `.esp`
 */
export async function readArtifacts(
  path: string,
  { log = () => {} }: ReadOptions = {},
): Promise<{ artifacts: ModelArtifacts; file: string }> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) {
    throw new EspalierError('bad-model', `There is no model at ${path}.`, {
      remedy: `Read are: ${readable}.`,
    });
  }
  if (info.isDirectory()) {
    const arrays = (await readdir(path, { recursive: true })).filter((name) => extname(name) === '.npy');
    if (arrays.length > 0 && (await stat(join(path, 'model.json')).catch(() => undefined)) === undefined) {
      return { artifacts: await readNpyFiles(path, arrays.sort()), file: path };
    }
  }
  const file = info.isDirectory() ? join(path, 'model.json') : path;
  const extension = extname(file).toLowerCase();
  if (extension === '.json') return { artifacts: await readModelJson(file), file };
  if (extension === '.npy') return { artifacts: await readNpyFiles(dirname(file), [basename(file)]), file };
  const bytes = await read(file);
  if (extension === '.safetensors') return { artifacts: parseSafetensors(bytes, file), file };
  if (hdf5Magic.every((byte, i) => bytes[i] === byte)) return { artifacts: await readKeras(file, log), file };
  if (['.h5', '.hdf5', '.keras'].includes(extension)) {
    throw new EspalierError('bad-model', `${file} is no HDF5 file.`, {
      remedy: "Save the model with model.save('model.h5'), in Keras 2's format.",
    });
  }
  try {
    return { artifacts: decode(bytes), file };
  } catch (error) {
    if (!(error instanceof EspError)) throw error;
    const remedy = 'It is damaged, no .esp file, or of another version of Espalier: write it anew.';
    throw new EspError(error.code, `${file}: ${error.message}.\n  ${remedy}`);
  }
}

/** Arrays as tensors named by their paths in the folder, `a/b` for `a/b.npy`. */
async function readNpyFiles(folder: string, files: readonly string[]): Promise<ModelArtifacts> {
  const tensors: PlainTensor[] = [];
  for (const file of files) {
    const name = file.slice(0, -'.npy'.length).replaceAll('\\', '/');
    tensors.push({ ...parseNpyTensor(await read(join(folder, file)), join(folder, file)), name });
  }
  return artifactsOfTensors(tensors);
}

/** Loads a LayersModel from disk. @throws as `readArtifacts` */
export async function readLayersModel(path: string): Promise<LayersModel> {
  const { artifacts, file } = await readArtifacts(path);
  if (artifacts.modelTopology === undefined) {
    throw new EspalierError('bad-model', `${file} holds weights and no model to run.`, {
      remedy: 'Give a model.json, an .esp file of a model, or a .h5 file of a Keras 2 model.',
    });
  }
  return modelFrom(artifacts);
}

/** A LayersModel from artifacts. */
export async function modelFrom(artifacts: ModelArtifacts): Promise<LayersModel> {
  const model = await loadLayersModel({ load: async () => artifacts as unknown as tf.io.ModelArtifacts });
  return model;
}

/** What `model.save` would write, in memory, optimizer left out. */
export async function artifactsOf(model: LayersModel): Promise<ModelArtifacts> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save({
    save: async (artifacts: tf.io.ModelArtifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    },
  });
  const { trainingConfig: _, ...artifacts } = saved!;
  return artifacts as unknown as ModelArtifacts;
}
