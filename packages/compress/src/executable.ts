import type { ModelArtifacts } from '@espalier/codec';
import { EspalierError } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import { intercept, type KernelHooks } from './intercept.js';

/** An input of a model; an axis of -1 takes any size. */
export interface InputSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: tf.DataType;
}

/** Examples: one tensor per input of the model, the first axis counts examples. */
export type Examples = readonly tf.Tensor[];

/** A loaded model, of either kind. */
export interface Executable {
  readonly inputs: readonly InputSpec[];
  /** Its weights by their names in the artifacts. */
  readonly weights: ReadonlyMap<string, tf.Tensor>;
  /** Runs it on examples, with other weights where `values` has them. Returns its outputs; the caller disposes them. */
  run(examples: Examples, values?: ReadonlyMap<string, tf.Tensor>, hooks?: KernelHooks['after']): tf.Tensor[];
  dispose(): void;
}

/** Is this the topology of a GraphModel? Old files do not say. */
export function isGraph({ format, modelTopology }: ModelArtifacts): boolean {
  if (format === 'graph-model') return true;
  return format === undefined && typeof modelTopology === 'object' && 'node' in modelTopology;
}

/**
 * Loads a model from artifacts.
 *
 * @throws EspalierError `bad-model` with what TF.js says
 */
export async function load(artifacts: ModelArtifacts): Promise<Executable> {
  const handler = { load: async () => artifacts as unknown as tf.io.ModelArtifacts };
  try {
    return isGraph(artifacts) ? await loadGraph(handler) : await loadLayers(handler);
  } catch (cause) {
    if (cause instanceof EspalierError) throw cause;
    throw new EspalierError('bad-model', `TensorFlow.js cannot load the model: ${(cause as Error).message}`, {
      cause,
      remedy: 'Are its custom layers or operations registered?',
    });
  }
}

const sizes = (shape: readonly (number | null)[]): number[] =>
  shape.map((n) => (n === null || n < 0 ? -1 : n));

async function loadLayers(handler: tf.io.IOHandler): Promise<Executable> {
  const model = await loadLayersModel(handler);
  const weights = new Map(model.weights.map((weight) => [weight.originalName, weight.read() as tf.Tensor]));
  const predict = (examples: Examples): tf.Tensor[] => {
    const outputs = model.apply([...examples], { training: false }) as tf.Tensor | tf.Tensor[];
    return Array.isArray(outputs) ? outputs : [outputs];
  };
  return {
    inputs: model.inputs.map(({ name, shape, dtype }) => ({ name, shape: sizes(shape), dtype })),
    weights,
    run: runner(weights, predict),
    dispose: () => void model.dispose(),
  };
}

async function loadGraph(handler: tf.io.IOHandler): Promise<Executable> {
  const { loadGraphModel } = await import('@tensorflow/tfjs-converter').catch((cause: unknown) => {
    throw new EspalierError(
      'bad-model',
      'This is a graph model, and @tensorflow/tfjs-converter is not there.',
      {
        cause,
        remedy: 'Install @tensorflow/tfjs-converter.',
      },
    );
  });
  const model = await loadGraphModel(handler);
  const weights = new Map<string, tf.Tensor>();
  for (const [name, [tensor]] of Object.entries(model.weights)) weights.set(name, tensor);
  const predict = (examples: Examples): tf.Tensor[] => {
    const named = Object.fromEntries(model.inputs.map(({ name }, i) => [name, examples[i]]));
    const outputs = model.execute(named);
    return Array.isArray(outputs) ? outputs : [outputs];
  };
  return {
    inputs: model.inputs.map(({ name, shape, dtype }) => ({ name, shape: sizes(shape ?? []), dtype })),
    weights,
    run: runner(weights, predict),
    dispose: () => void model.dispose(),
  };
}

/** Other weights take the place of the model's own in every kernel call: nothing is written to the model. */
function runner(
  weights: ReadonlyMap<string, tf.Tensor>,
  predict: (examples: Examples) => tf.Tensor[],
): Executable['run'] {
  return (examples, values = new Map(), after) => {
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
    // An output that is an input or a weight itself would be disposed with it.
    const action = (): tf.Tensor[] => tf.tidy(() => predict(examples).map((tensor) => tf.clone(tensor)));
    return intercept({ ...(others.size > 0 && { replace }), ...(after && { after }) }, action);
  };
}
