import '@tensorflow/tfjs-backend-cpu';
import { Run, topologyOf } from '@espalier/core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { thin, thinModel } from '../src/index.js';
import { restoreInitializers, skipInitializers } from '../src/thin/initializers.js';
import { graph, normal, on, type T, write } from './models.js';
import { difference } from './random-model.js';

const dense = (name: string, units: number, more = {}) => layers.dense({ name, units, ...more });
const set = (built: LayersModel, values: Record<string, readonly number[]>): Run => {
  const run = new Run(built);
  for (const [name, numbers] of Object.entries(values)) write(run.parameter(name), numbers);
  return run;
};
const numbers = (built: LayersModel, layer: string): number[][] =>
  built
    .getLayer(layer)
    .getWeights()
    .map((w) => [...w.dataSync()]);

describe('a tensor keeps a channel', () => {
  const constant = (useBias: boolean) =>
    set(
      graph([1], (x) => on(dense('b', 2, { useBias }), on(dense('a', 1), x))),
      { 'a/kernel': [0], 'a/bias': [2], 'b/kernel': [3, 4], ...(useBias && { 'b/bias': [1, 1] }) },
    );

  it('that nothing reads any more, once its constant is in the bias', async () => {
    const { model: small, kept, report } = await thinModel(constant(true).model);
    expect(numbers(small, 'b')).toEqual([
      [0, 0],
      [7, 9],
    ]);
    expect([kept.size, report.groups, report.folded]).toEqual([0, [], ['b/bias']]);
  });

  it('and the bias is a new one where there was none', async () => {
    const run = constant(false);
    const { model: small, report } = await thinModel(run.model);
    expect(numbers(small, 'b')).toEqual([
      [0, 0],
      [6, 8],
    ]);
    expect(report.folded).toEqual(['b/bias']);
    expect(difference(run.model, small, [normal([3, 1], 1)])).toBeLessThan(1e-6);
  });

  it('along each axis along which it is spare', async () => {
    // Nothing reads `a` but `b`, and nothing `b` but `c`, which is 0: one unit stays of both.
    const run = set(
      graph([2], (x) => on(dense('c', 1, { useBias: false }), on(dense('b', 3), on(dense('a', 2), x)))),
      { 'c/kernel': [0, 0, 0], 'b/kernel': [1, 2, 3, 4, 5, 6], 'b/bias': [1, 1, 1] },
    );
    const { model: small, report } = await thinModel(run.model);
    expect(report.groups.map(({ name, before, after }) => [name, before, after])).toEqual([
      ['a', 2, 1],
      ['b', 3, 1],
    ]);
    expect(numbers(small, 'b')).toEqual([[0], [1]]);
    expect(numbers(small, 'c')).toEqual([[0]]);
  });
});

it('a new bias has an entry for each unit that stays', async () => {
  // Unit 0 of `a` is 5 for all inputs; unit 1 of `b` is read by nobody.
  const run = set(
    graph([1], (x) =>
      on(dense('c', 1), on(dense('b', 3, { useBias: false }), on(dense('a', 2, { activation: 'relu' }), x))),
    ),
    { 'a/kernel': [0, 1], 'a/bias': [5, 0.5], 'b/kernel': [1, 2, 3, 4, 5, 6], 'c/kernel': [1, 0, 1] },
  );
  const { model: small, report, kept } = await thinModel(run.model);
  expect(numbers(small, 'b')).toEqual([
    [4, 6],
    [5, 15],
  ]);
  expect(numbers(small, 'a')).toEqual([[1], [0.5]]);
  expect(report.parameters).toEqual({ before: 4 + 6 + 4, after: 2 + 4 + 3 });
  expect(
    [...kept].map(([name, cuts]) => [name, cuts.map(({ axis, indices }) => [axis, ...indices])]),
  ).toEqual([
    ['a/kernel', [[1, 1]]],
    ['a/bias', [[0, 1]]],
    [
      'b/kernel',
      [
        [0, 1],
        [1, 0, 2],
      ],
    ],
    ['c/kernel', [[0, 0, 2]]],
  ]);
  expect(difference(run.model, small, [normal([3, 1], 1)])).toBeLessThan(1e-5);
});

describe('sizes in the configuration follow', () => {
  const unread = (after: (x: T) => T): Run => {
    const built = graph([4], (x) => {
      const a = on(dense('a', 4), x);
      return on(dense('b', 1), after(a));
    });
    const run = new Run(built);
    const kernel = run.parameter('b/kernel');
    // The second unit of four is read nowhere.
    write(
      kernel,
      Array.from({ length: kernel.size }, (_, i) => (i % 4 === 1 ? 0 : 1 + i)),
    );
    return run;
  };
  const configOf = (built: LayersModel, name: string): Record<string, unknown> =>
    built.getLayer(name).getConfig();

  it('of reshapes', async () => {
    const run = unread((x) =>
      on(layers.flatten(), on(layers.reshape({ name: 'r', targetShape: [1, 4] }), x)),
    );
    const { model: small } = await thinModel(run.model);
    expect(configOf(small, 'r').targetShape).toEqual([1, 3]);
    expect(configOf(run.model, 'r').targetShape).toEqual([1, 4]);
    expect(difference(run.model, small, [normal([2, 4], 1)])).toBeLessThan(1e-5);
  });

  it('of models inside, which repeat the shapes of their inputs', async () => {
    const inner = sequential({ name: 'inner', layers: [layers.reLU({ name: 'f', inputShape: [4] })] });
    const run = unread((x) => on(inner, x));
    const { model: small } = await thinModel(run.model);
    expect((small.getLayer('inner') as LayersModel).inputs[0].shape).toEqual([null, 3]);
    expect(configOf(small, 'a').units).toBe(3);
    expect(difference(run.model, small, [normal([2, 4], 1)])).toBeLessThan(1e-5);
  });
});

