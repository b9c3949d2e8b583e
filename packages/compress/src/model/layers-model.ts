import { type ModelArtifacts, namedByPaths } from '@espalier/codec';
import { EspalierError, shown } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { isGraph } from './is-graph.js';
import { said } from './said.js';

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What is wrong with the JSON of a layer, or of one in it. */
function faultOf(layer: unknown, at: string): string | undefined {
  const { class_name: className, config } = isObject(layer) ? layer : {};
  const isConfig = typeof config === 'object' && config !== null;
  if (typeof className !== 'string' || !isConfig) {
    return `${at} is ${shown(layer)}, not a layer with class_name and config`;
  }
  const { name, layers, layer: wrapped } = config as Record<string, unknown>;
  const inside = Array.isArray(config) ? config : layers;
  const called = typeof name === 'string' ? name : className;
  if (/^(Sequential|Functional|Model)$/.test(className) && !Array.isArray(inside)) {
    return `the layers of ${called} are ${shown(inside)}, no list`;
  }
  for (const [i, own] of (Array.isArray(inside) ? inside : []).entries()) {
    const fault = faultOf(own, `layer ${i} of ${called}`);
    if (fault !== undefined) return fault;
  }
  return wrapped === undefined ? undefined : faultOf(wrapped, `the layer in ${called}`);
}

/**
 * A LayersModel out of artifacts, as `tf.loadLayersModel` makes it; layers of models in a model that have equal names are named by
 * their paths. The caller disposes it.
 *
 * @param what - How messages call it: its file.
 * @throws EspalierError `bad-model` for what TensorFlow.js does not take: a graph, weights alone, a broken topology
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { modelFrom } from '@espalier/compress';
 * const config = { name: 'fc', units: 1, use_bias: false, batch_input_shape: [null, 2] };
 * const modelTopology = { class_name: 'Sequential', config: { layers: [{ class_name: 'Dense', config }] } };
 * const weightSpecs = [{ name: 'fc/kernel', shape: [2, 1], dtype: 'float32' as const }];
 * const model = await modelFrom({ modelTopology, weightSpecs, weightData: Float32Array.of(1, 2).buffer });
 * if (model.countParams() !== 2) throw new Error(String(model.countParams()));
 * ```
 */
export async function modelFrom(given: ModelArtifacts, what?: string): Promise<LayersModel> {
  const { modelTopology: topology } = given;
  const refuse = (reason: string, remedy: string, cause?: unknown): never => {
    const head =
      what === undefined ? 'TensorFlow.js cannot load the model' : `TensorFlow.js does not take ${what}`;
    throw new EspalierError('bad-model', `${head}: ${reason}`, { cause, remedy });
  };
  if (topology === undefined) {
    throw new EspalierError('bad-model', `${what ?? 'The model'} holds weights and no model to run.`, {
      remedy: 'Give a model.json, an .esp file of a model, or a Keras model of layers that TF.js has.',
    });
  }
  if (isGraph(given)) {
    refuse('It is a graph model.', 'Here a layers model is needed. `espalier compress` takes graphs.');
  }
  const fault = faultOf((topology as { model_config?: unknown }).model_config ?? topology, 'the topology');
  if (fault !== undefined) {
    refuse(fault, 'It is damaged, or no topology of Keras or TensorFlow.js: save or convert the model anew.');
  }
  const artifacts = namedByPaths(given) as unknown as tf.io.ModelArtifacts;
  const model = await loadLayersModel({ load: async () => artifacts }).catch((cause: unknown) =>
    refuse(
      said(cause),
      what === undefined
        ? 'Are its custom layers registered, and are these its weights?'
        : 'Do its layers exist in TensorFlow.js 4.22, under these names and with these weights?',
      cause,
    ),
  );
  if ((model.outputs ?? []).length > 0) return model;
  return refuse('it has no layers that give anything', 'Save the model once it is built.');
}
