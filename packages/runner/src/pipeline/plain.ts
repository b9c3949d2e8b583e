import { join } from 'node:path';
import type { ModelArtifacts } from '@espalier/codec';
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