describe('initializers', () => {
  it('of recurrent weights are left out of a configuration, wherever it has them', () => {
    const config = {
      recurrent_initializer: { class_name: 'Orthogonal' },
      kernel_initializer: { class_name: 'GlorotNormal' },
      layers: [{ config: { recurrent_initializer: 1, units: 2, none: null } }, 'recurrent_initializer'],
    };
    skipInitializers(config);
    const zeros = { class_name: 'Zeros', config: {} };
    expect(config).toEqual({
      recurrent_initializer: zeros,
      kernel_initializer: { class_name: 'GlorotNormal' },
      layers: [{ config: { recurrent_initializer: zeros, units: 2, none: null } }, 'recurrent_initializer'],
    });
    for (const nothing of [null, 3, 'x']) expect(() => skipInitializers(nothing)).not.toThrow();
  });

  it('are again what they were', () => {
    const build = (recurrentInitializer: 'glorotNormal' | 'zeros'): LayersModel => {
      const own = { units: 2, recurrentInitializer, returnSequences: true } as const;
      return sequential({
        layers: [
          layers.gru({ name: 'gru', ...own, inputShape: [3, 2] }),
          layers.bidirectional({ name: 'both', layer: layers.lstm(own) as never, mergeMode: 'sum' }),
          layers.rnn({
            name: 'cells',
            cell: [
              layers.gruCell({ name: 'one', units: 2, recurrentInitializer }),
              layers.lstmCell({ name: 'two', units: 2, recurrentInitializer }),
            ],
            returnSequences: true,
          }) as layers.Layer,
          sequential({
            name: 'inner',
            layers: [layers.simpleRNN({ name: 'rnn', ...own, inputShape: [3, 2] })],
          }),
          layers.timeDistributed({ name: 'each', layer: layers.dense({ units: 1 }) }),
        ],
      });
    };
    const [from, to] = [build('glorotNormal'), build('zeros')];
    const found = (m: LayersModel): string[] =>
      [...JSON.stringify(topologyOf(m)).matchAll(/recurrent_initializer":\{"class_name":"(\w+)"/g)].map(
        ([, name]) => name,
      );
    const names = found(from);
    expect(new Set(names)).toEqual(new Set(['VarianceScaling']));
    expect(new Set(found(to))).toEqual(new Set(['Zeros']));
    restoreInitializers(from, to);
    expect(found(to)).toEqual(names);
    expect(names.length).toBeGreaterThan(4);
  });
});

describe('what thin says of itself', () => {
  it('are units, weights, multiplications and constants', async () => {
    const run = set(
      graph([1], (x) => on(dense('b', 2), on(dense('a', 2, { activation: 'relu' }), x))),
      { 'a/kernel': [0, 1], 'a/bias': [5, 0.5], 'b/kernel': [1, 2, 3, 4] },
    );
    const { session } = await run.start(thin());
    expect(session.report).toBeUndefined();
    const { notes } = await session.apply(run.model);
    expect(notes).toEqual([
      'Thinned: a 2 → 1',
      'Weights 10 → 6, multiplications 6 → 3',
      'Constants folded into b/bias',
    ]);
    expect(session.report?.groups).toEqual([{ name: 'a', before: 2, after: 1 }]);
  });

  it('is that there is nothing to remove', async () => {
    const run = set(
      graph([1], (x) => on(dense('a', 1), x)),
      { 'a/kernel': [1] },
    );
    const { session } = await run.start(thin());
    const { notes } = await session.apply(run.model);
    expect(notes).toEqual(['Thinned: nothing to remove', 'Weights 2 → 2, multiplications 1 → 1']);
  });

  it('leaves multiplications out where sizes are not known', async () => {
    const built = graph([null as never, 2], (x) => on(dense('b', 1), on(dense('a', 2), x)));
    const { session } = await new Run(built).start(thin());
    const { notes } = await session.apply(built);
    expect(notes![1]).toBe('Weights 9 → 9');
  });

  it('is an error where it is asked for and a channel is stuck', async () => {
    const built = graph([4, 1], (x) =>
      on(
        layers.conv1d({ name: 'b', filters: 1, kernelSize: 3, padding: 'same' }),
        on(layers.conv1d({ name: 'a', filters: 2, kernelSize: 1 }), x),
      ),
    );
    const run = set(built, { 'a/kernel': [0, 1], 'a/bias': [2, 0], 'b/kernel': [1, 2, 3, 4, 5, 6] });
    await expect(thinModel(run.model, { stuck: 'error' })).rejects.toMatchObject({ code: 'stuck' });
    const { report } = await thinModel(run.model);
    expect(report.stuck).toMatchObject([{ layer: 'b', channels: 1 }]);
    const whole = set(built, { 'a/bias': [0, 0] });
    await expect(thinModel(whole.model, { stuck: 'error' })).resolves.toBeDefined();
    await expect(thinModel(run.model, { stuck: 'maybe' as never })).rejects.toThrow(/stuck/);
    await expect(thinModel(run.model, { stick: 'keep' } as never)).rejects.toThrow(/stuck/);
  });

  it('is an error for a model that is not built', async () => {
    await expect(thinModel(sequential({ name: 'raw', layers: [] }))).rejects.toMatchObject({
      code: 'unsupported-layer',
    });
  });
});
