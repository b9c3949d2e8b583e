import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { fixedInputs } from '../src/model/graph/fixed-inputs.js';
import { Graph, type GraphNode, type Signature } from '../src/model/graph/graph.js';
import { type GraphInput, graphInputs } from '../src/model/graph/inputs.js';

beforeAll(() => tf.ready());

const node = (
  name: string,
  op: string,
  input: readonly string[] = [],
  attr: GraphNode['attr'] = {},
): GraphNode => ({ name, op, input, attr });
describe('what is given', () => {
  const dims = (...sizes: number[]) => ({
    shape: { shape: { dim: sizes.map((size) => ({ size: String(size) })) } },
  });
  const unknown = { shape: { shape: { unknownRank: true } } };
  const of = (
    nodes: readonly GraphNode[],
    signature?: Signature,
    dtypes: Record<string, tf.DataType> = {},
  ): GraphInput[] => {
    const inputs = nodes
      .filter(({ op }) => op.startsWith('Placeholder'))
      .map(({ name }) => ({ name, dtype: dtypes[name] }));
    return graphInputs(new Graph(nodes), inputs, signature);
  };
  const x = node('x', 'Placeholder', [], dims(-1, 8, 3));

  test('examples, of any size where an axis is below 0; scalars are 1, flags 0', () => {
    expect(of([x])).toEqual([
      { name: 'x', dtype: 'float32', hasDefault: false, shape: [-1, 8, 3], value: undefined },
    ]);
    const all = of(
      [x, node('keep', 'Placeholder', [], dims()), node('training', 'Placeholder', [], dims())],
      undefined,
      { training: 'bool', x: 'int32' },
    );
    expect(all.map(({ dtype }) => dtype)).toEqual(['int32', 'float32', 'bool']);
    expect(all.map(({ value }) => value)).toEqual([
      undefined,
      { shape: [], fill: 1 },
      { shape: [], fill: 0 },
    ]);
    expect(of([node('y', 'Placeholder', [], dims(-5, 0))])[0]?.shape).toEqual([-1, 0]);
  });

  test('of an unknown number of axes: zeros of as many as its readers take', () => {
    const readers: readonly [string, number][] = [
      ['Conv2D', 4],
      ['_FusedConv2D', 4],
      ['DepthwiseConv2dNative', 4],
      ['MaxPool', 4],
      ['ResizeBilinear', 4],
      ['FusedBatchNormV3', 4],
      ['MatMul', 2],
      ['_FusedMatMul', 2],
      ['Mean', 0],
    ];
    for (const [op, rank] of readers) {
      const [, memory] = of([
        x,
        node('memory', 'Placeholder', [], unknown),
        node('read', op, ['memory', 'w']),
      ]);
      expect(memory?.value).toEqual({ shape: new Array(rank).fill(1), fill: rank === 0 ? 1 : 0 });
    }
    const rank = (...nodes: GraphNode[]): number | undefined =>
      of([x, node('memory', 'Placeholder', [], unknown), ...nodes])[1]?.value?.shape.length;
    // Through what keeps its axes, as first or any input; not as a size.
    expect(rank(node('sum', 'AddV2', ['x', 'memory']), node('read', 'MatMul', ['sum', 'w']))).toBe(2);
    expect(rank(node('relu', 'Relu', ['memory']), node('read', 'MatMul', ['relu', 'w']))).toBe(2);
    expect(rank(node('read', 'MatMul', ['x', 'memory']))).toBe(0);
    expect(rank(node('size', 'Shape', ['memory']), node('read', 'MatMul', ['size', 'w']))).toBe(0);
    expect(of([x, node('memory', 'Placeholder')])[1]?.value).toEqual({ shape: [], fill: 1 });
  });

  test('what the graph has a value for is not, unless nothing else would be', () => {
    const held = node('held', 'PlaceholderWithDefault', ['c'], dims(-1, 4));
    expect(of([x, held]).map(({ hasDefault }) => hasDefault)).toEqual([false, true]);
    expect(of([held]).map(({ hasDefault }) => hasDefault)).toEqual([false]);
    const scalar = node('rate', 'Placeholder', [], dims());
    expect(of([scalar, held]).map(({ hasDefault, value }) => [hasDefault, value?.fill])).toEqual([
      [false, 1],
      [false, undefined],
    ]);
    const open = [node('memory', 'Placeholder', [], unknown), node('read', 'MatMul', ['memory', 'w'])];
    expect(of(open)).toMatchObject([{ shape: [-1, -1], value: undefined }]);
    expect(of([scalar])).toMatchObject([{ shape: [], value: { shape: [], fill: 1 } }]);
  });

  test('resources are none', () => {
    const signature = {
      inputs: { table: { name: 'table:0', resourceId: 3 }, x: { name: 'x:0' } },
    } as unknown as Signature;
    expect(of([x, node('table', 'Placeholder', [], dims())], signature).map(({ name }) => name)).toEqual([
      'x',
    ]);
  });
});

