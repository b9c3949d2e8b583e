import type { layers, SymbolicTensor } from '@tensorflow/tfjs-layers';
import { type Inside, inside, type Node } from './inside.js';

/** The graph of a model, whole or nested. */
export type Graph = Pick<Inside, 'inputs' | 'outputs' | 'name'>;

/**
 * What flows out of a model when `feeds` flow in: each call of a layer on the way is asked once, after those
 * it depends on. `T` is whatever is followed through the graph: shapes, channels, counts.
 */
export function outputsOf<T>(
  { inputs = [], outputs = [] }: Graph,
  feeds: readonly T[],
  apply: (layer: layers.Layer, node: Node, inputs: T[]) => readonly T[],
): T[] {
  const known = new Map<number, T>();
  for (const [i, tensor] of inputs.entries()) known.set(tensor.id, feeds[i]);
  const at = (tensor: SymbolicTensor): T => {
    const found = known.get(tensor.id);
    if (found !== undefined) return found;
    const layer = tensor.sourceLayer;
    const node = inside(layer).inboundNodes[tensor.nodeIndex];
    const results = apply(layer, node, node.inputTensors.map(at));
    for (const [i, output] of node.outputTensors.entries()) known.set(output.id, results[i]);
    return known.get(tensor.id)!;
  };
  return outputs.map(at);
}
