import { join } from 'node:path';
import type { ModelArtifacts } from '@espalier/codec';
import { EspalierError } from '@espalier/core';
import { npyBytes, safetensorsBytes, tensorsOfArtifacts } from '@espalier/formats';
import { writeWhole } from './files.js';

/** Writes artifacts as plain TF.js files: `model.json` and one weight file. */
export async function writePlain(folder: string, artifacts: ModelArtifacts): Promise<void> {
  const { weightData, weightSpecs, getWeightStream: _, ...rest } = artifacts;
  const weights = Array.isArray(weightData)
    ? Buffer.concat(weightData.map((part) => Buffer.from(part)))
    : Buffer.from(weightData ?? new ArrayBuffer(0));
  const path = 'group1-shard1of1.bin';
  await writeWhole(join(folder, path), weights);
  const json = { ...rest, weightsManifest: [{ paths: [path], weights: weightSpecs ?? [] }] };
  await writeWhole(join(folder, 'model.json'), JSON.stringify(json));
}

/**
 * Writes weights as a `.npy` file each, `dense/kernel` as `dense/kernel.npy`.
 *
 * @throws EspalierError `bad-model` for strings, and for a name that leads out of the folder: files may come from anywhere
 */
export async function writeNpyFolder(folder: string, artifacts: ModelArtifacts): Promise<void> {
  const tensors = tensorsOfArtifacts(artifacts);
  for (const { name } of tensors) {
    const parts = name.split('/');
    if (parts.some((part) => part === '' || part === '.' || part === '..' || /[\\:*?"<>|\0]/.test(part))) {
      throw new EspalierError('bad-model', `The weight name '${name}' is no file name.`, {
        remedy: 'Unpack to a .safetensors file.',
      });
    }
  }
  for (const tensor of tensors) await writeWhole(join(folder, `${tensor.name}.npy`), npyBytes(tensor));
}

/** Writes weights as a `.safetensors` file. @throws EspalierError `bad-model` for strings */
export async function writeSafetensors(file: string, artifacts: ModelArtifacts): Promise<void> {
  await writeWhole(file, safetensorsBytes(artifacts));
}
