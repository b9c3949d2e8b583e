import '@tensorflow/tfjs-backend-cpu';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelArtifacts } from '@espalier/codec';
import * as tfl from '@tensorflow/tfjs-layers';
import { artifactsOf, noise } from '../../compress/test/models.js';

/** A small model of pictures with weights of its own, as `model.save` hands it out. */
export async function pictureModel(): Promise<ModelArtifacts> {
  const { conv2d, flatten, dense } = tfl.layers;
  const model = tfl.sequential({
    layers: [
      conv2d({ filters: 8, kernelSize: 3, activation: 'relu', inputShape: [12, 12, 3], name: 'first' }),
      conv2d({ filters: 8, kernelSize: 3, strides: 2, activation: 'relu', name: 'second' }),
      flatten({ name: 'flat' }),
      dense({ units: 5, activation: 'softmax', name: 'classes' }),
    ],
  });
  model.setWeights(
    model.weights.map(({ shape }, i) => {
      const sizes = shape as number[];
      const fan = Math.max(
        1,
        sizes.slice(0, -1).reduce((a, b) => a * b, 1),
      );
      return noise(sizes, 7 + i, 1.5 / Math.sqrt(fan));
    }),
  );
  return artifactsOf(model);
}

/** Writes a model.json with its shards into a folder, as the converter does, and gives their paths. */
export function writeModel(
  folder: string,
  { modelTopology, weightSpecs, weightData }: ModelArtifacts,
): string[] {
  mkdirSync(folder, { recursive: true });
  const bytes = new Uint8Array(weightData as ArrayBuffer);
  const half = Math.floor(bytes.length / 2);
  const shards = ['group1-shard1of2.bin', 'group1-shard2of2.bin'];
  const manifest = { modelTopology, weightsManifest: [{ paths: shards, weights: weightSpecs }] };
  writeFileSync(join(folder, 'model.json'), JSON.stringify(manifest));
  writeFileSync(join(folder, shards[0]), bytes.subarray(0, half));
  writeFileSync(join(folder, shards[1]), bytes.subarray(half));
  return ['model.json', ...shards].map((name) => join(folder, name));
}
