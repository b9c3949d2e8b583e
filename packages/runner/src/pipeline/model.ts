import { resolve } from 'node:path';
import { type ModelArtifacts, namedByPaths } from '@espalier/codec';
import { EspalierError, nearestName, topologyOf } from '@espalier/core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Recipe } from '../recipe/schema.js';
import { architectures } from './architectures.js';
import { buildSequential, seeded } from './layers.js';
import { readLayersModel } from './model-files.js';
import { reheaded } from './reheaded.js';

/**
 * The model a recipe starts from. Fresh models get weights that depend on the seed alone.
 *
 * @throws EspalierError `unknown-name` for an architecture or file that does not exist, `bad-model` for layers that
 *   TF.js cannot run one after another, or that it could not load again
 */
export async function makeModel(
  { model, name, seed = 0 }: Recipe,
  folder: string,
  inputShape: readonly number[],
): Promise<LayersModel> {
  if (typeof model === 'function') return loadable((await model()) as LayersModel);
  if (typeof model === 'object' && 'from' in model) {
    return reheaded(name, { ...model, from: resolve(folder, model.from) }, inputShape, seed);
  }
  if (typeof model === 'object') {
    return seeded(buildSequential(name, inputShape, model.layers), seed);
  }
  if (Object.hasOwn(architectures, model)) return seeded(architectures[model](name, inputShape), seed);
  if (isModelFile(model)) return readLayersModel(resolve(folder, model));
  const near = nearestName(model, Object.keys(architectures));
  throw new EspalierError('unknown-name', `There is no architecture '${model}'.`, {
    remedy: `${near === undefined ? '' : `Did you mean '${near}'? `}Known: ${Object.keys(architectures).join(', ')}; or give the path of a model.json, .esp, .keras or .h5 file.`,
  });
}

/** Does a recipe's model name a file, rather than an architecture? */
export function isModelFile(model: Recipe['model']): model is string {
  if (typeof model !== 'string' || Object.hasOwn(architectures, model)) return false;
  return /[/\\]|\.(json|esp|h5|hdf5|keras)$/.test(model);
}

/** A file that a recipe goes on from and that cannot be trained is told of before data are read. @throws as `readLayersModel` */
export async function checkReheaded(model: Recipe['model'], folder: string): Promise<void> {
  if (typeof model !== 'object' || !('from' in model)) return;
  (await readLayersModel(resolve(folder, model.from))).dispose();
}

/** TF.js knows the weights of a saved model by their names: those of models in it that are alike are told apart by their paths. */
function loadable(model: LayersModel): LayersModel {
  const weightSpecs = model.weights.map(({ originalName: name, shape }) => ({
    name,
    shape,
    dtype: 'float32',
  }));
  const saved = { modelTopology: topologyOf(model), weightSpecs } as ModelArtifacts;
  const names = (namedByPaths(saved).weightSpecs ?? []).map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return built(model);
  throw new EspalierError('bad-model', `Two weights of the model are named '${twice}'.`, {
    remedy: 'Name its layers, and the weights of each, differently: TF.js could not load the file.',
  });
}

/** A sequential model is put together when it is first called, and only then TF.js looks at the names of its layers. */
function built(model: LayersModel): LayersModel {
  if (model.getClassName() !== 'Sequential' || model.inputs.length === 0) return model;
  try {
    model.build(model.inputs[0].shape);
  } catch (cause) {
    throw new EspalierError('bad-model', `TF.js does not take the model: ${(cause as Error).message}`, {
      cause,
      remedy: 'Of a model at its beginning it sees the layers, not the model: name them differently.',
    });
  }
  return model;
}
