import { input, layers, model, sequential } from '@tensorflow/tfjs-layers';
import { expect, test } from 'vitest';
import { type DependencyGroup, dependencyGroups } from '../src/index.js';
import { graph, on, type T } from './models.js';

/** `name size: parameter.axis, …` per group. */
const lines = (groups: readonly DependencyGroup[]): string[] =>
  groups.map(
    ({ name, size, members }) =>
      `${name} ${size}: ${members.map((m) => `${m.parameter.name}.${m.axis}`).join(' ')}`,
  );

test('a chain: what makes the units, what carries them and what reads them', () => {
  const { groups, refused } = dependencyGroups(
    graph([6, 6, 3], (x) => {
      x = on(layers.conv2d({ name: 'conv', filters: 4, kernelSize: 3 }), x);
      x = on(layers.batchNormalization({ name: 'bn' }), x);
      x = on(
        layers.depthwiseConv2d({ name: 'deep', kernelSize: 2, depthMultiplier: 2 }),
        on(layers.reLU(), x),
      );
      x = on(layers.flatten(), on(layers.maxPooling2d({ poolSize: 2, strides: 1 }), x));
      return on(layers.dense({ name: 'fc', units: 5, activation: 'softmax' }), x);
    }),
  );
  expect(lines(groups)).toEqual([
    'conv 4: conv/kernel.3 conv/bias.0 bn/gamma.0 bn/beta.0 bn/moving_mean.0 bn/moving_variance.0 ' +
      'deep/depthwise_kernel.2 deep/bias.0 fc/kernel.0',
  ]);
  const [{ members }] = groups;
  expect([...members.find((m) => m.parameter.name === 'deep/bias')!.units]).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
  // Flattened: 2 × 2 positions of 8 channels, the multiplier's two per filter.
  const rows = members.at(-1)!;
  expect(rows.part).toBe('reads');
  expect([...rows.units]).toEqual(Array.from({ length: 32 }, (_, i) => Math.floor((i % 8) / 2)));
  expect(refused.map(({ name, size, reason }) => [name, size, reason])).toEqual([
    ['inputs of conv', 3, "they are the model's inputs"],
    ['fc', 5, 'fc has a softmax over them'],
  ]);
});

test('sums tie, concatenations set side by side', () => {
  const conv = (name: string, filters: number): layers.Layer =>
    layers.conv2d({ name, filters, kernelSize: 3, padding: 'same' });
  const { groups } = dependencyGroups(
    graph([4, 4, 2], (x) => {
      const a = on(conv('a', 3), x);
      const b = on(conv('b', 2), x);
      const joined = on(layers.concatenate() as layers.Layer, [a, b]);
      const c = on(conv('c', 5), joined);
      const sum = on(layers.add() as layers.Layer, [joined, c]);
      return on(conv('out', 1), sum);
    }),
  );
  expect(lines(groups)).toEqual([
    'a+c 3: a/kernel.3 a/bias.0 c/kernel.2 c/kernel.3 c/bias.0 out/kernel.2',
    'b+c 2: b/kernel.3 b/bias.0 c/kernel.2 c/kernel.3 c/bias.0 out/kernel.2',
  ]);
  expect([...groups[1].members.find((m) => m.parameter.name === 'out/kernel')!.units]).toEqual([
    -1, -1, -1, 0, 1,
  ]);
});

test('recurrent units lie along all gates and their own state; both directions are tied', () => {
  const recurrentInitializer = 'zeros';
  const { groups } = dependencyGroups(
    graph([5], (x) => {
      x = on(layers.embedding({ name: 'table', inputDim: 9, outputDim: 4 }), x);
      x = on(
        layers.bidirectional({
          name: 'both',
          layer: layers.gru({ name: 'gru', units: 3, returnSequences: true, recurrentInitializer }) as never,
          mergeMode: 'concat',
        }),
        x,
      );
      x = on(layers.lstm({ name: 'lstm', units: 2, recurrentInitializer }), x);
      return on(layers.dense({ name: 'fc', units: 1 }), x);
    }),
  );
  expect(groups.map(({ name, size }) => `${name} ${size}`)).toEqual([
    'table 4',
    'both/forward_gru+both/backward_gru 3',
    'lstm 2',
  ]);
  const lstm = groups[2].members.map(
    (m) => `${m.parameter.name}.${m.axis} ${m.part} ${[...m.units].join('')}`,
  );
  expect(lstm).toEqual([
    'lstm/kernel.1 produces 01010101',
    'lstm/recurrent_kernel.0 reads 01',
    'lstm/recurrent_kernel.1 produces 01010101',
    'lstm/bias.0 produces 01010101',
    'fc/kernel.0 reads 01',
  ]);
  const reads = groups[1].members.find((m) => m.parameter.name === 'lstm/kernel')!;
  expect([...reads.units]).toEqual([0, 1, 2, 0, 1, 2]);
});

