import { dirname, join } from 'node:path';
import type { ModelArtifacts } from '@espalier/codec';
import { EspalierError } from '@espalier/core';
import { readWhole } from '../files.js';

interface ModelJson extends Omit<ModelArtifacts, 'weightData' | 'weightSpecs'> {
  readonly weightsManifest?: readonly {
    readonly paths: readonly string[];
    readonly weights: ModelArtifacts['weightSpecs'];
  }[];
}

/** Reads a `model.json` and its weight files. Weights come back as one ArrayBuffer, as TF.js needs it. */
export async function readModelJson(file: string): Promise<ModelArtifacts> {
  let json: ModelJson;
  try {
    json = JSON.parse((await readWhole(file)).toString('utf8')) as ModelJson;
  } catch (cause) {
    if (cause instanceof EspalierError) throw cause;
    throw new EspalierError('bad-model', `${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
  if (json === null || typeof json !== 'object' || json.modelTopology === undefined) {
    throw new EspalierError('bad-model', `${file} is not a TensorFlow.js model: it has no modelTopology.`);
  }
  const { weightsManifest = [], ...rest } = json;
  const parts = await Promise.all(
    weightsManifest.flatMap((group) => group.paths.map((path) => readWhole(join(dirname(file), path)))),
  );
  const whole = Buffer.concat(parts);
  return {
    ...rest,
    weightSpecs: weightsManifest.flatMap((group) => [...(group.weights ?? [])]),
    weightData: whole.buffer.slice(whole.byteOffset, whole.byteOffset + whole.byteLength) as ArrayBuffer,
  } as ModelArtifacts;
}
