import { describe, expect, test } from 'vitest';
import { Graph, type GraphNode, isFloat, nodeName, type Signature } from '../src/model/graph/graph.js';
import { chooseOutputs, type GraphOutputs } from '../src/model/graph/outputs.js';

const node = (
  name: string,
  op: string,
  input: readonly string[] = [],
  attr: GraphNode['attr'] = {},
): GraphNode => ({ name, op, input, attr });
const names = (nodes: Iterable<GraphNode>): string[] => [...nodes].map(({ name }) => name).sort();

describe('a graph', () => {
  const graph = new Graph([
    node('a', 'Placeholder'),
    node('b', 'Identity', ['a']),
    node('c', 'Split', ['b:0', '^a']),
    node('d', 'Add', ['c:1', 'c', 'gone']),
    node('e', 'Neg', ['b']),
    node('alone', 'Identity', ['d:0']),
  ]);

  test('knows who reads whom, each time', () => {
    expect(['^a', 'a:12', 'a'].map(nodeName)).toEqual(['a', 'a', 'a']);
    expect(nodeName('a:b')).toBe('a:b');
    expect(graph.node('c:1')?.name).toBe('c');
    expect(graph.node('gone')).toBeUndefined();
    const [c, d] = ['c', 'd'].map((name) => graph.node(name) as GraphNode) as [GraphNode, GraphNode];
    expect(graph.inputsOf(d).map(({ name }) => name)).toEqual(['c', 'c']);
    expect(graph.inputsOf(c).map(({ name }) => name)).toEqual(['b']);
    expect(graph.readersOf(c).map(({ name }) => name)).toEqual(['d', 'd']);
    expect(names(graph.ancestors(d))).toEqual(['a', 'b', 'c', 'd']);
    expect(names(graph.reach([c], (n) => graph.readersOf(n)))).toEqual(['alone', 'c', 'd']);
  });

  test('counts readers through copies; a copy that nobody reads is one', () => {
    const uses = (name: string): number => graph.uses(graph.node(name) as GraphNode);
    expect(['a', 'b', 'c', 'd', 'e'].map(uses)).toEqual([2, 2, 2, 1, 0]);
  });

  test('floats are those that TF.js computes with as such; of unknown ones it is believed', () => {
    expect([undefined, 'DT_FLOAT', 'DT_HALF', 1, '19'].map(isFloat)).toEqual([true, true, true, true, true]);
    expect(['DT_INT32', 3, 'DT_STRING', 'DT_BOOL'].map(isFloat)).toEqual([false, false, false, false]);
  });
});

