import type { ModelArtifacts } from '@espalier/codec';
import { EspalierError } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { InputValues } from './fixed-inputs.js';
import { loadGraph } from './graph-model.js';
import { intercept, interceptAsync, type KernelHooks } from './intercept.js';
import { loadLayers } from './layers-model.js';
import { checkWeights } from './weights.js';

/** An input of a model; an axis of -1 takes any size. */
export interface InputSpec {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: tf.DataType;
  /** Whole numbers from 0 below this: it looks up the rows of a table. */
  readonly below?: number | undefined;
}

/** Examples: one tensor per input of the model, the first axis counts examples. */
export type Examples = readonly tf.Tensor[];

/** A model of one kind. */
export interface Loaded {
  /** Those that take examples. */
  readonly inputs: readonly InputSpec[];
  /** Its weights by their names in the artifacts. */
  readonly weights: ReadonlyMap<string, tf.Tensor>;
  /** Outputs in whose place what led to them is computed: they are chosen, not computed, and have no small errors. */
  readonly before: readonly string[];
  /** How many operations read a weight, those too that are not computed; of a layers model all are. */
  readonly readers?: (name: string) => number;
  /** Does it wait for values on the way (loops, branches, sizes that depend on values)? */
  readonly waits: boolean;
  readonly predict: (examples: Examples) => tf.Tensor[] | Promise<tf.Tensor[]>;
  dispose(): void;
}

/** A loaded model, of either kind. */
export interface Executable extends Omit<Loaded, 'predict'> {
  /**
   * Runs it on examples, with other weights where `values` has them. Gives its outputs; the caller disposes them.
   *
   * @throws EspalierError `cannot-run` with what TF.js says
   */
  run(
    examples: Examples,
    values?: ReadonlyMap<string, tf.Tensor>,
    hooks?: KernelHooks['after'],
  ): Promise<tf.Tensor[]>;
}

/** Is this the topology of a GraphModel? Old files do not say. */
export function isGraph({ format, modelTopology }: ModelArtifacts): boolean {
  if (format === 'graph-model') return true;
  return format === undefined && typeof modelTopology === 'object' && 'node' in modelTopology;
}

/**
 * Loads a model from artifacts.
 *
 * @param values - Of inputs of a graph model that are the same for all examples; by default scalars are 1, flags false.
 * @throws EspalierError `bad-model` with what TF.js says, `unknown-name`, `shape-mismatch`
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
      : await loadLayers(handler);
    return { ...model, run: runner(model, predict) };
  } catch (cause) {
    if (cause instanceof EspalierError) throw cause;
    throw new EspalierError('bad-model', `TensorFlow.js cannot load the model: ${said(cause)}`, {
      cause,
      remedy: 'Are its custom layers or operations registered?',
    });
  }
}

/** What TF.js says, in one line. */
export const said = (cause: unknown): string =>
  String((cause as Error)?.message ?? cause)
    .split('\n')[0]
    .slice(0, 300);

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
    const hooks = { ...(others.size > 0 && { replace }), ...(after && { after }) };
    // An output that is an input or a weight itself would be disposed with it.
    const now = (): tf.Tensor[] =>
      tf.tidy(() => (predict(examples) as tf.Tensor[]).map((tensor) => tf.clone(tensor)));
    const later = async (): Promise<tf.Tensor[]> => {
      const kept = new Set<tf.Tensor>([...examples, ...weights.values()]);
      const outputs = await predict(examples);
      const clones = outputs.map((tensor) => tf.clone(tensor));
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
