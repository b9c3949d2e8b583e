import { existsSync, readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it, vi } from 'vitest';
import { type BackendName, startBackend } from '../src/index.js';
import { findPackage } from '../src/packages.js';
import { PACKAGES } from '../src/starters.js';
import { hasNative } from './native.js';
import { hasWebgpu } from './software-gpu.js';

const page = readFileSync(new URL('../../../docs/backends.md', import.meta.url), 'utf8');
const [, table, all] = page.split(/^## .*$/m);
const needed = [...all.matchAll(/`(\w+)`/g)].map(([, kernel]) => kernel);
const rows = [...table.matchAll(/^\| `(\w+)` \| ([^|]+) \| ([^|]+) \| ([^|]+) \|/gm)].map((row) =>
  row.slice(1),
);

const BACKENDS: readonly [BackendName, tfjsName: string, has: boolean][] = [
  ['native', 'tensorflow', hasNative],
  ['webgpu', 'webgpu', hasWebgpu],
  [
    'wasm',
    'wasm',
    existsSync(new URL('../../../node_modules/@tensorflow/tfjs-backend-wasm', import.meta.url)),
  ],
];

const { layers: L } = tfl;
const dense = (activation: string): tfl.layers.Layer =>
  L.dense({ units: 4, activation: activation as never });
const recurrent = { recurrentInitializer: 'glorotNormal' as const, returnSequences: true, units: 3 };
const NETS: readonly { readonly shape: number[]; readonly layers: tfl.layers.Layer[] }[] = [
  {
    shape: [5],
    layers: [
      ...[
        'elu',
        'selu',
        'softplus',
        'softsign',
        'tanh',
        'sigmoid',
        'hardSigmoid',
        'relu6',
        'swish',
        'mish',
      ].map(dense),
      ...['gelu', 'gelu_new', 'softmax', 'relu', 'linear'].map(dense),
      L.leakyReLU(),
      L.prelu(),
      L.elu(),
      L.reLU({}),
      L.softmax({}),
      L.dropout({ rate: 0.5 }),
      L.gaussianNoise({ stddev: 0.1 }),
      L.gaussianDropout({ rate: 0.2 }),
      L.alphaDropout({ rate: 0.2 }),
    ],
  },
  {
    shape: [14, 14, 2],
    layers: [
      L.conv2d({ filters: 3, kernelSize: 3, activation: 'relu' }),
      L.batchNormalization({}),
      L.maxPooling2d({ poolSize: 2 }),
      L.depthwiseConv2d({ kernelSize: 2 }),
      L.separableConv2d({ filters: 3, kernelSize: 3, padding: 'same' }),
      L.averagePooling2d({ poolSize: 2 }),
      L.upSampling2d({}),
      L.zeroPadding2d({}),
      L.cropping2D({ cropping: 1 }),
      L.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2 }),
      L.globalAveragePooling2d({}),
    ],
  },
  { shape: [5, 5, 2], layers: [L.conv2d({ filters: 2, kernelSize: 2 }), L.globalMaxPooling2d({})] },
  {
    shape: [14, 2],
    layers: [
      L.conv1d({ filters: 3, kernelSize: 3 }),
      L.maxPooling1d({ poolSize: 2 }),
      L.averagePooling1d({ poolSize: 2 }),
      L.permute({ dims: [2, 1] }),
      L.lstm(recurrent),
      L.gru(recurrent),
      L.bidirectional({ layer: L.simpleRNN(recurrent) as never, mergeMode: 'concat' }),
      L.timeDistributed({ layer: L.dense({ units: 4 }) }),
      L.layerNormalization({}),
      L.reshape({ targetShape: [12] }),
      L.repeatVector({ n: 3 }),
      L.flatten(),
    ],
  },
  {
    shape: [6, 6, 6, 2],
    layers: [L.conv3d({ filters: 2, kernelSize: 2 }), L.maxPooling3d({ poolSize: 2 } as never), L.flatten()],
  },
  { shape: [4], layers: [L.embedding({ inputDim: 9, outputDim: 3 }), L.globalAveragePooling1d({})] },
];

describe('docs/backends.md', () => {
  it('is read', () => {
    expect(needed.length).toBeGreaterThan(80);
    expect(rows.length).toBeGreaterThan(15);
  });

  it.each(BACKENDS.map(([name, tfjsName, has], column) => ({ name, tfjsName, has, column })))(
    'says what $name has',
    async ({ name, tfjsName, has, column }) => {
      if (!has) return;
      process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
      await import(findPackage(PACKAGES[name])!.main);
      const stock = new Map(
        tf.getKernelsForBackend(tfjsName).map((kernel) => [kernel.kernelName, kernel.kernelFunc]),
      );
      await startBackend({ prefer: name });
      const found = (kernel: string): string => {
        const func = tf.getKernel(kernel, tfjsName)?.kernelFunc;
        if (!func) return 'plain ops';
        return func === stock.get(kernel) ? 'TF.js' : 'ours';
      };
      expect(rows.map(([kernel]) => [kernel, found(kernel)])).toEqual(
        rows.map((row) => [row[0], row[column + 1]]),
      );
      const listed = new Set(rows.map(([kernel]) => kernel));
      expect(needed.filter((kernel) => !listed.has(kernel) && found(kernel) !== 'TF.js')).toEqual([]);
    },
  );

  it('lists every kernel that a step of every kind of layer runs', async () => {
    await startBackend({ prefer: 'cpu' });
    const spy = vi.spyOn(tf.engine(), 'runKernel');
    for (const { shape, layers } of NETS) {
      const model = tfl.sequential();
      for (const [i, layer] of layers.entries()) {
        if (i === 0) (layer as unknown as { batchInputShape: unknown }).batchInputShape = [null, ...shape];
        model.add(layer);
      }
      const x = tf.randomUniform([2, ...shape], 0, 3);
      const loss = (): tf.Scalar => tf.mean(tf.square(model.apply(x, { training: true }) as tf.Tensor));
      tf.train.adam(0.1).minimize(loss);
      tf.dispose(model.predict(x));
      x.dispose();
    }
    const ran = new Set(spy.mock.calls.map(([kernel]) => kernel));
    spy.mockRestore();
    expect(ran.size).toBeGreaterThan(60);
    expect([...ran].filter((kernel) => !needed.includes(kernel))).toEqual([]);
  });
});
