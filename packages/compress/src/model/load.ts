import type { ModelArtifacts } from '@espalier/codec';
import { EspalierError } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { spend } from '../time-budget.js';
import type { InputValues } from './graph/fixed-inputs.js';
import { loadGraph } from './graph/load-graph.js';
import { intercept, interceptAsync, type KernelHooks } from './intercept.js';
import { isGraph } from './is-graph.js';
import { loadLayers } from './load-layers.js';
import type { Executable, Loaded } from './model.js';
import { said } from './said.js';
import { secondsOf } from './seconds-of.js';
import { checkWeights } from './weights.js';

/**
 * Loads a model from artifacts.
 *
 * @param values - Of inputs of a graph model that are the same for all examples; by default scalars are 1, flags false.
 * @throws EspalierError `bad-model` with what TF.js says, `unknown-name`, `shape-mismatch`
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import type { ModelArtifacts } from '@espalier/codec';
 * import { isGraph, load } from '@espalier/compress';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [2], kernelInitializer: 'ones' })] });
 * let artifacts: ModelArtifacts = {};
 * await model.save(tf.io.withSaveHandler(async (saved) => {
 *   artifacts = saved as ModelArtifacts;
 *   return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
 * }));
 * if (isGraph(artifacts)) throw new Error('unexpected');
 * const executable = await load(artifacts);
 * if (executable.inputs[0].shape.join() !== '-1,2') throw new Error('unexpected');
 * executable.dispose();
 * ```
 */
export async function load(artifacts: ModelArtifacts, values: InputValues = {}): Promise<Executable> {
  checkWeights(artifacts);
  const handler = { load: async () => artifacts as unknown as tf.io.ModelArtifacts };
  try {
    const graph = isGraph(artifacts);
    if (!graph && Object.keys(values).length > 0) {
      throw new EspalierError(
        'invalid-option',
        'A layers model has no inputs that are the same for all examples.',
      );
    }
    const { predict, ...model } = graph
      ? await loadGraph(handler, artifacts, values)
      : await loadLayers(artifacts);
    return { ...model, run: runner(model, predict) };
  } catch (cause) {
    if (cause instanceof EspalierError) throw cause;
    throw new EspalierError('bad-model', `TensorFlow.js cannot load the model: ${said(cause)}`, {
      cause,
      remedy: 'Are its custom layers or operations registered?',
    });
  }
}

/** A copy of an output. TensorFlow.js gives null for one that nothing computes. */
function copied(tensor: tf.Tensor | null): tf.Tensor {
  if (tensor) return tf.clone(tensor);
  throw new Error('one of its outputs is not computed from what it is given');
}

/** Other weights take the place of the model's own in every kernel call: nothing is written to the model. */
function runner({ weights, waits }: Omit<Loaded, 'predict'>, predict: Loaded['predict']): Executable['run'] {
  return async (examples, values = new Map(), after) => {
    const others = new Map<object, tf.Tensor>();
    for (const [name, tensor] of values) {
      const weight = weights.get(name);
      if (weight) others.set(weight.dataId, tensor);
    }
    const replace = (tensor: tf.Tensor): tf.Tensor | undefined => {
      const other = others.get(tensor.dataId);
      if (other === undefined) return undefined;
      return tf.util.arraysEqual(other.shape, tensor.shape) ? other : tf.reshape(other, tensor.shape);
    };
    const counted: KernelHooks['after'] = (call, outputs) => {
      spend(secondsOf(call, outputs));
      after?.(call, outputs);
    };
    const hooks = { ...(others.size > 0 && { replace }), after: counted };
    // An output that is an input or a weight itself would be disposed with it.
    const now = (): tf.Tensor[] => tf.tidy(() => (predict(examples) as (tf.Tensor | null)[]).map(copied));
    const later = async (): Promise<tf.Tensor[]> => {
      const kept = new Set<tf.Tensor>([...examples, ...weights.values()]);
      const outputs = await predict(examples);
      const clones = outputs.map(copied);
      for (const tensor of outputs) if (!kept.has(tensor) && !tensor.isDisposed) tensor.dispose();
      return clones;
    };
    try {
      return waits ? await interceptAsync(hooks, later) : intercept(hooks, now);
    } catch (cause) {
      if (cause instanceof EspalierError) throw cause;
      throw new EspalierError('cannot-run', `TensorFlow.js cannot run the model: ${said(cause)}`, {
        cause,
        remedy: 'compressWeights takes the weights by themselves.',
      });
    }
  };
}
