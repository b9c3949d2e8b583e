import type { ModelArtifacts } from '@espalier/codec';
import { EspalierError, topologyOf } from '@espalier/core';
import { readArtifacts } from '@espalier/formats';
import type * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';

/** Loads a LayersModel from disk. @throws as `readArtifacts` */
export async function readLayersModel(path: string): Promise<LayersModel> {
  const { artifacts, file } = await readArtifacts(path);
  if (artifacts.modelTopology === undefined) {
    throw new EspalierError('bad-model', `${file} holds weights and no model to run.`, {
      remedy: 'Give a model.json, an .esp file of a model, or a .h5 file of a Keras 2 model.',
    });
  }
  return modelFrom(artifacts);
}

/** A LayersModel from artifacts. */
export async function modelFrom(artifacts: ModelArtifacts): Promise<LayersModel> {
  const model = await loadLayersModel({ load: async () => artifacts as unknown as tf.io.ModelArtifacts });
  return model;
}

/** What `model.save` would write, in memory, optimizer left out. */
export async function artifactsOf(model: LayersModel): Promise<ModelArtifacts> {
  let saved: tf.io.ModelArtifacts | undefined;
  await model.save({
    save: async (artifacts: tf.io.ModelArtifacts) => {
      saved = artifacts;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    },
  });
  const { trainingConfig: _, ...artifacts } = saved!;
  return { ...artifacts, modelTopology: topologyOf(model) } as unknown as ModelArtifacts;
}
