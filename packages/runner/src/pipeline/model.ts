import { resolve } from 'node:path';
import { EspalierError, nearestName, seededModel } from '@espalier/core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import type { Recipe } from '../recipe/schema.js';
import { architectures } from './architectures.js';
import { buildSequential } from './layers.js';
import { readLayersModel } from './model-files.js';

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
  if (typeof model === 'object') {
    return seededModel(buildSequential(name, inputShape, model.layers), seed);
  }
  if (Object.hasOwn(architectures, model)) return seededModel(architectures[model](name, inputShape), seed);
  if (/[/\\]|\.(json|esp|h5|hdf5|keras)$/.test(model)) return readLayersModel(resolve(folder, model));
  const near = nearestName(model, Object.keys(architectures));
  throw new EspalierError('unknown-name', `There is no architecture '${model}'.`, {
    remedy: `${near === undefined ? '' : `Did you mean '${near}'? `}Known: ${Object.keys(architectures).join(', ')}; or give the path of a model.json, .esp, .keras or .h5 file.`,
  });
}

/** TF.js knows the weights of a saved model by their layers' names, whichever model inside of the model they are in. */
function loadable(model: LayersModel): LayersModel {
  const names = model.weights.map(({ originalName }) => originalName);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return model;
  throw new EspalierError('bad-model', `Two weights of the model are named '${twice}'.`, {
    remedy: 'Name the layers of each model inside of it differently: TF.js could not load the file.',
  });
}