test('a layer that is called twice ties what it reads to what it makes', () => {
  const shared = layers.dense({ name: 'shared', units: 4 });
  const { groups } = dependencyGroups(
    graph([3], (x) => {
      const a = on(layers.dense({ name: 'a', units: 4 }), x);
      return on(layers.dense({ name: 'out', units: 1 }), on(shared, on(shared, a)));
    }),
  );
  expect(lines(groups)).toEqual([
    'a+shared 4: a/kernel.1 a/bias.0 shared/kernel.0 shared/kernel.1 shared/bias.0 out/kernel.0',
  ]);
});

test('a layer without weights ties nothing, however often it is called', () => {
  const relu = layers.reLU({ name: 'relu' });
  const { groups } = dependencyGroups(
    graph([3], (x) => {
      const a = on(relu, on(layers.dense({ name: 'a', units: 4 }), x));
      const b = on(relu, on(layers.dense({ name: 'b', units: 4 }), x));
      const c = on(relu, on(layers.dense({ name: 'c', units: 5 }), x));
      return on(layers.dense({ name: 'out', units: 1 }), on(layers.concatenate() as layers.Layer, [a, b, c]));
    }),
  );
  expect(groups.map(({ name, size }) => `${name} ${size}`)).toEqual(['a 4', 'b 4', 'c 5']);
});

test('nested models, several inputs and outputs', () => {
  const inner = sequential({
    name: 'inner',
    layers: [
      layers.dense({ name: 'in', units: 3, inputShape: [4] }),
      layers.dense({ name: 'up', units: 4, activation: 'tanh' }),
    ],
  });
  const [x, y] = [input({ shape: [2] }), input({ shape: [3] })];
  const a = on(layers.dense({ name: 'a', units: 4 }), x);
  const b = on(layers.dense({ name: 'b', units: 4 }), y);
  const outer = model({
    inputs: [x, y],
    outputs: [
      on(
        layers.dense({ name: 'out', units: 1 }),
        on(layers.add() as layers.Layer, [on(inner, a), on(inner, b)]),
      ),
      on(layers.dense({ name: 'side', units: 2 }), b),
    ],
  });
  const { groups, refused } = dependencyGroups(outer);
  expect(groups.map(({ name, size }) => `${name} ${size}`)).toEqual(['a+b 4', 'inner/in 3', 'inner/up 4']);
  expect(refused.filter(({ reason }) => reason.includes('outputs')).map(({ name }) => name)).toEqual([
    'out',
    'side',
  ]);
});

const refusals: [string, (x: T) => T, string][] = [
  [
    'layer normalisation',
    (x) => on(layers.layerNormalization({ name: 'norm' }), x),
    'norm (LayerNormalization) normalises over the channels',
  ],
  [
    'permutation',
    (x) => on(layers.permute({ name: 'turn', dims: [3, 1, 2] }), x),
    'turn (Permute) moves the channels to another axis',
  ],
  [
    'reshape',
    (x) => on(layers.reshape({ name: 'bend', targetShape: [8, 3, 6] }), x),
    'bend (Reshape) reshapes in a way through which channels cannot be followed',
  ],
  [
    'batch normalisation of rows',
    (x) => on(layers.batchNormalization({ name: 'rows', axis: 1 }), x),
    'rows (BatchNormalization) normalises along another axis than the channels',
  ],
  [
    'channels first',
    (x) => on(layers.conv2d({ name: 'first', filters: 2, kernelSize: 1, dataFormat: 'channelsFirst' }), x),
    "first (Conv2D) has data format 'channelsFirst'",
  ],
  ['softmax', (x) => on(layers.softmax({ name: 'soft', axis: -1 }), x), 'soft has a softmax over them'],
];

test.each(refusals)('%s is refused with the reason', (_, layer, reason) => {
  const { groups, refused } = dependencyGroups(
    graph([6, 6, 2], (x) => {
      x = layer(on(layers.conv2d({ name: 'conv', filters: 4, kernelSize: 1 }), x));
      return on(layers.dense({ name: 'fc', units: 1 }), on(layers.flatten(), x));
    }),
  );
  expect(groups).toEqual([]);
  const made = refused.find((g) =>
    g.members.some((m) => m.parameter.name === 'conv/kernel' && m.part === 'produces'),
  );
  expect(made?.reason).toBe(reason);
});

test('a model that is not built is refused', () => {
  expect(() => dependencyGroups(sequential({ layers: [] }))).toThrow('is not built');
});
