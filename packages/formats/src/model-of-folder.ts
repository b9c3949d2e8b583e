import { readdir } from 'node:fs/promises';
import { extname } from 'node:path';
import { EspalierError } from '@espalier/core';
import { areShards } from './arrays/safetensors-index.js';

/** Which files of a folder may be its model, the best first. Of several of a kind none is. */
const kinds: readonly RegExp[] = [
  /^model\.json$/,
  /^model\.safetensors\.index\.json$/,
  /\.safetensors\.index\.json$/,
  /\.safetensors$/,
  /\.keras$/,
  /\.(h5|hdf5)$/,
  /\.esp$/,
  /weights_manifest\.json$/,
  /\.npz$/,
  // Read to say what they are.
  /^saved_model\.pb$|\.(pb|tflite|onnx|pt|pth|bin|gguf)$/,
];

/**
 * The file in a folder that stands for it, or all of its `.npy` files, or the shards of one model that have no index.
 *
 * @throws EspalierError `bad-model` for none and for several
 */
export async function modelOfFolder(folder: string): Promise<string | string[]> {
  const names = (await readdir(folder)).sort();
  for (const [i, kind] of kinds.entries()) {
    // Arrays come before what is not read.
    if (i === kinds.length - 1) {
      const arrays = (await readdir(folder, { recursive: true })).filter((name) => extname(name) === '.npy');
      if (arrays.length > 0) return arrays.sort();
    }
    const found = names.filter((name) => kind.test(name.toLowerCase()));
    if (found.length > 0 && areShards(found)) return found;
    if (found.length === 1 || i === kinds.length - 1) {
      if (found.length > 0) return found[0];
    }
    if (found.length > 1) {
      throw new EspalierError(
        'bad-model',
        `${folder} holds ${found.length} models: ${found.slice(0, 5).join(', ')}.`,
        {
          remedy: 'Give one of them.',
        },
      );
    }
  }
  throw new EspalierError(
    'bad-model',
    `There is no model in ${folder}: no model.json, and nothing else that is read.`,
    {
      remedy:
        names.length === 0
          ? 'It is empty.'
          : `It holds ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}.`,
    },
  );
}
