import '@tensorflow/tfjs-backend-cpu';
// Orthogonal initializers of TF.js 4.22 chain their calls.
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops.js';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import {
  model as functional,
  initializers,
  input,
  type LayersModel,
  layers,
  type SymbolicTensor,
  sequential,
} from '@tensorflow/tfjs-layers';
import { expect, test, vi } from 'vitest';
import { readArtifacts } from '../src/index.js';
import { folder, readLayersModel } from './fixtures.js';
import { batchNormalization, type KerasFile, kernel, l2, layer, writeKeras } from './keras-fixtures.js';

/** Numbers that look like weights; variances have to be positive. */
const draw = (shape: readonly number[], seed: number, shift = 0): Float32Array =>
  Float32Array.from(
    { length: shape.reduce((a, b) => a * b, 1) },
    (_, i) => shift + 0.5 * Math.sin(seed + 7 * i),
  );

/** Weights of a layer under Keras' names, and in order for `setWeights`. */
function weights(
  of: Record<string, readonly number[]>,
): { name: string; shape: readonly number[]; values: Float32Array }[] {
  return Object.entries(of).map(([name, shape], i) => ({
    name,
    shape,
    values: draw(shape, i + name.length, name.includes('variance') ? 1 : 0),
  }));
}

const convolutional: KerasFile & { config: object } = {
  version: '2.15.0',
  config: {
    class_name: 'Sequential',
    config: {
      name: 'sequential',
      layers: [
        layer('InputLayer', {
          batch_input_shape: [null, 6, 6, 2],
          sparse: false,
          ragged: false,
          name: 'conv2d_input',
        }),
        layer('Conv2D', {
          ...kernel,
          name: 'conv2d',
          filters: 3,
          kernel_size: [3, 3],
          strides: [1, 1],
          padding: 'valid',
          data_format: 'channels_last',
          dilation_rate: [1, 1],
          groups: 1,
          activation: 'hard_sigmoid',
          kernel_regularizer: l2,
        }),
        layer('BatchNormalization', batchNormalization),
        layer('Flatten', { name: 'flatten', data_format: 'channels_last' }),
        layer('Dense', { ...kernel, name: 'dense', units: 5, activation: 'softmax' }),
      ],
    },
  },
  layers: {
    conv2d: weights({ 'conv2d/kernel:0': [3, 3, 2, 3], 'conv2d/bias:0': [3] }),
    batch_normalization: weights({
      'batch_normalization/gamma:0': [3],
      'batch_normalization/beta:0': [3],
      'batch_normalization/moving_mean:0': [3],
      'batch_normalization/moving_variance:0': [3],
    }),
    flatten: [],
    dense: weights({ 'dense/kernel:0': [48, 5], 'dense/bias:0': [5] }),
  },
};

/** The outputs of the model in the file must be those of one built here with the same weights. */
async function sameAs(file: string, own: LayersModel, given: KerasFile, shape: number[]): Promise<void> {
  own.setWeights(
    Object.values(given.layers).flatMap((all) =>
      all.map(({ values, shape: s }) => tf.tensor(values, [...s])),
    ),
  );
  const loaded = await readLayersModel(file);
  const x = tf.tensor(draw([3, ...shape], 1), [3, ...shape]);
  const [a, b] = [own, loaded].map((m) => (m.predict(x) as tf.Tensor).dataSync());
  expect(a.some((v) => v > 0.01)).toBe(true);
  expect([...b]).toEqual([...a]);
}

