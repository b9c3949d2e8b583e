import { type Flow, unknown } from '../flow.js';
import { inside, isModel, type Shape } from '../inside.js';
import { type Graph, outputsOf } from '../outputs.js';
import { within } from '../places.js';
import type { Rule, Site, Trace } from '../trace.js';
import { carriers } from './carry.js';
import { mergers } from './merge.js';
import { closed, refuse } from './opaque.js';
import { producers } from './produce.js';
import { bidirectional, recurrent } from './recurrent.js';
import { reshapers } from './shape.js';

/** The same layer at every time step. */
const timeDistributed: Rule = (site, inputs, trace) => {
  const layer = site.layer.layer!;
  const steps = inputs[0].shape[0];
  const within_ = inputs.map((input) => ({ ...input, shape: input.shape.slice(1) }));
  const path = [...site.path, within.layer];
  const outputShapes = site.outputShapes.map((shape) => shape.slice(1));
  const outputs = apply({ layer: inside(layer), path, outputShapes }, within_, trace);
  return outputs.map((output) => ({ ...output, shape: [steps, ...output.shape] }));
};

const rules: Readonly<Record<string, Rule>> = {
  ...producers,
  ...carriers,
  ...mergers,
  ...reshapers,
  SimpleRNN: recurrent,
  GRU: recurrent,
  LSTM: recurrent,
  ConvLSTM2D: recurrent,
  RNN: recurrent,
  Bidirectional: bidirectional,
  TimeDistributed: timeDistributed,
};

const unheardOf = refuse('is a kind of layer that this package does not follow');

/** What one call of a layer gives. */
export function apply(site: Site, inputs: readonly Flow[], trace: Trace): readonly Flow[] {
  const { layer, path } = site;
  // Where a configuration repeats the shape of its input, that has to follow.
  if (layer.batchInputShape != null) trace.size(path, 'batch_input_shape', inputs[0].atoms);
  const outputs = isModel(layer)
    ? nested(site, inputs, trace)
    : (rules[layer.getClassName()] ?? unheardOf)(site, inputs, trace);
  for (const { atoms } of outputs) trace.tensors.push(atoms);
  return outputs;
}

/** A model inside a model. Its own input layers repeat the shapes of what it is given. */
function nested(site: Site, inputs: readonly Flow[], trace: Trace): readonly Flow[] {
  const graph = site.layer as Graph;
  if (graph.inputs?.length !== inputs.length) {
    return closed(site, inputs, trace, 'is called with another number of inputs than it has');
  }
  for (const [i, tensor] of graph.inputs.entries()) {
    const { sourceLayer } = tensor;
    const path = trace.places.of(sourceLayer) ?? [...site.path, sourceLayer.name];
    trace.size(path, 'batch_input_shape', inputs[i].atoms);
  }
  return flowThrough(graph, site.path, inputs, trace);
}

/** Follows channels through the graph of a model. */
export function flowThrough(
  graph: Graph,
  path: readonly string[],
  inputs: readonly Flow[],
  trace: Trace,
): readonly Flow[] {
  return outputsOf<Flow>(graph, inputs, (layer, node, flows) => {
    const outputShapes: Shape[] = node.outputTensors.map(({ shape }) => shape.slice(1));
    // Not path and name: a sequential model that begins with a model has its layers in its own graph.
    const place = trace.places.of(layer) ?? [...path, layer.name];
    const outputs = apply({ layer: inside(layer), path: place, outputShapes }, flows, trace);
    if (place.length === 1 && !trace.outputs.has(layer.name)) trace.outputs.set(layer.name, outputs[0]);
    return outputs;
  });
}

/** The flow of a model's input: channels that must stay. */
export function given(shape: Shape, trace: Trace): Flow {
  const { atoms } = trace.closed(shape, "they are the model's inputs");
  return { shape, atoms, constants: unknown(atoms.length) };
}
