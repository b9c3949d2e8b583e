import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { compress, load } from '../src/index.js';
import { type Trace, trace } from '../src/trace/trace.js';
import { GraphBuilder, wave } from './graphs.js';
import { artifactsOf, fill, noise } from './models.js';

beforeAll(() => tf.ready());

async function traced(g: GraphBuilder, x: tf.Tensor): Promise<Trace> {
  const model = await load(g.artifacts());
  try {
    return await trace(model, [x], new Map());
  } finally {
    model.dispose();
  }
}

const product = (g: GraphBuilder, name: string, x: string, w: string): string =>
  g.node(name, 'MatMul', [x, w], { transpose_a: { b: false }, transpose_b: { b: false } });

describe('a bias makes up for the mean of a sum', () => {
  /** Products with kernels, their biases, and what else is made of these. */
  const net = (build: (g: GraphBuilder, x: string, bias: string) => string): GraphBuilder => {
    const g = new GraphBuilder();
    const x = g.input('x', [-1, 12]);
    g.constant('w1', [12, 8], wave(96, 1));
    g.constant('w2', [12, 8], wave(96, 2));
    build(g, x, g.constant('b', [8], wave(8, 3)));
    g.output('y');
    return g;
  };

  test.each([
    [
      'of its own',
      [['w1', 'b']],
      (g: GraphBuilder, x: string, b: string) => g.node('y', 'BiasAdd', [product(g, 'm', x, 'w1'), b]),
    ],
    [
      'of an operation that is run twice',
      [['w1', 'b']],
      (g: GraphBuilder, x: string, b: string) => {
        const once = g.node('once', 'BiasAdd', [product(g, 'm', x, 'w1'), b]);
        const double = g.node('double', 'Mul', [x, g.scalar('two', 2)]);
        const again = g.node('again', 'BiasAdd', [product(g, 'n', double, 'w1'), b]);
        return g.node('y', 'Mul', [once, again]);
      },
    ],
    [
      'not where two sums share it, whose means differ',
      [],
      (g: GraphBuilder, x: string, b: string) => {
        const one = g.node('one', 'BiasAdd', [product(g, 'm', x, 'w1'), b]);
        const two = g.node('two', 'BiasAdd', [product(g, 'n', x, 'w2'), b]);
        return g.node('y', 'Mul', [one, two]);
      },
    ],
    [
      'not where it is used elsewhere',
      [],
      (g: GraphBuilder, x: string, b: string) => {
        const sum = g.node('sum', 'BiasAdd', [product(g, 'm', x, 'w1'), b]);
        return g.node('y', 'Mul', [sum, b]);
      },
    ],
  ])('%s', async (_, biases, build) => {
    const x = noise([4, 12], 1);
    const found = await traced(net(build), x);
    x.dispose();
    expect([...found.biases]).toEqual(biases);
    expect([...found.linear.keys()].sort()).toEqual(_.includes('two') ? ['w1', 'w2'] : ['w1']);
  });

  test('that is not rounded itself, being all zeros or a few numbers, makes up for nothing, and no mean is left to it', async () => {
    // Far from 0 are the inputs' means: an error of them is most of the error.
    const x = tf.tidy(() => tf.add(noise([64, 48], 3), tf.mul(2, noise([1, 48], 4))));
    const bytes = async (zero: boolean): Promise<number> => {
      const layers = [tfl.layers.dense({ units: 32, inputShape: [48], name: 'out' })];
      const model = fill(tfl.sequential({ layers }), 5);
      if (zero) {
        const [kernel] = model.layers[0].getWeights();
        model.layers[0].setWeights([kernel as tf.Tensor, tf.zeros([32])]);
      }
      const artifacts = await artifactsOf(model);
      model.dispose();
      return (await compress(artifacts, { quality: 30, calibration: [x], effort: 1 })).file.length;
    };
    // Zeros say less than 32 numbers; means whose errors are left to nobody take 1.4 times as much.
    expect(await bytes(true)).toBeLessThan(1.2 * (await bytes(false)));
    x.dispose();
  });
});

test('a normalisation behind a convolution whose bias is computed stays the function that it is', async () => {
  const base64 = (text: string): { s: string } => ({ s: Buffer.from(text).toString('base64') });
  const ones = { list: { i: ['1', '1', '1', '1'] } };
  const g = new GraphBuilder();
  const x = g.input('x', [-1, 6, 6, 2]);
  const kernel = g.constant('kernel', [3, 3, 2, 8], wave(144, 3));
  const bias = g.node('bias', 'Mul', [g.constant('b', [8], wave(8, 1)), g.scalar('two', 2)]);
  const sum = g.node('sum', '_FusedConv2D', [x, kernel, bias], {
    strides: ones,
    dilations: ones,
    padding: base64('SAME'),
    dataFormat: base64('NHWC'),
    fused_ops: { list: { s: [base64('BiasAdd').s] } },
    num_args: { i: '1' },
  });
  const vectors = ['scale', 'offset', 'mean', 'variance'].map((name, i) =>
    g.constant(
      name,
      [8],
      wave(8, i + 4).map((v) => (i === 3 ? Math.abs(v) + 0.3 : v)),
    ),
  );
  g.node('y', 'FusedBatchNormV3', [sum, ...vectors], {
    epsilon: { f: 1e-3 },
    is_training: { b: false },
    data_format: base64('NHWC'),
  });
  g.output('y');
  const input = noise([2, 6, 6, 2], 5);
  const { normalizations } = await traced(g, input);
  expect(normalizations.map(({ after }) => after)).toEqual([undefined]);
  const { fidelity } = await compress(g.artifacts(), { quality: 60, calibration: [input], effort: 1 });
  expect(fidelity.psnr).toBeGreaterThan(60);
  input.dispose();
});
