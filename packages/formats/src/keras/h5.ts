import type { ModelArtifacts } from '@espalier/codec';
import { EspalierError } from '@espalier/core';
import type { Dataset, File, Group } from 'h5wasm/node';
import { artifactsOfTensors, bytesOf, type ElementType, type PlainTensor } from '../arrays/plain-tensor.js';
import { kerasTopology } from './topology.js';

/** The first bytes of every HDF5 file. */
export const hdf5Magic: Uint8Array = Uint8Array.of(0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a);

/**
 * A Keras `.h5` file. A Sequential or Functional model of Keras 2 whose layers TF.js has becomes a LayersModel, as the
 * TF.js converter would make it; of all others, and of files of weights, the weights are read.
 *
 * @throws EspalierError `missing-package` without h5wasm, `bad-model`
 */
export async function readKeras(file: string, log: (line: string) => void): Promise<ModelArtifacts> {
  const h5wasm = await import('h5wasm/node').catch((cause: unknown) => {
    throw new EspalierError(
      'missing-package',
      `Reading ${file} takes the package h5wasm, which is not there.`,
      {
        cause,
        remedy: 'npm install h5wasm',
      },
    );
  });
  await h5wasm.ready;
  const h5 = new h5wasm.File(file, 'r');
  if (h5.file_id < 0n) throw new EspalierError('bad-model', `${file} is a damaged HDF5 file.`);
  try {
    return read(h5, h5wasm.Dataset, h5wasm.Group, file, log);
  } finally {
    h5.close();
  }
}

function read(
  h5: File,
  isDataset: typeof Dataset,
  isGroup: typeof Group,
  file: string,
  log: (line: string) => void,
): ModelArtifacts {
  const inner = h5.get('model_weights');
  const root: Group = inner instanceof isGroup ? inner : h5;
  const tensors: PlainTensor[] = [];
  const take = (group: Group, path: string, name: string): void => {
    const dataset = group.get(path);
    if (!(dataset instanceof isDataset)) {
      throw new EspalierError('bad-model', `${file} names the weight ${name}, but does not hold it.`);
    }
    tensors.push(tensorOf(dataset, name.replace(/:0$/, ''), file));
  };
  /** Weights in their layer's order where it is told, else all there are, by their paths. */
  const walk = (group: Group, path: string): void => {
    const names = texts(group, 'weight_names');
    for (const name of names ?? []) take(group, name, name);
    if (names) return;
    for (const key of texts(group, 'layer_names') ?? group.keys()) {
      const child = group.get(key);
      if (path === '' && /^optimizer(_weights)?$/.test(key))
        log(`${file}: the state of the optimizer is left out`);
      else if (child instanceof isGroup) walk(child, `${path}${key}/`);
      else if (child instanceof isDataset) take(group, key, `${path}${key}`);
    }
  };
  walk(root, '');
  if (tensors.length === 0) throw new EspalierError('bad-model', `${file} holds no weights.`);
  const names = tensors.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new EspalierError('bad-model', `${file} has two weights named ${twice}.`);
  const weights = artifactsOfTensors(tensors);

  const [config] = texts(h5, 'model_config') ?? [];
  if (config === undefined) return weights;
  const [version = ''] = texts(h5, 'keras_version') ?? [];
  const [backend = 'tensorflow'] = texts(h5, 'backend') ?? [];
  const made = kerasTopology(config, version, backend);
  if ('reason' in made) {
    log(`${file}: only the weights are read, for ${made.reason}`);
    return weights;
  }
  return {
    format: 'layers-model',
    generatedBy: `keras v${version}`,
    convertedBy: 'Espalier',
    modelTopology: made.topology,
    ...weights,
  };
}

/** An attribute of texts. Keras cuts long lists into name0, name1, … */
function texts(group: Group, name: string): string[] | undefined {
  const { attrs } = group;
  // An empty list has lost its type: h5py writes it as numbers.
  const list = (value: unknown): string[] =>
    Array.isArray(value) ? value.map(String) : typeof value === 'string' ? [value] : [];
  if (attrs[name] !== undefined) return list(attrs[name].value);
  const all: string[] = [];
  for (let i = 0; attrs[`${name}${i}`] !== undefined; i++) all.push(...list(attrs[`${name}${i}`].value));
  return all.length > 0 ? all : undefined;
}

/** HDF5's classes of types. */
const [integer, float, enumeration] = [0, 1, 8];

function tensorOf(dataset: Dataset, name: string, file: string): PlainTensor {
  const { shape } = dataset;
  const { type, size, signed, littleEndian } = dataset.metadata;
  let own: string | undefined;
  if (type === integer) own = `${signed ? '' : 'u'}int${8 * size}`;
  if (type === float && size >= 4) own = `float${8 * size}`;
  // h5py's truth values.
  if (type === enumeration && size === 1) own = 'bool';
  if (own === undefined || shape === null || !(littleEndian || size === 1)) {
    throw new EspalierError('bad-model', `${file}: ${name} has a type that is not read.`, {
      remedy: 'Numbers are read that are little-endian: integers, float32 and float64.',
    });
  }
  const { value } = dataset;
  if (ArrayBuffer.isView(value)) return { name, shape, type: own as ElementType, bytes: bytesOf(value) };
  // One number without axes.
  const array = type === float ? Float64Array.of(Number(value)) : BigInt64Array.of(BigInt(value as number));
  return { name, shape, type: type === float ? 'float64' : 'int64', bytes: bytesOf(array) };
}