test('a Sequential model of Keras 2 computes what it did', async () => {
  const file = join(folder(), 'model.h5');
  await writeKeras(file, convolutional);
  const own = sequential({
    layers: [
      layers.conv2d({ filters: 3, kernelSize: 3, activation: 'hardSigmoid', inputShape: [6, 6, 2] }),
      layers.batchNormalization(),
      layers.flatten(),
      layers.dense({ units: 5, activation: 'softmax' }),
    ],
  });
  // TF.js keeps statistics behind what is trained, Keras' file layer by layer.
  const { conv2d, batch_normalization: norm, dense } = convolutional.layers;
  const trained = { conv2d, norm: norm.slice(0, 2), dense, statistics: norm.slice(2) };
  await sameAs(file, own, { ...convolutional, layers: trained }, [6, 6, 2]);
  const { artifacts } = await readArtifacts(file);
  expect(artifacts.format).toBe('layers-model');
  expect(artifacts.generatedBy).toBe('keras v2.15.0');
  expect(artifacts.weightSpecs?.map(({ name }) => name)).toEqual([
    'conv2d/kernel',
    'conv2d/bias',
    'batch_normalization/gamma',
    'batch_normalization/beta',
    'batch_normalization/moving_mean',
    'batch_normalization/moving_variance',
    'dense/kernel',
    'dense/bias',
  ]);
});

test('a Functional model with an LSTM, whose cell is part of its names, and a list of layers in pieces', async () => {
  const recurrent: KerasFile = {
    version: '2.9.0',
    pieces: 2,
    config: {
      class_name: 'Functional',
      config: {
        name: 'model',
        layers: [
          {
            ...layer('InputLayer', { batch_input_shape: [null, 4, 3], name: 'x' }),
            name: 'x',
            inbound_nodes: [],
          },
          {
            ...layer('LSTM', {
              ...kernel,
              name: 'lstm',
              units: 2,
              activation: 'tanh',
              recurrent_activation: 'sigmoid',
              recurrent_initializer: { class_name: 'Orthogonal', config: { gain: 1, seed: null } },
              unit_forget_bias: true,
              return_sequences: false,
              return_state: false,
              go_backwards: false,
              stateful: false,
              unroll: false,
              time_major: false,
              implementation: 2,
            }),
            name: 'lstm',
            inbound_nodes: [[['x', 0, 0, {}]]],
          },
          {
            ...layer('Dense', { ...kernel, name: 'dense', units: 2, activation: 'linear' }),
            name: 'dense',
            inbound_nodes: [[['lstm', 0, 0, {}]]],
          },
        ],
        input_layers: [['x', 0, 0]],
        output_layers: [['dense', 0, 0]],
      },
    },
    layers: {
      x: [],
      lstm: weights({
        'lstm/lstm_cell/kernel:0': [3, 8],
        'lstm/lstm_cell/recurrent_kernel:0': [2, 8],
        'lstm/lstm_cell/bias:0': [8],
      }),
      dense: weights({ 'dense/kernel:0': [2, 2], 'dense/bias:0': [2] }),
    },
  };
  const file = join(folder(), 'model.h5');
  await writeKeras(file, recurrent);
  const x = input({ shape: [4, 3] });
  const lstm = layers.lstm({ units: 2, recurrentActivation: 'sigmoid' }).apply(x) as SymbolicTensor;
  const y = layers.dense({ units: 2 }).apply(lstm) as SymbolicTensor;
  await sameAs(file, functional({ inputs: x, outputs: y }), recurrent, [4, 3]);
});

test.each([
  [
    'a layer that TF.js does not have',
    '"class_name":"Flatten"',
    '"class_name":"Lambda"',
    'TensorFlow.js has no Lambda',
  ],
  ['an activation it does not have', '"hard_sigmoid"', '"gelú"', "no activation 'gelú'"],
  ['a model that is code', '"class_name":"Sequential"', '"class_name":"MyModel"', 'its graph is code'],
])('of %s the weights are read, and it is told', async (_, from, to, reason) => {
  const file = join(folder(), 'model.h5');
  const config = JSON.parse(JSON.stringify(convolutional.config).replace(from, to)) as object;
  await writeKeras(file, { ...convolutional, config });
  const lines: string[] = [];
  const { artifacts } = await readArtifacts(file, { log: (line) => lines.push(line) });
  expect(artifacts.modelTopology).toBeUndefined();
  expect(artifacts.weightSpecs).toHaveLength(8);
  expect(lines).toEqual([
    expect.stringContaining('the state of the optimizer is left out'),
    expect.stringContaining(reason),
  ]);
});

