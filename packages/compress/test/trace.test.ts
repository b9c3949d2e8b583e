import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { gather } from '../src/calibrate/gather-moments.js';
import { load } from '../src/model/load.js';
import { readWeights, withValues } from '../src/model/weights.js';
import { type Stage, Work } from '../src/time-budget.js';
import { foldNormalizations } from '../src/trace/fold-batch-norm.js';
import { rowMajor } from '../src/trace/layout.js';
import { sampled } from '../src/trace/linear-call.js';
import { trace } from '../src/trace/trace.js';
import { GraphBuilder } from './graphs.js';
import { artifactsOf, noise, pictureNet } from './models.js';
import { errorOf } from './moments.js';

describe('sampled', () => {
  test('takes about as many rows as asked for, and meets all columns of pictures alike', () => {
    const [batch, height, width] = [4, 24, 48];
    const column = tf.range(0, width);
    const pictures = tf.reshape(tf.tile(column, [batch * height]), [-1, 1]) as tf.Tensor2D;
    for (const most of [400, 350, 200, 97]) {
      const seen = [...sampled(pictures, most).dataSync()];
      expect(seen.length).toBeLessThanOrEqual(most);
      expect(seen.length).toBeGreaterThan(0.6 * most);
      const counts = Array.from({ length: width }, (_, x) => seen.filter((y) => y === x).length);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }
    expect(sampled(pictures, 1e6)).toBe(pictures);
  });
});

describe('trace', () => {
  test('finds linear operations, biases and normalisations; folding keeps the function', async () => {
    const artifacts = await artifactsOf(pictureNet());
    const weights = readWeights(artifacts);
    const model = await load(artifacts);
    const input = noise([3, 12, 12, 3], 1);
    const found = await trace(model, [input], new Map());
    expect([...found.linear.keys()]).toEqual(['c1/kernel', 'd2/depthwise_kernel', 'c3/kernel', 'out/kernel']);
    expect([...found.biases]).toEqual([
      ['c3/kernel', 'c3/bias'],
      ['out/kernel', 'out/bias'],
    ]);
    expect(found.normalizations.map(({ after }) => after)).toEqual([
      'c1/kernel',
      'd2/depthwise_kernel',
      undefined,
    ]);
    const values = new Map(weights.map(({ name, values }) => [name, values as Float32Array]));
    const biases = foldNormalizations(found, values);
    expect(biases.get('d2/depthwise_kernel')).toBe('n2/beta');
    for (const name of ['n1/gamma', 'n1/moving_mean', 'n1/moving_variance', 'n3/moving_mean']) {
      expect(new Set(values.get(name)).size).toBe(1);
    }
    const folded = await load(withValues(artifacts, weights, values));
    const [before] = await model.run([input]);
    const [after] = await folded.run([input]);
    expect(tf.max(tf.abs(tf.sub(before, after))).dataSync()[0]).toBeLessThan(1e-5);
    tf.dispose([before, after, input]);
    model.dispose();
    folded.dispose();
  });

  test('a bias that is an output by itself is no bias; a weight that is one makes up for nothing', async () => {
    const found = async (...outputs: string[]) => {
      const g = new GraphBuilder();
      g.dense('d', g.input('x', [-1, 8]), 8, 4, 1);
      for (const name of outputs) g.output(name);
      const model = await load(g.artifacts());
      const x = noise([2, 8], 1);
      const { linear, biases } = await trace(model, [x], new Map());
      x.dispose();
      model.dispose();
      return [[...linear.keys()], [...biases]];
    };
    expect(await found('d/y')).toEqual([['d/w'], [['d/w', 'd/b']]]);
    expect(await found('d/y', 'd/b')).toEqual([['d/w'], []]);
    expect((await found('d/y', 'd/w'))[0]).toEqual([]);
  });

  test('moments are of 16,384 positions at most, from all batches alike', async () => {
    const g = new GraphBuilder();
    g.dense('d', g.input('x', [-1, 2]), 2, 1, 1);
    g.output('d/y');
    const model = await load(g.artifacts());
    const layout = new Map([['d/w', rowMajor(2, 1)]]);
    const stage = (): Stage => new Work(Number.POSITIVE_INFINITY).stage(1);
    const batch = (value: number): tf.Tensor => tf.fill([20_000, 2], value);
    const batches = [[batch(1)], [batch(3)]];
    const positions = async (some: typeof batches): Promise<[number, number]> => {
      const gram = (await gather(model, some, layout, new Map(), stage())).get('d/w')?.finish();
      return [gram?.positions ?? 0, gram?.moments[0] ?? 0];
    };
    const [one] = await positions(batches.slice(0, 1));
    const [two, meanSquare] = await positions(batches);
    for (const count of [one, two]) {
      expect(count).toBeLessThanOrEqual(2 ** 14);
      expect(count).toBeGreaterThan(0.4 * 2 ** 14);
    }
    // Half of 1^2, half of 3^2.
    expect(meanSquare).toBeCloseTo(5, 5);
    tf.dispose(batches.flat());
    model.dispose();
  });

  test("features' moments say what outputs do: w' H w is the mean square of the sums", async () => {
    const model = await load(await artifactsOf(pictureNet()));
    const input = noise([4, 12, 12, 3], 3);
    const { linear } = await trace(model, [input], new Map());
    const grams = await gather(
      model,
      [[input]],
      linear,
      new Map(),
      new Work(Number.POSITIVE_INFINITY).stage(1),
    );
    const kernel = model.weights.get('c1/kernel') as tf.Tensor4D;
    const squares = tf.tidy(() =>
      tf.mean(tf.square(tf.conv2d(input as tf.Tensor4D, kernel, 1, 'same')), [0, 1, 2]).dataSync(),
    );
    const { size, moments } = grams.get('c1/kernel')?.finish() ?? { size: 0, moments: new Float64Array() };
    const values = kernel.dataSync();
    for (let c = 0; c < 8; c++) {
      expect(errorOf(moments, size, (i) => (i < 27 ? values[i * 8 + c] : 0))).toBeCloseTo(squares[c], 4);
    }
    const taps = model.weights.get('d2/depthwise_kernel')?.dataSync() ?? [];
    const own = grams.get('d2/depthwise_kernel')?.finish() ?? { size: 0, moments: new Float64Array() };
    expect(own.size).toBe(10);
    expect(own.moments.length).toBe(8 * 100);
    expect(taps.length).toBe(72);
    model.dispose();
    input.dispose();
  });
});
