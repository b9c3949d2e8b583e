import { dirname } from 'node:path';
import type { ModelArtifacts } from '@espalier/codec';
import { EspalierError } from '@espalier/core';
import { isObject, type Json } from './json.js';
import { readManifest } from './manifest.js';

/** A `model.json` and its weight files. Weights come back as one ArrayBuffer, as TF.js needs it. @throws EspalierError `bad-model` */
export async function readModelJson(json: Json, file: string): Promise<ModelArtifacts> {
  if (!isObject(json) || json.modelTopology === undefined) {
    throw new EspalierError('bad-model', `${file} is not a TensorFlow.js model: it has no modelTopology.`, {
      remedy: whatItIs(json),
    });
  }
  const { weightsManifest, modelTopology, ...rest } = json;
  if (modelTopology !== null && !isObject(modelTopology)) {
    throw new EspalierError('bad-model', `${file}: modelTopology is no object.`, {
      remedy: 'Convert the model anew.',
    });
  }
  const weights = await readManifest(weightsManifest ?? [], dirname(file), file);
  return {
    ...rest,
    ...(modelTopology !== null && { modelTopology }),
    ...weights,
  } as unknown as ModelArtifacts;
}

/** What else a file of JSON is, and the way from there. */
function whatItIs(json: Json): string {
  const has = (...keys: string[]): boolean => isObject(json) && keys.every((key) => Object.hasOwn(json, key));
  if (has('class_name', 'config')) {
    return "It is a Keras model's configuration without weights: save all of it with model.save('model.keras').";
  }
  if (has('architectures') || has('model_type')) {
    return 'It is the configuration of a transformer: give the .safetensors file beside it.';
  }
  if (has('nodes') || has('node')) return 'It is a graph alone: give the model.json that names its weights.';
  return 'Give a model.json of the TF.js converter or of model.save, or a weights manifest.';
}
