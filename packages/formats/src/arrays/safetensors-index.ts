import { dirname } from 'node:path';
import type { ModelArtifacts } from '@espalier/codec';
import { EspalierError, shown } from '@espalier/core';
import { readInside } from '../files.js';
import type { Json } from '../tfjs/json.js';
import { artifactsOfTensors, type PlainTensor } from './plain-tensor.js';
import { type Safetensors, safetensorsOf } from './safetensors.js';

/**
 * Tensors that an index (`model.safetensors.index.json`) spreads over several files of its folder: all that it names, each from
 * the file that it names, in the files' order.
 *
 * @throws EspalierError `bad-model` for files that cannot be read, `bad-data` for what is in them
 */
export async function readSafetensorsIndex(
  weightMap: { readonly [name: string]: Json },
  file: string,
): Promise<ModelArtifacts> {
  const shards = new Map<string, Safetensors>();
  for (const [name, path] of Object.entries(weightMap)) {
    if (typeof path !== 'string') {
      throw new EspalierError('bad-model', `${file}: the file of ${name} is ${shown(path)}, no path.`);
    }
    if (/\.(bin|pth?|ckpt)$/.test(path)) {
      throw new EspalierError('bad-model', `${file} is the index of PyTorch's pickled files (${path}).`, {
        remedy: 'They can hold code, and are not read: model.save_pretrained(…, safe_serialization=True).',
      });
    }
    if (!shards.has(path)) shards.set(path, safetensorsOf(await readInside(dirname(file), path, file), path));
  }
  const tensors: PlainTensor[] = [];
  for (const [path, shard] of shards) {
    for (const tensor of shard.tensors) if (weightMap[tensor.name] === path) tensors.push(tensor);
  }
  const found = new Set(tensors.map(({ name }) => name));
  const missing = Object.keys(weightMap).find((name) => !found.has(name));
  if (missing !== undefined) {
    throw new EspalierError('bad-model', `${file}: ${weightMap[missing]} does not hold ${missing}.`, {
      remedy: 'Is it the shard of another model?',
    });
  }
  return joined(tensors, [...shards.values()]);
}

/**
 * Tensors that lie in several files of a folder, named `…-00001-of-00002.safetensors` and so on, without an index.
 *
 * @throws EspalierError `bad-model` where one of them is missing or two hold the same tensor, `bad-data` for what is in them
 */
export async function readSafetensorsShards(
  folder: string,
  names: readonly string[],
): Promise<ModelArtifacts> {
  const numbers = new Set(names.map((name) => Number(shardName.exec(name)?.[2])));
  const count = Number(shardName.exec(names[0])?.[3]);
  for (let number = 1; number <= count; number++) {
    if (!numbers.has(number)) {
      throw new EspalierError('bad-model', `${folder}: shard ${number} of ${count} is missing.`, {
        remedy: `There are ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}: copy all of them.`,
      });
    }
  }
  const shards: Safetensors[] = [];
  const from = new Map<string, string>();
  for (const name of names) {
    const shard = safetensorsOf(await readInside(folder, name, folder), name);
    for (const tensor of shard.tensors) {
      const other = from.get(tensor.name);
      if (other !== undefined) {
        throw new EspalierError('bad-model', `${folder}: ${tensor.name} is in ${other} and in ${name}.`, {
          remedy: 'Are they shards of two models? Give one file, or an index that says which it is.',
        });
      }
      from.set(tensor.name, name);
    }
    shards.push(shard);
  }
  return joined(
    shards.flatMap(({ tensors }) => tensors),
    shards,
  );
}

/** How shards are called: the model, the number, how many there are. */
const shardName = /^(.*)-(\d+)-of-(\d+)\.safetensors$/i;

/** Whether files are all shards of one model, some of which may be missing. */
export function areShards(names: readonly string[]): boolean {
  const parts = names.map((name) => shardName.exec(name));
  return parts.every((part) => part !== null && part[1] === parts[0]?.[1] && part[3] === parts[0]?.[3]);
}

function joined(tensors: readonly PlainTensor[], shards: readonly Safetensors[]): ModelArtifacts {
  const artifacts = artifactsOfTensors(tensors);
  const metadata = Object.fromEntries(shards.flatMap((shard) => Object.entries(shard.metadata)));
  if (Object.keys(metadata).length > 0) artifacts.userDefinedMetadata = metadata;
  return artifacts;
}
