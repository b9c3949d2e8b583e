import '@tensorflow/tfjs-backend-cpu';
import type { ModelArtifacts } from '@espalier/codec';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { compress, isGraph, load, modelFrom } from '../src/index.js';
import { GraphBuilder } from './graphs.js';

// TensorFlow.js stumbles over these somewhere inside: here each is refused before, with what is wrong.

type Json = Record<string, unknown>;
interface Loose {
  modelTopology: { node: Json[]; library?: unknown };
  signature: { outputs: Json; inputs?: unknown };
  modelInitializer?: unknown;
  weightSpecs: { name: string }[];
  format?: string;
}

/** `x` through a dense layer, changed. */
function graph(change: (artifacts: Loose, nodes: Record<string, Json>) => void): ModelArtifacts {
  const g = new GraphBuilder();
  g.dense('d', g.input('x', [-1, 12]), 12, 8, 1);
  g.output('d/y');
  const artifacts = g.artifacts() as unknown as Loose;
  change(artifacts, Object.fromEntries(artifacts.modelTopology.node.map((node) => [node.name, node])));
  return artifacts as unknown as ModelArtifacts;
}
const node = (name: string, op: string, input: unknown = [], attr: unknown = {}): Json => ({
  name,
  op,
  input,
  attr,
});
const add =
  (...nodes: unknown[]) =>
  ({ modelTopology }: Loose): void => {
    modelTopology.node.push(...(nodes as Json[]));
  };
const func = (name: string): object => ({ func: { name } });
const dims = (...dim: unknown[]): object => ({ shape: { shape: { dim } } });

let tensors: number;
beforeEach(() => {
  tensors = tf.memory().numTensors;
});
afterEach(() => expect(tf.memory().numTensors).toBe(tensors));

describe('a graph that is not whole is refused by what is wrong', () => {
  const cases: [string, Parameters<typeof graph>[0], RegExp][] = [
    [
      'an input that is no node',
      add(node('z', 'AddV2', ['d/y', 'lost'])),
      /node z \(AddV2\) reads lost, and/,
    ],
    ['one that is spelled otherwise', add(node('z', 'Relu', ['d/yy'])), /reads d\/yy.*there is d\/y\b/],
    ['a control input that is none', add(node('z', 'Relu', ['d/y', '^lost'])), /node z .*reads lost/],
    [
      'one of a function',
      (a) =>
        (a.modelTopology.library = {
          function: [{ signature: { name: 'f' }, nodeDef: [node('z', 'Relu', ['q:y:0'])] }],
        }),
      /node z \(Relu\) reads q/,
    ],
    [
      'one of the initializer',
      (a) => (a.modelInitializer = { node: [node('z', 'Relu', ['q'])] }),
      /node z .*reads q/,
    ],
    ['null', add(null), /node 5 of the graph is null/],
    ['a number', add(3), /node 5 of the graph is 3/],
    ['no name', add({ op: 'Relu' }), /node 5 of the graph has the name undefined/],
    ['no operation', add({ name: 'z' }), /node z has the operation undefined/],
    ['a text for a list of inputs', add(node('z', 'Relu', 'd/y')), /node z has the inputs "d\/y"/],
    ['numbers for inputs', add(node('z', 'Relu', [1])), /node z has the inputs \[1\]/],
    ['attributes that are none', add(node('z', 'Relu', ['d/y'], 7)), /node z has the attributes 7/],
    ['two nodes of one name', add(node('d/y', 'Relu', ['x'])), /two nodes named d\/y/],
    ['a circle', add(node('p', 'Relu', ['q']), node('q', 'Relu', ['p'])), /node p waits for its own result/],
    ['a size that is null', (_, { x }) => (x.attr = dims({ size: '-1' }, null)), /node x has the shape/],
    ['a size that is no number', (_, { x }) => (x.attr = dims({ size: 'many' })), /node x has the shape/],
    ['no list of nodes', (a) => (a.modelTopology.node = {} as never), /nodes of the graph are \{\}/],
    ['no nodes', (a) => (a.modelTopology.node = []), /has no nodes/],
    ['no list of functions', (a) => (a.modelTopology.library = { function: 3 }), /functions are 3/],
    [
      'a function that is null',
      (a) => (a.modelTopology.library = { function: [null] }),
      /function 0 is null/,
    ],
    [
      'a call of nothing',
      add(node('z', 'StatelessIf', ['x', 'x'], { then_branch: func('f') })),
      /node z \(StatelessIf\) calls the function f/,
    ],
    ['a loop of nothing', add(node('z', 'While', ['x'], { cond: func('c') })), /calls the function c/],
    [
      'an output that is no node',
      (a) => (a.signature.outputs = { y: { name: 'lost:0' } }),
      /names the output lost/,
    ],
    ['an output that is null', (a) => (a.signature.outputs = { y: null }), /its signature has for y null/],
    ['an input that is null', (a) => (a.signature.inputs = { x: null }), /its signature has for x null/],
    [
      'a constant without values',
      (a) => (a.weightSpecs[0].name = 'other'),
      /the constant d\/w has no values/,
    ],
  ];
  test.each(cases)('%s', async (_, change, says) => {
    await expect(compress(graph(change))).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringMatching(says),
      remedy: expect.stringMatching(/./),
    });
  });
});

