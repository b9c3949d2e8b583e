import type { ModelArtifacts } from '@espalier/codec';
import { EspalierError } from '@espalier/core';
import { parseNpyTensor } from './npy.js';
import { artifactsOfTensors, type PlainTensor } from './plain-tensor.js';
import { unzip } from './zip.js';

/** The arrays of a `.npz` archive, as numpy.savez writes it, by their names. @throws EspalierError `bad-model`, `bad-data` */
export async function npzTensors(bytes: Uint8Array, file: string): Promise<PlainTensor[]> {
  const files = await unzip(bytes, file, (name) => name.endsWith('.npy'));
  if (files.size === 0) {
    throw new EspalierError('bad-model', `${file} holds no arrays.`, { remedy: 'Save it with numpy.savez.' });
  }
  return [...files].map(([name, array]) => ({
    ...parseNpyTensor(array, `${name} of ${file}`),
    name: name.slice(0, -'.npy'.length),
  }));
}

/** As `npzTensors`, as artifacts without a topology. @throws EspalierError `bad-model`, `bad-data` */
export async function readNpz(bytes: Uint8Array, file: string): Promise<ModelArtifacts> {
  return artifactsOfTensors(await npzTensors(bytes, file));
}
