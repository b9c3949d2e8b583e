import { dirname } from 'node:path';
import { type ModelArtifacts, namedByPaths } from '@espalier/codec';
import { EspalierError, shown } from '@espalier/core';
import { isObject, type Json } from './json.js';
import { checkNames, readManifest } from './manifest.js';

/**
 * A `model.json` and its weight files. Weights come back as one ArrayBuffer, as TF.js needs it; layers of models in a model that
 * have equal names are named by their paths.
 *
 * @throws EspalierError `bad-model`
 */
export async function readModelJson(json: Json, file: string): Promise<ModelArtifacts> {
  if (!isObject(json) || json.modelTopology === undefined) {
    throw new EspalierError('bad-model', `${file} is not a TensorFlow.js model: it has no modelTopology.`, {
      remedy: whatItIs(json),
    });
  }
  const { weightsManifest, modelTopology, ...rest } = json;
  if (modelTopology !== null && !isObject(modelTopology)) {
    throw new EspalierError('bad-model', `${file}: modelTopology is ${shown(modelTopology)}, no model.`, {
      remedy: 'Convert the model anew; where only weights are meant, leave it out or write null.',
    });
  }
  const weights = await readManifest(weightsManifest ?? [], dirname(file), file);
  const artifacts = namedByPaths({
    ...rest,
    ...(modelTopology !== null && { modelTopology }),
    ...weights,
  } as unknown as ModelArtifacts);
  checkNames(artifacts.weightSpecs ?? [], file);
  return artifacts;
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
  if (has('weight_map')) return 'Its weight_map names no files: tensors by their names, each with its file.';
  if (has('nodes') || has('node')) return 'It is a graph alone: give the model.json that names its weights.';
  return 'Give a model.json of the TF.js converter or of model.save, or a weights manifest.';
}
