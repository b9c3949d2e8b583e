import type { layers } from '@tensorflow/tfjs-layers';
import type { Node } from './inside.js';
import { type Graph, outputsOf } from './outputs.js';

/**
 * The calls of each layer on the way from a model's inputs to its outputs. A layer knows more of them: a net that was
 * made of its layers, or of which it was made, has called it too.
 */
export function callsOf(model: Graph): ReadonlyMap<layers.Layer, readonly Node[]> {
  const calls = new Map<layers.Layer, Node[]>();
  const inputs = model.inputs ?? [];
  outputsOf(
    model,
    inputs.map(() => true),
    (layer, node) => {
      const known = calls.get(layer);
      if (known === undefined) calls.set(layer, [node]);
      else known.push(node);
      return node.outputTensors.map(() => true);
    },
  );
  return calls;
}
