import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { bytesOf, type PlainTensor, readArtifacts } from '../src/index.js';

/** A folder that is the test's own. */
export function folder(): string {
  return mkdtempSync(join(tmpdir(), 'espalier-formats-'));
}

/** A file of the folder `fixtures`. */
export const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

/** Reads a model and makes it, as TF.js does. */
export async function readLayersModel(path: string): Promise<LayersModel> {
  const { artifacts } = await readArtifacts(path);
  return loadLayersModel({ load: async () => artifacts as never });
}

export const tensor = (
  name: string,
  type: PlainTensor['type'],
  shape: number[],
  values: ArrayBufferView,
): PlainTensor => ({
  name,
  type,
  shape,
  bytes: bytesOf(values),
});

/** Of each type that comes back as it was. */
export const kept: readonly PlainTensor[] = [
  tensor('a/kernel', 'float32', [2, 3], Float32Array.of(0.1, -2, 3e-9, 4, -0, 6)),
  tensor('a/half', 'float16', [2], Uint16Array.of(0x3c00, 0xc500)),
  tensor('count', 'int32', [], Int32Array.of(-70000)),
  tensor('flags', 'bool', [3], Uint8Array.of(1, 0, 1)),
  tensor('bytes', 'uint8', [2, 2], Uint8Array.of(0, 255, 3, 4)),
  tensor('words', 'uint16', [1], Uint16Array.of(65535)),
  tensor('nothing', 'float32', [0, 4], new Float32Array(0)),
];
