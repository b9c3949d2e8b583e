import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { decode, type ModelArtifacts } from '@espalier/codec';
import { EspalierError } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';

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

/**
 * Artifacts of a model on disk: a `model.json`, a folder with one, or an `.esp` file.
 *
 * @throws EspalierError `bad-model`; EspError of the codec for a damaged `.esp`
 */
export async function readArtifacts(path: string): Promise<{ artifacts: ModelArtifacts; file: string }> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined) {
    throw new EspalierError('bad-model', `There is no model at ${path}.`, {
      remedy: 'Give a model.json, the folder it is in, or an .esp file.',
    });
  }
  const file = info.isDirectory() ? join(path, 'model.json') : path;
  if (file.endsWith('.json')) return { artifacts: await readModelJson(file), file };
  return { artifacts: decode(await read(file)), file };
}

/** Loads a LayersModel from disk. @throws as `readArtifacts` */
export async function readLayersModel(path: string): Promise<LayersModel> {
  const { artifacts } = await readArtifacts(path);
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
