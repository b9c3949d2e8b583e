import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { decode, EspError, type ModelArtifacts } from '@espalier/codec';
import { EspalierError } from '@espalier/core';
import { parseNpyTensor } from './arrays/npy.js';
import { artifactsOfTensors, type PlainTensor } from './arrays/plain-tensor.js';
import { parseSafetensors } from './arrays/safetensors.js';
import { readWhole } from './files.js';
import { hdf5Magic, readKeras } from './keras/h5.js';
import { readModelJson } from './tfjs/model-json.js';

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
  const bytes = await readWhole(file);
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
    tensors.push({ ...parseNpyTensor(await readWhole(join(folder, file)), join(folder, file)), name });
  }
  return artifactsOfTensors(tensors);
}