describe('what is compared', () => {
  const weight = (name: string): GraphNode => node(name, 'Const');
  const float = { T: { type: 'DT_FLOAT' } };
  const whole = { T: { type: 'DT_INT32' } };
  const net = [
    node('x', 'Placeholder'),
    weight('w'),
    node('m', 'MatMul', ['x', 'w'], float),
    weight('v'),
    node('s', 'MatMul', ['m', 'v'], float),
  ];
  const of = (nodes: readonly GraphNode[], own: readonly string[], signature?: Signature): GraphOutputs =>
    chooseOutputs(new Graph([...net, ...nodes]), own, signature, (name) => name.length === 1);

  test('are floats, or what an integer is counted from', () => {
    expect(of([], ['s'])).toEqual({ names: ['s'], before: [], waits: false });
    expect(of([], ['s', 'm'])).toEqual({ names: ['s', 'm'], before: [], waits: false });
    const arg = node('arg', 'ArgMax', ['s'], { output_type: { type: 'DT_INT64' }, T: { type: 'DT_FLOAT' } });
    expect(of([arg], ['arg'])).toEqual({ names: ['s'], before: ['arg'], waits: false });
    // What the float says already, nobody needs to ask the integer.
    expect(of([arg], ['arg', 's'])).toEqual({ names: ['s'], before: [], waits: false });
    // It is more than this float that the integer depends on.
    expect(of([arg], ['arg', 'm'])).toEqual({ names: ['m', 's'], before: ['arg'], waits: false });
    const cast = node('cast', 'Cast', ['s'], { DstT: { type: 'DT_INT32' } });
    expect(of([cast], ['cast'])).toMatchObject({ names: ['s'], before: ['cast'] });
    const same = node('same', 'Cast', ['s'], { DstT: { type: 'DT_FLOAT' } });
    expect(of([same], ['same'])).toMatchObject({ names: ['same'], before: [] });
    const count = node('count', 'Add', ['x', 'x'], whole);
    expect(of([count], ['count'])).toEqual({ names: ['count'], before: [], waits: false });
  });

  test('the signature says under which names and types', () => {
    const outputs = { scores: { name: 's:0', dtype: 'DT_FLOAT' }, label: { name: 's:0', dtype: 'DT_INT32' } };
    expect(of([], ['scores'], { outputs } as Signature).names).toEqual(['scores']);
    expect(of([], ['scores:0'], { outputs } as Signature).names).toEqual(['scores:0']);
    expect(of([], ['label', 'm'], { outputs } as Signature)).toMatchObject({ names: ['m'] });
  });

  test('what is sorted, or chosen by suppression, is compared before', () => {
    const top = node('top', 'TopKV2', ['s', 'k'], float);
    const scaled = node('y', 'Mul', ['top', 'half'], float);
    expect(of([top, scaled], ['y'])).toEqual({ names: ['s'], before: ['y'], waits: false });
    const nms = node('nms', 'NonMaxSuppressionV3', ['m', 's'], whole);
    const picked = node('y', 'GatherV2', ['m', 'nms'], float);
    expect(of([nms, picked], ['y'])).toEqual({ names: ['m', 's'], before: ['y'], waits: false });
    expect(of([nms, picked], ['y', 's'])).toEqual({ names: ['s', 'm'], before: ['y'], waits: false });
    // Of constants no choice of the network's: it is the same for all weights.
    const fixed = [
      node('k', 'Const'),
      node('idle', 'Where', ['x'], whole),
      node('y', 'GatherV2', ['s', 'idle'], float),
    ];
    expect(of(fixed, ['y'])).toEqual({ names: ['y'], before: [], waits: true });
  });

  test('parts of one tensor before a choice are that tensor; a copy that waits for checks is what it copies', () => {
    const parts = [
      node('first', 'StridedSlice', ['s'], float),
      node('second', 'Squeeze', ['s'], float),
      node('nms', 'NonMaxSuppressionV3', ['first', 'second'], whole),
      node('y', 'GatherV2', ['first', 'nms'], float),
    ];
    expect(of(parts, ['y']).names).toEqual(['s']);
    const checked = [node('assert', 'Assert', ['x']), node('copy', 'Identity', ['s', '^assert'], float)];
    expect(of(checked, ['copy'])).toEqual({ names: ['s'], before: [], waits: false });
    expect(of([node('copy', 'Identity', ['s'], float)], ['copy']).names).toEqual(['copy']);
  });

  test('what an output shows already is not compared again', () => {
    const nms = node('nms', 'NonMaxSuppressionV3', ['m', 's'], whole);
    const picked = node('y', 'GatherV2', ['s', 'nms'], float);
    const seen = (op: string, attr: GraphNode['attr'] = float): GraphOutputs =>
      of([nms, picked, node('seen', op, ['s'], attr)], ['seen', 'y']);
    expect(seen('Reshape')).toEqual({ names: ['seen', 'm'], before: ['y'], waits: false });
    const unpacked = (num: number) => seen('Unpack', { ...float, num: { i: num } } as GraphNode['attr']);
    expect(unpacked(1).names).toEqual(['seen', 'm']);
    expect(unpacked(2).names).toEqual(['seen', 's', 'm']);
    // A part of it does not show the rest.
    expect(seen('Slice').names).toEqual(['seen', 's', 'm']);
    // Two integers that say the same of the same weights.
    const args = ['one', 'two'].map((name) =>
      node(name, 'ArgMax', ['s'], { output_type: { type: 'DT_INT64' } }),
    );
    expect(of(args, ['one', 'two'])).toMatchObject({ names: ['s'], before: ['one'] });
  });

  test('is what depends on weights and on what is given, not what a choice takes beside it', () => {
    const anchors = [
      node('cc', 'Const'),
      node('anchor', 'Mul', ['w', 'cc'], float),
      node('scaled', 'Mul', ['x', 'cc'], float),
    ];
    for (const other of ['cc', 'anchor', 'scaled', 'x']) {
      const nms = node('nms', 'NonMaxSuppressionV3', [other, 's'], whole);
      expect(of([...anchors, nms, node('y', 'GatherV2', [other, 'nms'], float)], ['y']).names).toEqual(['s']);
    }
  });

  test('what waits for values is found among what is needed, and nowhere else', () => {
    const loop = node('loop', 'StatelessWhile', ['m'], float);
    expect(of([loop], ['s']).waits).toBe(false);
    expect(of([loop], ['loop']).waits).toBe(true);
    for (const op of [
      'Switch',
      'Merge',
      'If',
      'While',
      'Where',
      'Unique',
      'HashTableV2',
      'LookupTableFindV2',
    ]) {
      expect(of([node('y', op, ['x'], float)], ['y']).waits).toBe(true);
    }
    for (const op of ['Conv2D', 'Select', 'SwitchLike'])
      expect(of([node('y', op, ['x'], float)], ['y']).waits).toBe(false);
  });

  test('nodes of branches are not asked for: what led to them is', () => {
    const branch = [
      node('sw', 'Switch', ['s', 'p'], float),
      node('in', 'Relu', ['sw'], float),
      node('out', 'Merge', ['in', 'sw:1'], float),
      node('top', 'TopKV2', ['out'], float),
      node('inner', 'TopKV2', ['in'], float),
      node('y', 'Neg', ['inner'], float),
    ];
    expect(of(branch, ['top']).names).toEqual(['out']);
    expect(of(branch, ['y']).names).toEqual(['s']);
  });
});
