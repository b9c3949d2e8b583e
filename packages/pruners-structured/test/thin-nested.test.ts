import '@tensorflow/tfjs-backend-cpu';
import { EspalierError, Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import {
  input,
  type LayersModel,
  layers,
  model,
  type SymbolicTensor,
  sequential,
} from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { countMacs, structuredLevel, thinModel } from '../src/index.js';
import { difference } from './random-model.js';

type T = SymbolicTensor;

const dense = (name: string, units: number, inputs?: number): layers.Layer =>
  layers.dense({
    name,
    units,
    biasInitializer: 'glorotUniform',
    ...(inputs !== undefined && { inputShape: [inputs] }),
  });
/** Every base has the same names inside. */
const base = (name: string, inputs = 3, outputs = 4): LayersModel =>
  sequential({ name, layers: [dense('a', 6, inputs), dense('b', outputs)] });
const functional = (name: string): LayersModel => {
  const x = input({ shape: [3] });
  return model({ name, inputs: x, outputs: dense('b', 4).apply(dense('a', 6).apply(x)) as T });
};
const stack = (...of: (layers.Layer | LayersModel)[]): LayersModel => sequential({ layers: of as never });
const graph = (inputs: number, grow: (x: T) => unknown): LayersModel => {
  const x = input({ shape: [inputs] });
  return model({ inputs: x, outputs: grow(x) as T });
};

/** Prunes half the units of every kernel, and what hangs on them. */
async function pruned(of: LayersModel): Promise<Run> {
  const run = new Run(of, { seed: 1 });
  const pruner = structuredLevel({ structure: 'filters', sparsity: 0.5, refused: 'skip' });
  await run.prune(pruner, '**/kernel');
  return run;
}

describe('models inside models are thinned', () => {
  const cases: [string, () => LayersModel, string][] = [
    ['a sequential model that begins with one', () => stack(base('x'), dense('c', 2)), 'x/a x/b'],
    ['that begins with a functional one', () => stack(functional('x'), dense('c', 2)), 'x/a x/b'],
    [
      'that begins with one that begins with one',
      () => stack(sequential({ name: 'y', layers: [base('x') as never, dense('c', 5)] }), dense('d', 2)),
      'y/x/a y/x/b y/c',
    ],
    ['two with equal names inside', () => stack(base('x'), base('y', 4), dense('c', 2)), 'x/a x/b y/a y/b'],
    [
      'two with equal names in a graph',
      () => graph(3, (x) => dense('c', 2).apply(base('y', 4).apply(base('x').apply(x)))),
      'x/a x/b y/a y/b',
    ],
    [
      'one that is called twice',
      () =>
        graph(3, (x) => {
          const shared = base('x');
          const again = shared.apply(dense('c', 3).apply(shared.apply(x))) as T;
          return dense('d', 2).apply(layers.add().apply([shared.apply(x) as T, again]));
        }),
      'x/a x/b',
    ],
    [
      'one with two inputs',
      () => {
        const [p, q] = [input({ shape: [3] }), input({ shape: [5] })];
        const both = layers.concatenate().apply([dense('a', 4).apply(p), dense('b', 4).apply(q)] as T[]) as T;
        const two = model({ name: 'two', inputs: [p, q], outputs: dense('c', 3).apply(both) as T });
        return graph(2, (x) =>
          dense('d', 2).apply(two.apply([dense('x', 3).apply(x), dense('y', 5).apply(x)] as T[])),
        );
      },
      'x y two/a two/b two/c',
    ],
    [
      'one inside a graph that begins with one',
      () => {
        const inner = sequential({ name: 's', layers: [base('x') as never, dense('c', 5)] });
        return graph(3, (x) => dense('e', 2).apply(inner.apply(dense('d', 3).apply(x))));
      },
      'd s/x/a s/x/b s/c',
    ],
    [
      'one that stands in another model too',
      () => {
        const shared = base('x');
        stack(shared, dense('other', 7));
        return stack(shared, dense('c', 2));
      },
      'x/a x/b',
    ],
    [
      'one at every time step, which begins with one',
      () => {
        const inner = sequential({ name: 'o', layers: [base('x') as never, dense('c', 5)] });
        const each = layers.timeDistributed({ name: 't', layer: inner as never, inputShape: [5, 3] });
        return stack(each, layers.flatten(), dense('d', 2));
      },
      't/x/a t/x/b t/c',
    ],
  ];
  test.each(cases)('%s', async (_, make, groups) => {
    const of = make();
    const run = await pruned(of);
    const { model: small, report } = await thinModel(of, {}, run);
    expect(report.groups.map(({ name }) => name).join(' ')).toBe(groups);
    expect(small.countParams()).toBeLessThan(0.6 * of.countParams());
    const inputs = of.inputs.map(({ shape }) => tf.randomNormal([4, ...(shape.slice(1) as number[])]));
    expect(difference(of, small, inputs)).toBeLessThan(1e-5);
    expect(new Set(run.parameters.map(({ name }) => name)).size).toBe(run.parameters.length);
  });
});

describe('a layer that a model holds twice is refused by name: its JSON would be of two', () => {
  const cases: [string, () => LayersModel, RegExp][] = [
    [
      'one model after itself',
      () => {
        const twice = base('x', 3, 3);
        return stack(twice, twice, dense('c', 2));
      },
      /x stands in the model twice/,
    ],
    [
      'a model, and its own tensors',
      () => {
        const x = base('x');
        const sum = layers.add().apply([x.outputs[0], x.apply(x.inputs[0]) as T]) as T;
        return model({ inputs: x.inputs, outputs: dense('c', 2).apply(sum) as T });
      },
      /a and x\/a are one layer/,
    ],
    [
      'a layer inside a model and outside',
      () => {
        const shared = dense('d', 6);
        const inside = graph(6, (x) => dense('e', 4).apply(shared.apply(x)));
        inside.name = 'm';
        return graph(6, (x) => dense('c', 2).apply(inside.apply(shared.apply(x) as T)));
      },
      /d and m\/d are one layer/,
    ],
  ];
  test.each(cases)('%s', async (_, make, message) => {
    const of = make();
    const error = await thinModel(of, {}, await pruned(of)).catch((e: Error) => e);
    expect(error).toBeInstanceOf(EspalierError);
    expect((error as EspalierError).code).toBe('unsupported-layer');
    expect((error as Error).message).toMatch(message);
  });
});

test('multiplications are counted by the same names', () => {
  const { macs, layers: counted } = countMacs(stack(base('x'), base('y', 4), dense('c', 2)));
  expect(counted).toEqual([
    { name: 'x/a', macs: 18 },
    { name: 'x/b', macs: 24 },
    { name: 'y/a', macs: 24 },
    { name: 'y/b', macs: 24 },
    { name: 'c', macs: 8 },
  ]);
  expect(macs).toBe(98);
});
