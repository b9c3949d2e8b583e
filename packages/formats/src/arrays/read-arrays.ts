import { EspalierError } from '@espalier/core';
import { readWhole } from '../files.js';
import { type NpyArray, parseNpyTensor } from './npy.js';
import { npzTensors } from './npz.js';
import { numbersOf, type PlainTensor } from './plain-tensor.js';
import { safetensorsOf } from './safetensors.js';

type Reader = (bytes: Buffer, file: string) => readonly PlainTensor[] | Promise<readonly PlainTensor[]>;

const readers: Readonly<Record<string, Reader>> = {
  npy: (bytes, file) => [{ ...parseNpyTensor(bytes, file), name: '' }],
  npz: npzTensors,
  safetensors: (bytes, file) => safetensorsOf(bytes, file).tensors,
};

/**
 * The arrays of a `.npy`, `.npz` or `.safetensors` file by their names; that of a `.npy` is named ''. Types as `readNpy` has them.
 *
 * @throws EspalierError `bad-data` for other files, damaged ones, and types that TF.js does not have; `bad-model` where it cannot
 *   be read
 */
export async function readArrays(file: string): Promise<ReadonlyMap<string, NpyArray>> {
  const kind = /\.([a-z]+)$/i.exec(file)?.[1].toLowerCase() ?? '';
  if (!Object.hasOwn(readers, kind)) {
    throw new EspalierError('bad-data', `${file} holds no arrays that are read.`, {
      remedy: 'Give a .npy, .npz or .safetensors file.',
    });
  }
  const tensors = await readers[kind](await readWhole(file), file);
  return new Map(
    tensors.map((tensor) => [
      tensor.name,
      { shape: tensor.shape, values: numbersOf({ ...tensor, name: `${file} ${tensor.name}`.trim() }) },
    ]),
  );
}
