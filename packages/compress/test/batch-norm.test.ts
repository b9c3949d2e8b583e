import '@tensorflow/tfjs-backend-cpu';
import type { ModelArtifacts } from '@espalier/codec';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, expect, test } from 'vitest';
import { compress, load, readWeights, withValues } from '../src/index.js';
import { foldNormalizations } from '../src/trace/fold-batch-norm.js';
import { trace } from '../src/trace/trace.js';
import { GraphBuilder, wave } from './graphs.js';
import { artifactsOf, fill, noise } from './models.js';

beforeAll(() => tf.ready());

const base64 = (text: string): { s: string } => ({ s: Buffer.from(text).toString('base64') });
const conv = {
  strides: { list: { i: ['1', '1', '1', '1'] } },
  dilations: { list: { i: ['1', '1', '1', '1'] } },
  padding: base64('SAME'),
  dataFormat: base64('NHWC'),
};

/** A convolution and its normalisation, and what else reads the vectors. */
function normalised(more: (g: GraphBuilder, y: string) => string): ModelArtifacts {
  const g = new GraphBuilder();
  const x = g.input('x', [-1, 6, 6, 4]);
  const sum = g.node('sum', 'Conv2D', [x, g.constant('kernel', [3, 3, 4, 8], wave(288, 3))], conv);
  const positive = (name: string, seed: number): string =>
    g.constant(
      name,
      [8],
      wave(8, seed).map((v) => Math.abs(v) + 0.3),
    );
  const vectors = [
    positive('scale', 1),
    g.constant('offset', [8], wave(8, 4)),
    g.constant('mean', [8], wave(8, 5)),
  ];
  const norm = g.node('norm', 'FusedBatchNormV3', [sum, ...vectors, positive('variance', 6)], {
    epsilon: { f: 1e-3 },
    is_training: { b: false },
    data_format: base64('NHWC'),
  });
  const y = more(g, norm);
  g.node('y', 'Relu', [y]);
  g.output('y');
  return g.artifacts();
}

/** How many normalisations are folded; the function stays what it was. */
async function folded(artifacts: ModelArtifacts, x: tf.Tensor): Promise<number> {
  const weights = readWeights(artifacts);
  const model = await load(artifacts);
  const traced = await trace(model, [x], new Map());
  const values = new Map(
    weights.flatMap(({ name, values: own }) => (own instanceof Float32Array ? [[name, own] as const] : [])),
  );
  foldNormalizations(traced, values);
  const other = await load(withValues(artifacts, weights, values));
  const [[before], [after]] = [await model.run([x]), await other.run([x])];
  const difference = tf.tidy(() => tf.max(tf.abs(tf.sub(before, after))).dataSync()[0]);
  expect(difference).toBeLessThan(2e-5);
  tf.dispose([before, after]);
  model.dispose();
  other.dispose();
  return traced.normalizations.length;
}

test.each([
  ['alone', 1, (_: GraphBuilder, y: string) => y],
  ['a product', 0, (g: GraphBuilder, y: string) => g.node('m', 'Mul', [y, 'scale'])],
  [
    'a product of a copy',
    0,
    (g: GraphBuilder, y: string) => g.node('m', 'Mul', [y, g.node('copy', 'Identity', ['mean'])]),
  ],
  [
    'what no output needs',
    0,
    (g: GraphBuilder, y: string) => {
      g.node('unread', 'Mul', ['scale', 'scale']);
      return y;
    },
  ],
])('vectors of a graph that are read by %s', async (_, count, more) => {
  const artifacts = normalised(more);
  const x = noise([2, 6, 6, 4], 5);
  const { numTensors } = tf.memory();
  expect(await folded(artifacts, x)).toBe(count);
  const { met } = await compress(artifacts, { quality: 45, effort: 1 });
  expect(met).toBe(true);
  expect(tf.memory().numTensors).toBe(numTensors);
  x.dispose();
});

test.each([1, 2, 3, -1])('a normalisation over axis %i stays the function that it is', async (axis) => {
  const { layers } = tfl;
  const model = fill(
    tfl.sequential({
      layers: [
        // As many rows and columns as channels: no size says which axis is meant.
        layers.conv2d({ filters: 6, kernelSize: 3, padding: 'same', useBias: false, inputShape: [6, 6, 2] }),
        layers.batchNormalization({ axis }),
        layers.flatten(),
        layers.dense({ units: 4 }),
      ],
    }),
    7,
  );
  const artifacts = await artifactsOf(model);
  model.dispose();
  const x = noise([3, 6, 6, 2], 8);
  const { numTensors } = tf.memory();
  expect(await folded(artifacts, x)).toBe(1);
  expect((await compress(artifacts, { quality: 40, effort: 1 })).met).toBe(true);
  expect(tf.memory().numTensors).toBe(numTensors);
  x.dispose();
});
