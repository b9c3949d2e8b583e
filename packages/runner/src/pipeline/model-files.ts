import { type ModelArtifacts, namedByPaths } from '@espalier/codec';
import { modelFrom } from '@espalier/compress';
import { EspalierError, topologyOf } from '@espalier/core';
import { readArtifacts } from '@espalier/formats';
import type * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';

/** Loads a LayersModel from disk. @throws as `readArtifacts` and `modelFrom` */
export async function readLayersModel(path: string): Promise<LayersModel> {
  const told: string[] = [];
  const { artifacts, file } = await readArtifacts(path, { log: (line) => told.push(line) });
  if (artifacts.modelTopology === undefined && told.length > 0) {
    const why = told.map((line) => ` Of it ${line.replace(`${file}: `, '')}.`).join('');
    throw new EspalierError('bad-model', `${file} holds weights and no model to run.${why}`, {
      remedy: `Write the model with layers that TF.js has; its weights alone can be quantised: espalier compress ${path}`,
    });
  }
  return modelFrom(artifacts, file);
}

/**
 * What `model.save` would write, in memory, optimizer left out; layers with equal names in models in it are named by their paths.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { mkdtemp, writeFile } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { encode } from '@espalier/codec';
 * import { artifactsOf, readLayersModel } from '@espalier/runner';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [2] })] });
 * const folder = await mkdtemp(join(tmpdir(), 'example-'));
 * await writeFile(join(folder, 'model.esp'), encode(await artifactsOf(model)));
 * const read = await readLayersModel(join(folder, 'model.esp'));
 * if (read.countParams() !== 3) throw new Error('unexpected');
 * ```
 */
export async function artifactsOf(model: LayersModel): Promise<ModelArtifacts> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save({
    save: async (artifacts: tf.io.ModelArtifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    },
  });
  const { trainingConfig: _, ...artifacts } = saved!;
  return namedByPaths({ ...artifacts, modelTopology: topologyOf(model) } as unknown as ModelArtifacts);
}