test('weights of a layer that somebody has registered with TF.js are kept by their names', async () => {
  class Scale extends layers.Layer {
    static className = 'ScaleOfOurs';
    override build(shape: (number | null)[]): void {
      this.addWeight('factor', [shape.at(-1) as number], 'float32', initializers.ones());
      super.build(shape);
    }
    override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
      return tf.mul([inputs].flat()[0], this.weights[0].read());
    }
  }
  tf.serialization.registerClass(Scale);
  const file = join(folder(), 'model.h5');
  const config = structuredClone(convolutional.config) as { config: { layers: object[] } };
  config.config.layers.push(layer('ScaleOfOurs', { name: 'scale' }));
  const factor = Float32Array.of(1, 2, 3, 4, 5);
  const scale = [{ name: 'scale/factor:0', shape: [5], values: factor }];
  await writeKeras(file, { ...convolutional, config, layers: { ...convolutional.layers, scale } });
  const model = await readLayersModel(file);
  expect([...(model.getLayer('scale').getWeights()[0].dataSync() as Float32Array)]).toEqual([...factor]);
});

test('files of weights, and of another Keras, are read by name', async () => {
  const { config: _, ...only } = convolutional;
  const dir = folder();
  await writeKeras(join(dir, 'weights.h5'), only);
  const { artifacts } = await readArtifacts(join(dir, 'weights.h5'));
  expect(artifacts.weightSpecs?.map(({ name }) => name).slice(-2)).toEqual(['dense/kernel', 'dense/bias']);
  expect(new Float32Array(artifacts.weightData as ArrayBuffer).subarray(-5)).toEqual(
    only.layers.dense[1].values,
  );
  await writeKeras(join(dir, 'earlier.h5'), { ...convolutional, version: '1.2.2' });
  const lines: string[] = [];
  await readArtifacts(join(dir, 'earlier.h5'), { log: (line) => lines.push(line) });
  expect(lines.join()).toContain('only the weights are read, for it was written by Keras 1.2.2');
});

test('what is wrong is said', async () => {
  const dir = folder();
  writeFileSync(join(dir, 'no.h5'), 'no');
  await expect(readArtifacts(join(dir, 'no.h5'))).rejects.toThrow('is no HDF5 file');
  const [one] = weights({ 'dense/kernel:0': [2, 2] });
  await writeKeras(join(dir, 'twice.h5'), { version: '2.15.0', layers: { dense: [one], dense_1: [one] } });
  await expect(readArtifacts(join(dir, 'twice.h5'))).rejects.toThrow('two weights named dense/kernel');
  await writeKeras(join(dir, 'none.h5'), { version: '2.15.0', layers: { flatten: [] } });
  await expect(readArtifacts(join(dir, 'none.h5'))).rejects.toThrow('holds no weights');
});

test('without h5wasm it says what to install', async () => {
  const file = join(folder(), 'model.h5');
  await writeKeras(file, convolutional);
  // The package is not there for a worker that is started so.
  const hide = `export const resolve = (name, context, next) => {
    if (name === "h5wasm") throw Object.assign(new Error(), { code: "ERR_MODULE_NOT_FOUND" });
    return next(name, context);
  };`;
  const loader = `import { register } from "node:module"; register("data:text/javascript,${encodeURIComponent(hide)}");`;
  const execArgv = ['--import', `data:text/javascript,${encodeURIComponent(loader)}`];
  vi.doMock('node:worker_threads', async (original) => {
    const { Worker, ...rest } = await original<typeof import('node:worker_threads')>();
    class Without extends Worker {
      constructor(url: URL, options: object) {
        super(url, { ...options, execArgv });
      }
    }
    return { ...rest, Worker: Without };
  });
  vi.resetModules();
  try {
    const fresh = await import('../src/index.js');
    await expect(fresh.readArtifacts(file)).rejects.toThrow(
      /takes the package h5wasm.*\n.*npm install h5wasm/,
    );
  } finally {
    vi.doUnmock('node:worker_threads');
  }
});
