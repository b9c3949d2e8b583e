import type { ModelArtifacts } from '@espalier/codec';
import { EspalierError } from '@espalier/core';
import { artifactsOfTensors, type PlainTensor } from '../arrays/plain-tensor.js';
import { unzip } from '../arrays/zip.js';
import type { ForeignLimits } from '../foreign.js';
import { isObject, type Json, parseJson } from '../tfjs/json.js';
import { type Hdf5, readHdf5, tensorOf, textsOf } from './hdf5.js';
import { place } from './place.js';
import { type Slot, slotsOf } from './slots.js';
import { kerasTopology, type LayerJson, layersOf } from './topology.js';

type Log = (line: string) => void;

/** A model and its weights, or why the weights alone can be had. */
type Made =
  | { readonly model: LayerJson; readonly tensors: readonly PlainTensor[]; readonly left: readonly string[] }
  | { readonly reason: string };

/**
 * A Keras `.h5` file. A Sequential or Functional model whose layers TF.js has becomes a LayersModel, as the TF.js converter would
 * make it; of all others, and of files of weights, the weights are read.
 *
 * @throws EspalierError `missing-package` without h5wasm, `bad-model`
 */
export async function readKerasH5(
  bytes: Uint8Array,
  file: string,
  log: Log,
  limits?: ForeignLimits,
): Promise<ModelArtifacts> {
  const h5 = await readHdf5(bytes, file, limits);
  const root = h5.groups.get('');
  if (root?.keys.some((key) => /^optimizer(_weights)?$/.test(key))) {
    log(`${file}: the state of the optimizer is left out`);
  }
  const [text] = root?.texts.model_config ?? [];
  const version = root?.texts.keras_version?.[0] ?? '';
  if (text === undefined) return artifactsOfTensors(allTensors(h5, file));
  const config = parseJson(new TextEncoder().encode(text), `the model_config of ${file}`);
  const made = make(config, version, (slots, model) => fromGroups(h5, slots, model, version, file));
  return artifactsOf(made, version, () => allTensors(h5, file), file, log);
}

/** A `.keras` file of Keras 3: a zip archive of a configuration and weights. As `readKerasH5`. */
export async function readKerasArchive(
  bytes: Uint8Array,
  file: string,
  log: Log,
  limits?: ForeignLimits,
): Promise<ModelArtifacts> {
  const files = await unzip(bytes, file, (name) =>
    ['config.json', 'metadata.json', 'model.weights.h5'].includes(name),
  );
  const part = (name: string): Uint8Array => {
    const found = files.get(name);
    if (found !== undefined) return found;
    throw new EspalierError('bad-model', `${file} is a zip archive without ${name}, no .keras file.`, {
      remedy: "Save the model with model.save('model.keras').",
    });
  };
  const config = parseJson(part('config.json'), `config.json of ${file}`);
  const metadata = files.has('metadata.json')
    ? parseJson(part('metadata.json'), `metadata.json of ${file}`)
    : {};
  const version = isObject(metadata) ? String(metadata.keras_version ?? '3') : '3';
  const inner = `model.weights.h5 of ${file}`;
  const h5 = await readHdf5(part('model.weights.h5'), inner, limits);
  if (h5.groups.get('')?.keys.includes('optimizer')) log(`${file}: the state of the optimizer is left out`);
  const made = make(config, version, (slots) => fromFolders(h5, slots, inner));
  return artifactsOf(made, version, () => allTensors(h5, inner), file, log);
}

function make(
  config: Json,
  version: string,
  weights: (slots: readonly (readonly Slot[])[], model: LayerJson) => readonly PlainTensor[] | string,
): Made {
  const translated = kerasTopology(config, version);
  if ('reason' in translated) return translated;
  const { model, left } = translated;
  const tensors = weights(slotsOf(model), model);
  return typeof tensors === 'string' ? { reason: tensors } : { model, tensors, left };
}

function artifactsOf(
  made: Made,
  version: string,
  all: () => readonly PlainTensor[],
  file: string,
  log: Log,
): ModelArtifacts {
  if ('reason' in made) {
    log(`${file}: only the weights are read, for ${made.reason}`);
    return artifactsOfTensors(all());
  }
  if (made.left.length > 0) log(leftOut(file, made.left));
  return {
    format: 'layers-model',
    generatedBy: `keras v${version}`,
    convertedBy: 'Espalier',
    modelTopology: topologyOf(made.model, version),
    ...artifactsOfTensors(made.tensors),
  };
}

/** Says what a translation has left out. */
export const leftOut = (file: string, left: readonly string[]): string =>
  `${file}: ${left.join(', ')} ${left.length === 1 ? 'matters' : 'matter'} in training alone, and ${left.length === 1 ? 'is' : 'are'} left out`;

