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
 *
 * @example
 * ```ts
 * import { mkdtemp, writeFile } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { readArrays, readNpy, readWhole, writeNpy } from '@espalier/formats';
 * const folder = await mkdtemp(join(tmpdir(), 'example-'));
 * const file = join(folder, 'x.npy');
 * await writeFile(file, writeNpy([2, 2], Float32Array.of(1, 2, 3, 4)));
 * const array = (await readArrays(file)).get('');
 * const { shape } = await readNpy(file);
 * if (array?.values[3] !== 4 || shape.join() !== '2,2') throw new Error('unexpected');
 * if ((await readWhole(file)).length !== 144) throw new Error('unexpected');
 * ```
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