describe('values of inputs that are the same for all', () => {
  const input = (name: string, shape: number[], fill?: number, hasDefault = false): GraphInput => ({
    name,
    shape,
    dtype: name === 'flag' ? 'bool' : 'float32',
    hasDefault,
    value: fill === undefined ? undefined : { shape, fill },
  });
  const inputs = [
    input('x', [-1, 2]),
    input('rate', [], 1),
    input('flag', [], 0),
    input('held', [], 1, true),
    input('memory', [1, 1], 0),
  ];
  const read = (given: Parameters<typeof fixedInputs>[1]): Record<string, unknown> => {
    const tensors = fixedInputs(inputs, given);
    const all = Object.fromEntries(
      Object.entries(tensors).map(([name, tensor]) => [
        name,
        [tensor.dtype, tensor.shape, ...tensor.dataSync()],
      ]),
    );
    tf.dispose(tensors);
    return all;
  };

  test('are what is given, or what the graph says', () => {
    const before = tf.memory().numTensors;
    const usual = { rate: ['float32', [], 1], flag: ['bool', [], 0], memory: ['float32', [1, 1], 0] };
    expect(read({})).toEqual(usual);
    expect(read({ 'rate:0': 0.5, flag: true, held: 3 })).toEqual({
      ...usual,
      rate: ['float32', [], 0.5],
      flag: ['bool', [], 1],
      held: ['float32', [], 3],
    });
    expect(read({ x: 2 })).toEqual({ ...usual, x: ['float32', [1, 2], 2, 2] });
    const none = fixedInputs([input('none', [-1, 0])], { none: 3 });
    expect(none.none?.shape).toEqual([1, 0]);
    tf.dispose(none);
    const some = tf.zeros([2, 3]);
    expect(() => fixedInputs([input('none', [-1, 0])], { none: some })).toThrow('takes [-1,0]');
    some.dispose();
    const whole = tf.tensor2d([[1, 2]], [1, 2], 'int32');
    expect(read({ x: whole, memory: whole })).toEqual({
      ...usual,
      x: ['float32', [1, 2], 1, 2],
      memory: ['float32', [1, 2], 1, 2],
    });
    whole.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('unknown names and other shapes are errors that leave nothing', () => {
    const before = tf.memory().numTensors;
    expect(() => fixedInputs(inputs, { rate: 2, rat: 1 })).toThrow(
      expect.objectContaining({ code: 'unknown-name' }),
    );
    const wrong = [tf.zeros([1, 3]), tf.zeros([2])];
    for (const tensor of wrong) {
      expect(() => fixedInputs(inputs, { rate: 2, x: tensor })).toThrow(
        expect.objectContaining({ code: 'shape-mismatch' }),
      );
    }
    tf.dispose(wrong);
    expect(tf.memory().numTensors).toBe(before);
  });
});
