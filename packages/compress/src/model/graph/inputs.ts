import type * as tf from '@tensorflow/tfjs-core';
import type { InputSpec } from '../model.js';
import { type Graph, type GraphNode, nodeName, type Signature, type TensorShape } from './graph.js';

/** An input of a graph. */
export interface GraphInput extends InputSpec {
  /** What it is given when nobody gives it anything: a number in a tensor of this shape; undefined: examples. */
  readonly value: { readonly shape: readonly number[]; readonly fill: number } | undefined;
  /** Has the graph a value for it? It is given only what somebody asks for. */
  readonly hasDefault: boolean;
}

/** Operations whose first input has so many axes. */
const ranks: readonly [number, RegExp][] = [
  [
    4,
    /^(_?Fused)?(Depthwise)?Conv2[dD]\w*$|^DepthwiseConv2d\w*$|Pool$|^Resize\w+$|^(SpaceTo|BatchTo|DepthTo)\w+$|BatchNorm/,
  ],
  [2, /^(_Fused)?MatMul$/],
];

/** Operations behind which it is no longer the tensor itself that counts, but its shape or a choice by it. */
const ends =
  /^(Shape|ShapeN|Rank|Size|Equal|NotEqual|Less|Greater|LessEqual|GreaterEqual|Cast|Floor|Reciprocal|LoopCond)$/;

/**
 * What a graph takes. Scalars are 1 or false, which is what a rate of what is kept, a scale and a flag of training mean
 * when nothing happens; of an unknown number of axes it is what the first operation with a fixed number takes, 0 of size 1:
 * an empty memory.
 */
export function graphInputs(
  graph: Graph,
  inputs: readonly { readonly name: string; readonly dtype?: tf.DataType | undefined }[],
  signature: Signature | undefined,
): GraphInput[] {
  const resources = new Set(
    Object.values(signature?.inputs ?? {}).flatMap(({ resourceId, name }) =>
      resourceId === undefined ? [] : [nodeName(name)],
    ),
  );
  const all = inputs.flatMap(({ name, dtype }): GraphInput[] => {
    const node = graph.node(name);
    if (!node || resources.has(name)) return [];
    const shape = sizesOf(node.attr?.shape?.shape);
    const spec = { name, dtype: dtype ?? 'float32', hasDefault: node.op === 'PlaceholderWithDefault' };
    if (shape === undefined) {
      const rank = rankOf(graph, node);
      return [{ ...spec, shape: [], value: { shape: new Array(rank).fill(1), fill: rank === 0 ? 1 : 0 } }];
    }
    const value = shape.length === 0 ? { shape, fill: dtype === 'bool' ? 0 : 1 } : undefined;
    return [{ ...spec, shape, value }];
  });
  // What the graph has a value for is not given, unless nothing would be.
  if (all.some(({ value, hasDefault }) => value === undefined && !hasDefault)) return all;
  if (all.some(({ value }) => value === undefined)) {
    return all.map((input) => (input.value === undefined ? { ...input, hasDefault: false } : input));
  }
  return all.map((input) =>
    input.value && input.value.shape.length > 0
      ? { ...input, shape: input.value.shape.map(() => -1), value: undefined }
      : input,
  );
}

function sizesOf({ dim = [], unknownRank }: TensorShape = { unknownRank: true }): number[] | undefined {
  return unknownRank ? undefined : dim.map(({ size }) => (Number(size) < 0 ? -1 : Number(size)));
}

/** How many axes its readers expect; 0 where they do not say. */
function rankOf(graph: Graph, input: GraphNode): number {
  // Only as data, the first input: a size or a factor that a resize takes has no such shape.
  const seen = graph.reach([input], (node) =>
    graph
      .readersOf(node)
      .filter(
        (reader) => !ends.test(reader.op) && (isElementwise(reader) || graph.inputsOf(reader)[0] === node),
      ),
  );
  for (const [rank, op] of ranks) {
    for (const node of seen) if (op.test(node.op)) return rank;
  }
  return 0;
}

/** Operations that take tensors of one kind in any order. */
const isElementwise = ({ op }: GraphNode): boolean =>
  /^(Add\w*|Mul|Maximum|Minimum|Concat\w*|Pack)$/.test(op);
