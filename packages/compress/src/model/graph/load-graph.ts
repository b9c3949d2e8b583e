import { EspalierError } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Loaded } from '../model.js';
import { checkConstants, checkGraph } from './check-graph.js';
import { fixedInputs, type InputValues } from './fixed-inputs.js';
import { Graph, type GraphNode, type Signature } from './graph.js';
import { graphInputs } from './inputs.js';
import { chooseOutputs } from './outputs.js';

/** Constants of so many elements and axes are learned ones; smaller ones are sizes, limits and such. */
const leastLearned = 8;
const leastAxes = 2;

interface GraphArtifacts {
  readonly modelTopology?: unknown;
  readonly modelInitializer?: unknown;
  readonly signature?: unknown;
  readonly userDefinedMetadata?: unknown;
}

/** @returns a GraphModel as it runs, with values for inputs that are no examples. */
export async function loadGraph(
  handler: tf.io.IOHandler,
  artifacts: GraphArtifacts,
  given: InputValues,
): Promise<Loaded> {
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
  const metadata = artifacts.userDefinedMetadata as { readonly signature?: Signature } | undefined;
  const signature = metadata?.signature ?? (artifacts.signature as Signature | undefined);
  checkGraph(artifacts.modelTopology as object, signature, artifacts.modelInitializer as object | undefined);
  const model = await loadGraphModel(handler);
  const fixed: Record<string, tf.Tensor> = {};
  try {
    const weights = new Map<string, tf.Tensor>();
    for (const [name, [tensor]] of Object.entries(model.weights)) weights.set(name, tensor);
    const graph = new Graph((artifacts.modelTopology as { readonly node: readonly GraphNode[] }).node);
    const inputs = graphInputs(graph, model.inputs, signature);
    Object.assign(fixed, fixedInputs(inputs, given));
    const open = inputs.filter(({ name, hasDefault }) => !(name in fixed || hasDefault));
    const isLearned = (name: string): boolean => {
      const tensor = weights.get(name);
      return tensor?.dtype === 'float32' && tensor.rank >= leastAxes && tensor.size >= leastLearned;
    };
    const { names, before, waits } = chooseOutputs(graph, model.outputNodes, signature, isLearned);
    checkConstants(graph.ancestors(...names.flatMap((name) => graph.node(name) ?? [])), weights);
    const named = (examples: readonly tf.Tensor[]): tf.NamedTensorMap => ({
      ...fixed,
      ...Object.fromEntries(open.map(({ name }, i) => [name, examples[i]])),
    });
    const listed = (outputs: tf.Tensor | tf.Tensor[]): tf.Tensor[] =>
      Array.isArray(outputs) ? outputs : [outputs];
    return {
      inputs: open.map(({ name, shape, dtype }) => ({ name, shape, dtype })),
      weights,
      before,
      waits,
      readers: (name) => {
        const node = graph.node(name);
        // What waits may compute it any number of times.
        return node === undefined || waits ? Number.POSITIVE_INFINITY : graph.uses(node);
      },
      predict: waits
        ? async (examples) => listed(await model.executeAsync(named(examples), [...names]))
        : (examples) => listed(model.execute(named(examples), [...names])),
      dispose: () => {
        tf.dispose(fixed);
        model.dispose();
      },
    };
  } catch (error) {
    tf.dispose(fixed);
    model.dispose();
    throw error;
  }
}