/** A model as TF.js loads it. */
export function topologyOf(model: LayerJson, version: string): object {
  return { keras_version: version, backend: 'tensorflow', model_config: model };
}

/** Generators of random numbers are kept among the weights. */
const isSeed = (path: string): boolean => path.includes('seed_generator');

const doNotFit = (layer: string): string => `the weights of ${layer} do not fit its configuration`;

/** Weights in groups by layer, as Keras 2 and `.h5` files have them. */
function fromGroups(
  h5: Hdf5,
  slots: readonly (readonly Slot[])[],
  model: LayerJson,
  version: string,
  file: string,
): readonly PlainTensor[] | string {
  const base = h5.groups.has('model_weights') ? 'model_weights/' : '';
  const tensors: PlainTensor[] = [];
  for (const [i, layer] of layersOf(model).entries()) {
    // The scope has Keras' own name; the layer itself may have got another one.
    const name = slots[i][0]?.scope[1] ?? String(layer.config.name);
    const group = h5.groups.get(`${base}${name}`);
    const names = (group && textsOf(group, 'weight_names'))?.filter((one) => !isSeed(one)) ?? [];
    const found = place(slots[i], names, version.startsWith('3'));
    if (found === undefined) return doNotFit(name);
    // Of a layer that somebody has registered with TF.js the weights' names are its own affair.
    if (slots[i].length === 0) {
      for (const one of names) {
        const dataset = h5.datasets.get(`${base}${name}/${one}`);
        if (dataset === undefined) return doNotFit(name);
        tensors.push(tensorOf(dataset, one.replace(/:0$/, ''), file));
      }
    }
    for (const [slot, index] of found.entries()) {
      const dataset = h5.datasets.get(`${base}${name}/${names[index]}`);
      if (dataset === undefined) {
        throw new EspalierError(
          'bad-model',
          `${file} names the weight ${names[index]}, but does not hold it.`,
        );
      }
      tensors.push(tensorOf(dataset, slots[i][slot].name, file));
    }
  }
  return tensors;
}

/** Weights in folders by class, as Keras 3 has them. What is used twice is there once. */
function fromFolders(
  h5: Hdf5,
  slots: readonly (readonly Slot[])[],
  file: string,
): readonly PlainTensor[] | string {
  const used = new Set(slots.flat().map(({ path }) => path));
  const other = [...h5.datasets.keys()].find((path) => !used.has(path) && !isSeed(path));
  if (other !== undefined) return `${other} belongs to no layer whose weights are known`;
  const byLayer = new Map<string, PlainTensor>();
  const tensors: PlainTensor[] = [];
  for (const { name, path, scope, role } of slots.flat()) {
    const key = `${scope.at(-1)}/${path.split('/').slice(-2).join('/')}`;
    const dataset = h5.datasets.get(path);
    const known = byLayer.get(key);
    if (dataset === undefined && known === undefined) return doNotFit(scope.at(-1) ?? role);
    const tensor = dataset ? tensorOf(dataset, name, file) : { ...(known as PlainTensor), name };
    if (dataset) byLayer.set(key, tensor);
    tensors.push(tensor);
  }
  return tensors;
}

/** All weights: in their layer's order where it is told, else all there are, by their paths. */
function allTensors(h5: Hdf5, file: string): PlainTensor[] {
  const base = h5.groups.has('model_weights') ? 'model_weights' : '';
  const tensors: PlainTensor[] = [];
  const take = (path: string, name: string): void => {
    const dataset = h5.datasets.get(path);
    if (dataset === undefined) {
      throw new EspalierError('bad-model', `${file} names the weight ${name}, but does not hold it.`);
    }
    tensors.push(tensorOf(dataset, name.replace(/:0$/, ''), file));
  };
  const walk = (path: string): void => {
    const group = h5.groups.get(path);
    if (group === undefined) return;
    const inner = (key: string): string => (path === '' ? key : `${path}/${key}`);
    const names = textsOf(group, 'weight_names');
    for (const name of names ?? []) take(inner(name), name);
    if (names) return;
    for (const key of textsOf(group, 'layer_names') ?? group.keys) {
      const at = inner(key);
      if (h5.groups.has(at)) walk(at);
      else if (h5.datasets.has(at)) take(at, base === '' ? at : at.slice(base.length + 1));
    }
  };
  walk(base);
  if (tensors.length === 0) throw new EspalierError('bad-model', `${file} holds no weights.`);
  const seen = new Set<string>();
  for (const { name } of tensors) {
    if (seen.has(name)) throw new EspalierError('bad-model', `${file} has two weights named ${name}.`);
    seen.add(name);
  }
  return tensors;
}
