import { dirname } from 'node:path';
import type { ModelArtifacts } from '@espalier/codec';
import { EspalierError } from '@espalier/core';
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
      throw new EspalierError(
        'bad-model',
        `${file}: the file of ${name} is ${JSON.stringify(path)}, no path.`,
      );
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
  const artifacts = artifactsOfTensors(tensors);
  const metadata = Object.fromEntries(
    [...shards.values()].flatMap((shard) => Object.entries(shard.metadata)),
  );
  if (Object.keys(metadata).length > 0) artifacts.userDefinedMetadata = metadata;
  return artifacts;
}
