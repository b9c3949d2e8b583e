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
      remedy: 'Give a model.json, an .esp file of a model, or a Keras model of layers that TF.js has.',
    });
  }
  return modelFrom(artifacts, file);
}

/** A LayersModel from artifacts. @throws EspalierError `bad-model` for a topology that TF.js does not take */
export async function modelFrom(artifacts: ModelArtifacts, file = 'the model'): Promise<LayersModel> {
  const load = async (): Promise<tf.io.ModelArtifacts> => artifacts as unknown as tf.io.ModelArtifacts;
  try {
    return await loadLayersModel({ load });
  } catch (cause) {
    const graph = (artifacts.modelTopology as { node?: unknown }).node !== undefined;
    throw new EspalierError('bad-model', `TensorFlow.js does not take ${file}: ${(cause as Error).message}`, {
      cause,
      remedy: graph
        ? 'It is a graph model; here a layers model is needed. `espalier compress` takes graphs.'
        : 'Do its layers exist in TensorFlow.js 4.22, under these names and with these weights?',
    });
  }
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