test('what is not refused: a loop, an output too many, a name of no format', async () => {
  const loop = graph(
    add(
      node('enter', 'Enter', ['d/y'], { frame_name: { s: 'Zg==' } }),
      node('merge', 'Merge', ['enter', 'next']),
      node('next', 'NextIteration', ['merge']),
    ),
  );
  for (const fine of [
    loop,
    graph((a) => (a.signature.outputs.z = { name: 'lost:0' })),
    graph((a) => (a.format = 'layers-model')),
    graph((a) => (a.format = undefined as never)),
  ]) {
    expect(isGraph(fine)).toBe(true);
    const model = await load(fine);
    const x = tf.ones([1, 12]);
    const outputs = await model.run([x]);
    expect(outputs.map(({ shape }) => shape)).toEqual([[1, 8]]);
    tf.dispose([x, ...outputs]);
    model.dispose();
  }
});

describe('a graph that is whole and cannot be run says so, in words', () => {
  const looksUp = (more: readonly Json[] = []): ModelArtifacts =>
    graph((a, nodes) => {
      const lookup = node('z', 'LookupTableFindV2', ['table', 'key', 'x'], {});
      add(node('table', 'HashTableV2'), node('key', 'Placeholder', []), lookup, ...more)(a);
      void nodes;
    });
  const cases: [string, ModelArtifacts, RegExp][] = [
    ['a table that nobody fills', looksUp(), /The table table that z looks into is filled by nothing/],
    [
      'another table is filled',
      looksUp([node('t2', 'HashTable'), node('i', 'LookupTableImport', ['t2', 'x', 'x'])]),
      /The table table/,
    ],
    [
      'an operation without its attributes',
      graph((a) => {
        add(node('k', 'Conv2D', ['x', 'd/w'], {}))(a);
        a.signature.outputs = { k: { name: 'k:0' } };
      }),
      /cannot run the model: .*missing, or of another kind/,
    ],
    [
      'inputs beyond memory',
      graph(
        (_, { x }) =>
          (x.attr = { ...dims({ size: '-1' }, { size: '1099511627776' }), dtype: { type: 'DT_FLOAT' } }),
      ),
      /Input x takes \[-1,1099511627776\].*memory/s,
    ],
  ];
  test.each(cases)('%s', async (_, artifacts, says) => {
    await expect(compress(artifacts)).rejects.toMatchObject({
      code: 'cannot-run',
      message: expect.stringMatching(says),
    });
  });
});

describe('layers that are none are refused by their place', () => {
  const model = (layers: unknown): ModelArtifacts =>
    ({
      modelTopology: { class_name: 'Sequential', config: { name: 's', layers } },
      weightSpecs: [],
    }) as never;
  const shaped = { name: 'd', units: 2, batch_input_shape: [null, 3] };
  const cases: [string, ModelArtifacts, RegExp][] = [
    ['null', model([null]), /layer 0 of s is null/],
    ['no class', model([{ config: {} }]), /layer 0 of s is \{"config":\{\}\}/],
    ['no configuration', model([{ class_name: 'Dense' }]), /layer 0 of s is \{"class_name":"Dense"\}/],
    ['no list', model(3), /the layers of s are 3/],
    ['none at all', model([]), /no layers that give anything/],
    [
      'in a model in it',
      model([{ class_name: 'Model', config: { name: 'm', layers: [7] } }]),
      /layer 0 of m is 7/,
    ],
    [
      'in a wrapper',
      model([{ class_name: 'TimeDistributed', config: { name: 't', layer: 7 } }]),
      /the layer in t is 7/,
    ],
    [
      'a shape that is a text',
      model([{ class_name: 'InputLayer', config: { batch_input_shape: 'x' } }]),
      /missing, or of another kind/,
    ],
    [
      'units beyond memory',
      model([{ class_name: 'Dense', config: { ...shaped, units: 1e12 } }]),
      /more memory than there is/,
    ],
    [
      'a configuration that is null',
      { modelTopology: { model_config: null } } as never,
      /\{"model_config":null\}, not a layer/,
    ],
    ['weights alone', { weightSpecs: [] }, /weights and no model/],
    ['a graph', graph(() => {}), /It is a graph model/],
  ];
  test.each(cases)('%s', async (_, artifacts, says) => {
    await expect(modelFrom(artifacts)).rejects.toMatchObject({
      code: 'bad-model',
      message: expect.stringMatching(says),
      remedy: expect.stringMatching(/./),
    });
  });
});
