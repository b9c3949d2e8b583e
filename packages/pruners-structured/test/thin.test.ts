import { Run, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { input, type LayersModel, layers, model, models } from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { countMacs, dependencyGroups, structuredLevel, thin, thinModel } from '../src/index.js';
import { fixed, graph, mask, normal, on, prune, type T, weights, write } from './models.js';
import { difference } from './random-model.js';

const recurrentInitializer = 'zeros';

/** Random weights; units of some groups pruned, all or nothing of a unit. */
function masked(built: LayersModel, of: string, sparsity = 0.5): Run {
  const run = new Run(built, { seed: 1 });
  for (const [i, p] of run.parameters.entries()) {
    const values = Array.from(normal([p.size], i + 1).dataSync(), (v) => 0.5 * v);
    write(p, p.name.endsWith('variance') ? values.map((v) => 0.5 + Math.abs(v)) : values);
  }
  prune(run, structuredLevel({ structure: 'filters', sparsity }), of);
  return run;
}

describe('layers that the random models do not have', () => {
  const cases: [string, number[], (x: T) => T, string][] = [
    [
      'ConvLSTM2D',
      [3, 5, 5, 2],
      (x) => {
        const config = { filters: 4, kernelSize: 3, recurrentInitializer } as const;
        x = on(layers.convLstm2d({ ...config, name: 'a', padding: 'same', returnSequences: true }), x);
        return on(layers.flatten(), on(layers.convLstm2d({ ...config, name: 'b' }), x));
      },
      '*/kernel',
    ],
    [
      'Conv3D, its pooling and its transpose',
      [4, 4, 4, 1],
      (x) => {
        x = on(layers.conv3d({ name: 'a', filters: 4, kernelSize: 2, activation: 'relu' }), x);
        x = on(layers.maxPooling3d({ poolSize: 2, strides: 1 }), x);
        x = on(layers.conv3dTranspose({ name: 'b', filters: 3, kernelSize: 2 }), x);
        return on(layers.flatten(), on(layers.averagePooling3d({ poolSize: 2 }), x));
      },
      '*/kernel',
    ],
    [
      'TimeDistributed over a convolution and over a model',
      [3, 6, 6, 1],
      (x) => {
        x = on(
          layers.timeDistributed({
            name: 'td',
            layer: layers.conv2d({ name: 'a', filters: 4, kernelSize: 3 }),
          }),
          x,
        );
        const inner = graph([4, 4, 4], (y) =>
          on(
            layers.dense({ name: 'c', units: 4 }),
            on(layers.flatten(), on(layers.conv2d({ name: 'b', filters: 4, kernelSize: 2 }), y)),
          ),
        );
        x = on(layers.timeDistributed({ name: 'each', layer: inner }), x);
        return on(layers.gru({ name: 'd', units: 4, recurrentInitializer }), x);
      },
      '**/kernel',
    ],
    [
      'a generic RNN around a cell',
      [4, 2],
      (x) =>
        on(
          layers.rnn({ name: 'a', cell: layers.gruCell({ units: 4, recurrentInitializer }) }) as layers.Layer,
          x,
        ),
      '*/kernel',
    ],
    [
      'rescaling',
      [4, 4, 2],
      (x) => {
        x = on(layers.conv2d({ name: 'a', filters: 4, kernelSize: 1 }), x);
        x = on(layers.rescaling({ scale: 2, offset: 1 }) as layers.Layer, x);
        return on(layers.globalAveragePooling2d({}), x);
      },
      '*/kernel',
    ],
  ];

  test.each(cases)('%s', async (_, shape, build, of) => {
    const run = masked(
      graph(shape, (x) => on(layers.dense({ name: 'out', units: 2 }), build(x))),
      [of, '!out/kernel'] as never,
    );
    const { model: small, report } = await thinModel(run.model);
    expect(report.groups.map(({ before, after }) => [before, after])).toEqual(
      report.groups.map(({ before }) => [before, before === 3 ? 1 : before / 2]),
    );
    expect(report.groups.length).toBe(dependencyGroups(run.model).groups.length);
    expect(difference(run.model, small, [normal([2, ...shape], 99)])).toBeLessThan(1e-5);
  });

  test('states handed from one recurrent layer to another', async () => {
    const [x, y] = [input({ shape: [3, 2] }), input({ shape: [4, 2] })];
    const common = { units: 4, recurrentInitializer } as const;
    const [, h, c] = layers.lstm({ ...common, name: 'reader', returnState: true }).apply(x) as T[];
    const out = layers.lstm({ ...common, name: 'writer' }).apply([y, h, c]) as T;
    const run = masked(
      model({ inputs: [x, y], outputs: on(layers.dense({ name: 'out', units: 2 }), out) }),
      'reader/kernel',
    );
    const { model: small, report } = await thinModel(run.model);
    expect(report.groups).toEqual([{ name: 'reader+writer', before: 4, after: 2 }]);
    expect(difference(run.model, small, [normal([2, 3, 2], 1), normal([2, 4, 2], 2)])).toBeLessThan(1e-5);
  });
});

test('the initializers of recurrent layers are skipped and kept', async () => {
  const built = graph([3, 2], (x) => {
    x = on(
      layers.bidirectional({
        name: 'both',
        mergeMode: 'sum',
        layer: layers.gru({ units: 4, returnSequences: true, recurrentInitializer: 'heNormal' }) as never,
      }),
      x,
    );
    x = on(layers.lstm({ name: 'lstm', units: 4, recurrentInitializer: 'heNormal' }), x);
    return on(layers.dense({ units: 1 }), x);
  });
  const { model: small } = await thinModel(masked(built, 'lstm/kernel').model);
  const strip = (m: LayersModel): unknown =>
    JSON.parse((m.toJSON() as string).replace(/"units":\d+/g, '"units":0'));
  expect(strip(small)).toEqual(strip(built));
  expect(small.toJSON()).toContain('VarianceScaling');
});

describe('constants', () => {
  /** conv (bias 0.7, no weights left in filter 0) → sigmoid → conv with this padding → output. */
  const built = (padding: 'same' | 'valid', useBias = true): LayersModel => {
    const m = graph([4, 4, 1], (x) => {
      x = on(layers.conv2d({ name: 'a', filters: 2, kernelSize: 1, activation: 'sigmoid' }), x);
      x = on(layers.conv2d({ name: 'b', filters: 2, kernelSize: 3, padding, useBias }), x);
      return on(layers.flatten(), x);
    });
    const run = new Run(m);
    for (const [i, p] of run.parameters.entries()) write(p, Array.from(normal([p.size], i + 1).dataSync()));
    write(run.parameter('a/kernel'), [0, 1]);
    write(run.parameter('a/bias'), [0.7, 0.1]);
    return m;
  };

  test('are folded where the window never meets padding', async () => {
    const m = built('valid');
    const { model: small, report } = await thinModel(m);
    expect(report).toMatchObject({
      groups: [{ name: 'a', before: 2, after: 1 }],
      folded: ['b/bias'],
      stuck: [],
    });
    expect(difference(m, small, [normal([3, 4, 4, 1], 5)])).toBeLessThan(1e-5);
  });

  test('a layer without a bias is given one', async () => {
    const m = built('valid', false);
    const { model: small } = await thinModel(m);
    expect(small.getLayer('b').getWeights()).toHaveLength(2);
    expect(difference(m, small, [normal([3, 4, 4, 1], 5)])).toBeLessThan(1e-5);
  });

  test('the channel stays where they meet padding, and it is told', async () => {
    const m = built('same');
    const { model: small, report } = await thinModel(m);
    expect(report.groups).toEqual([]);
    expect(report.stuck).toEqual([
      { layer: 'b', channels: 1, reason: expect.stringContaining('padded edges') },
    ]);
    expect(difference(m, small, [normal([3, 4, 4, 1], 5)])).toBeLessThan(1e-6);
    await expect(thinModel(m, { stuck: 'error' })).rejects.toThrow('1 channels that b reads stay');
    const { session } = await new Run(m).start(thin());
    const notes = (await session.apply(m)).notes!;
    expect(notes.at(-1)).toContain('1 channels that b reads stay');
  });

  test('a bias that is masked takes nothing up', async () => {
    const m = built('valid');
    const run = new Run(m);
    run.setMask(run.parameter('b/bias'), tf.tensor1d([0, 1]));
    const { report } = await thinModel(m, {}, run);
    expect(report.groups).toEqual([]);
    expect(report.stuck[0].reason).toContain('is pruned');
  });
});

test('masks are cut along and training goes on', async () => {
  const run = masked(
    graph([5], (x) => {
      x = on(layers.dense({ name: 'a', units: 6, activation: 'relu' }), x);
      x = on(layers.dense({ name: 'b', units: 4, activation: 'relu' }), x);
      return on(layers.dense({ name: 'c', units: 1 }), x);
    }),
    'a/kernel',
  );
  // Single weights of b are pruned as well, by another owner.
  run.setMask(
    run.parameter('b/kernel'),
    tf.tensor2d(
      Array.from({ length: 24 }, (_, i) => (i % 3 === 0 ? 0 : 1)),
      [6, 4],
    ),
    'elements',
  );
  const kept = mask(run, 'a/bias');
  const before = mask(run, 'b/kernel');
  const expected = before.filter((_, i) => kept[Math.floor(i / 4)] === 1);
  const { session } = await run.start(thin());
  await run.replaceModel(await session.apply(run.model));
  expect(session.report!.groups).toEqual([{ name: 'a', before: 6, after: 3 }]);
  expect(run.parameter('b/kernel').shape).toEqual([3, 4]);
  expect(mask(run, 'b/kernel')).toEqual(expected);
  const data = fixed(normal([8, 5], 1), normal([8, 1], 2), 5);
  const history = await train(run, { data, epochs: 4, loss: 'meanSquaredError', learningRate: 0.01 });
  expect(history[3].loss).toBeLessThan(history[0].loss);
  for (const [i, m] of expected.entries()) if (m === 0) expect(weights(run, 'b/kernel')[i]).toBe(0);
});

test('the model itself is left as it is, and no tensors are left over', async () => {
  const run = masked(
    graph([5], (x) =>
      on(layers.dense({ name: 'b', units: 1 }), on(layers.dense({ name: 'a', units: 6 }), x)),
    ),
    'a/kernel',
  );
  const [json, before] = [run.model.toJSON(), weights(run, 'a/kernel')];
  const tensors = tf.memory().numTensors;
  const { model: small } = await thinModel(run.model);
  expect(tf.memory().numTensors).toBe(tensors + small.weights.length);
  expect(run.model.toJSON()).toBe(json);
  expect(weights(run, 'a/kernel')).toEqual(before);
  // It can be written and read.
  const copy = await models.modelFromJSON({ modelTopology: JSON.parse(small.toJSON() as string) });
  expect(copy.countParams()).toBe(small.countParams());
});

test('shared values are thinned along; what took up a constant is shared no longer', async () => {
  const run = new Run(
    graph([2], (x) => {
      x = on(layers.dense({ name: 'a', units: 3, activation: 'sigmoid' }), x);
      return on(layers.dense({ name: 'b', units: 1 }), x);
    }),
  );
  const share = (name: string, codebook: number[], indices: number[]): void =>
    run.share(run.parameter(name), {
      codebook: Float32Array.from(codebook),
      indices: Uint8Array.from(indices),
      fixed: [codebook.indexOf(0)],
    });
  share('a/kernel', [0, 2, 3], [1, 0, 2, 2, 0, 1]);
  share('b/kernel', [0, 1], [1, 1, 1]);
  share('a/bias', [0], [0, 0, 0]);
  share('b/bias', [0], [0]);
  const before = run.model;
  const { session } = await run.start(thin());
  await run.replaceModel(await session.apply(before));
  expect(run.parameter('a/kernel').shape).toEqual([2, 2]);
  expect(run.shared(run.parameter('a/kernel'))).toEqual({
    codebook: Float32Array.of(0, 2, 3),
    indices: Uint8Array.of(1, 2, 2, 1),
    fixed: [0],
  });
  expect(run.shared(run.parameter('b/kernel'))!.indices).toEqual(Uint8Array.of(1, 1));
  expect(run.shared(run.parameter('b/bias'))).toBeUndefined(); // sigmoid(0) of the second unit is in it
  expect(weights(run, 'b/bias')[0]).toBeCloseTo(0.5, 6);
  expect(difference(before, run.model, [normal([5, 2], 1)])).toBeLessThan(1e-6);
});

test('a wrong option is refused', () => {
  expect(() => thin({ stuk: 'keep' } as never)).toThrow("Did you mean 'stuck'?");
  expect(() => thin({ stuck: 'kep' } as never)).toThrow("Did you mean 'keep'?");
});

describe('costs', () => {
  test('multiplications by hand', () => {
    const m = graph([8, 8, 3], (x) => {
      x = on(layers.conv2d({ name: 'conv', filters: 4, kernelSize: 3, strides: 2, padding: 'same' }), x);
      x = on(layers.depthwiseConv2d({ name: 'deep', kernelSize: 3, padding: 'same', depthMultiplier: 2 }), x);
      x = on(layers.separableConv2d({ name: 'sep', filters: 5, kernelSize: 2 }), x);
      x = on(layers.conv2dTranspose({ name: 'up', filters: 2, kernelSize: 2, strides: 2 }), x);
      x = on(layers.reshape({ targetShape: [6, 12] }), x);
      x = on(layers.lstm({ name: 'lstm', units: 3, returnSequences: true, recurrentInitializer }), x);
      x = on(
        layers.bidirectional({
          name: 'bi',
          layer: layers.gru({ units: 2, recurrentInitializer }) as never,
          mergeMode: 'concat',
        }),
        x,
      );
      return on(layers.dense({ name: 'fc', units: 7 }), x);
    });
    const { macs, layers: rows } = countMacs(m);
    const expected = {
      conv: 4 * 4 * 3 * 3 * 3 * 4,
      deep: 4 * 4 * 3 * 3 * 4 * 2,
      sep: 3 * 3 * (2 * 2 * 8 + 8 * 5),
      up: 3 * 3 * 2 * 2 * 5 * 2,
      lstm: 6 * (12 * 12 + 3 * 12),
      bi: 2 * 6 * (3 * 6 + 2 * 6),
      fc: 4 * 7,
    };
    expect(Object.fromEntries(rows.map((row) => [row.name, row.macs]))).toEqual(expected);
    expect(macs).toBe(Object.values(expected).reduce((a, b) => a + b));
  });

  test('open sizes have to be given', () => {
    const x = input({ shape: [null, null, 3] });
    const m = model({
      inputs: x,
      outputs: on(layers.conv2d({ name: 'c', filters: 2, kernelSize: 3, padding: 'same' }), x),
    });
    expect(() => countMacs(m)).toThrow('The sizes that c works on are open');
    expect(countMacs(m, { inputShapes: [[10, 10, 3]] }).macs).toBe(100 * 9 * 3 * 2);
  });

  test('a layer inside a model that is called twice counts twice', () => {
    const inner = graph([3], (x) => on(layers.dense({ name: 'd', units: 3 }), x));
    const m = graph([3], (x) => on(inner, on(inner, x)));
    expect(countMacs(m).layers).toEqual([{ name: `${inner.name}/d`, macs: 18 }]);
  });
});

test('the optimizer goes on with the thinned model as it would have with the masked one', async () => {
  const built = (): LayersModel =>
    graph([6, 6, 1], (x) => {
      x = on(layers.conv2d({ name: 'a', filters: 4, kernelSize: 3, activation: 'relu' }), x);
      x = on(layers.conv2d({ name: 'b', filters: 6, kernelSize: 2, activation: 'relu' }), x);
      return on(layers.dense({ name: 'c', units: 2 }), on(layers.flatten(), x));
    });
  const [x, y] = [normal([16, 6, 6, 1], 1), normal([16, 2], 2)];
  const options = {
    data: fixed(x, y, 1),
    loss: 'meanSquaredError' as const,
    learningRate: 0.01,
  };
  /** Ten epochs, after four of which the model may be thinned. */
  const trained = async (thinning: boolean, continueSlots: boolean): Promise<LayersModel> => {
    const own = masked(built(), ['a/kernel', 'b/kernel'] as never);
    await train(own, { ...options, epochs: 4, keepSlots: true });
    if (thinning) {
      const { session } = await own.start(thin());
      await own.replaceModel(await session.apply(own.model));
      expect(own.parameter('b/kernel').shape).toEqual([2, 2, 2, 3]);
    }
    await train(own, { ...options, epochs: 6, continueSlots });
    return own.model;
  };
  const whole = await trained(false, true);
  expect(difference(whole, await trained(true, true), [x])).toBeLessThan(1e-4);
  // Without its slots Adam goes another way.
  expect(difference(whole, await trained(true, false), [x])).toBeGreaterThan(1e-2);
});
