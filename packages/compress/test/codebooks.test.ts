import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { type Gram, Moments } from '../src/calibrate/moments.js';
import { codedBytes } from '../src/choose/coded-bytes.js';
import { chooseMethods } from '../src/choose/methods.js';
import { type Method, quantize, type Rounded } from '../src/choose/quantize.js';
import { compress } from '../src/compress.js';
import { readWeights } from '../src/model/weights.js';
import { Codebooks } from '../src/plan/codebooks.js';
import { planLinear, planPlain } from '../src/plan/tensor-plan.js';
import { toCodebook } from '../src/round/snap.js';
import { rowMajor } from '../src/trace/layout.js';
import { artifactsOf, fill, noise } from './models.js';

/** Values at a few places that no grid fits, and how far from them. */
function clustered(count: number, spread: number): Float32Array {
  const places = [-1.31, -0.52, -0.17, 0, 0.0713, 0.2239, 0.61, 1.77];
  const chosen = noise([count], 1).dataSync();
  const off = noise([count], 2, spread).dataSync();
  return Float32Array.from(chosen, (v, i) => places[Math.floor(Math.abs(v) * 50) % 8] + off[i]);
}

const weightOf = (values: Float32Array): Parameters<typeof planPlain>[0] => ({
  name: 'w',
  shape: [64, values.length / 64],
  dtype: 'float32',
  values,
  scale: undefined,
  spec: { name: 'w', shape: [64, values.length / 64], dtype: 'float32' },
  bytes: new Uint8Array(values.buffer),
});

describe('codebooks', () => {
  test('are the smallest whose error, each weight with its importance, is within the bound', () => {
    const values = clustered(4096, 0.001);
    const importance = Float64Array.from(values, (_, i) => (i % 64 === 0 ? 50 : 1) * 1e-7);
    const codebooks = new Codebooks(values, importance);
    const error = (book: Float32Array): number => {
      const snap = toCodebook(book);
      return values.reduce((sum, v, i) => sum + importance[i] * (v - snap(v, i)) ** 2, 0);
    };
    const book = codebooks.within(4096 * 1.8e-7 * 2e-6) as Float32Array;
    expect(book.length).toBe(8);
    expect(error(book)).toBeLessThan(4096 * 1.8e-7 * 2e-6);
    const coarse = codebooks.within(4096 * 1.8e-7 * 0.1) as Float32Array;
    expect(coarse.length).toBeLessThan(8);
    expect(codebooks.within(0)).toBeUndefined();
  });

  test('from the smallest that is good enough, and what a rounding errs by importance', () => {
    const values = Float32Array.of(-3, -1, 1, 3, -3, -1, 1, 3);
    const importance = Float64Array.of(1, 1, 1, 1, 3, 3, 3, 3);
    const codebooks = new Codebooks(values, importance);
    // Two entries, -2 and 2, are 1 off everywhere; three leave one pair apart; four are all there are.
    expect([...codebooks.from(16)].map((book) => book.length).slice(0, 3)).toEqual([2, 3, 4]);
    expect([...(codebooks.within(15.9) ?? [])].length).toBe(3);
    expect([...(codebooks.within(7.9) ?? [])]).toEqual([-3, -1, 1, 3]);
    expect([...(codebooks.within(1e9) ?? [])]).toEqual([-2, 2]);
    const other = Float32Array.of(-3, -1, 1, 3, -2, -1, 1, 5);
    expect(codebooks.errorOf(values, other)).toBeCloseTo(3 * (1 + 4), 5);
    expect(new Codebooks(values, new Float64Array(8)).errorOf(values, other)).toBe(0);
  });

  test('a sample is of every so-manieth weight, with its importance', () => {
    const values = Float32Array.from({ length: 10 }, (_, i) => i);
    const importance = Float64Array.from({ length: 10 }, (_, i) => 1e-9 * (i + 1));
    const { codebooks, values: some, part } = new Codebooks(values, importance).sample(4);
    expect([...some]).toEqual([0, 3, 6, 9]);
    expect(part).toBe(0.4);
    expect(codebooks.errorOf(some, Float32Array.of(1, 3, 6, 11)) / 1e-9).toBeCloseTo(1 * 1 + 10 * 4, 4);
    const all = new Codebooks(values, importance).sample(10);
    expect([all.values.length, all.part]).toEqual([10, 1]);
  });

  test('win where weights keep to few places that no grid fits, and nowhere else', () => {
    const sensitivity = new Float64Array(8192).fill(1);
    const few = planPlain(weightOf(clustered(8192, 0.002)), clustered(8192, 0.002), sensitivity);
    const normal = Float32Array.from(noise([8192], 5).dataSync());
    const many = planPlain(weightOf(normal), normal, sensitivity);
    const fineness = 0.02;
    expect(chooseMethods([few], fineness)).toEqual(new Map([['w', 'codebook']]));
    expect(chooseMethods([many], fineness)).toEqual(new Map());
    const steps = quantize([few], fineness, new Map()).get('w');
    const book = quantize([few], fineness, new Map([['w', 'codebook']])).get('w');
    if (!steps || !book) throw new Error('nothing was quantised');
    expect(codedBytes(few, book)).toBeLessThan(0.85 * codedBytes(few, steps));
    const errorOf = (values: Float32Array): number =>
      values.reduce((sum, v, i) => sum + (v - few.values[i]) ** 2, 0);
    expect(book.error / errorOf(book.values)).toBeCloseTo(1, 4);
    expect(book.error).toBeLessThanOrEqual(steps.error);
  });

  test('err no more than steps do, where these are larger than the weights and where rows make up for each other', () => {
    const values = Float32Array.from(noise([64 * 24], 5, 0.1).dataSync());
    const features = noise([1, 400, 64], 6);
    const moments = new Moments();
    moments.add(tf.tidy(() => tf.add(features, noise([1, 400, 1], 7, 3)) as tf.Tensor3D));
    const gram = moments.finish() as Gram;
    const weight = { ...weightOf(values), shape: [64, 24] };
    const sensitivity = new Float64Array(values.length).fill(1);
    const plan = planLinear(weight, values, sensitivity, rowMajor(64, 24), gram, undefined);
    for (const fineness of [0.01, 0.1, 0.5, 2]) {
      const on = (method: Method): Rounded =>
        quantize([plan], fineness, new Map([['w', method]])).get('w') as Rounded;
      const [steps, book] = [on('compensated'), on('codebook')];
      expect(book.error).toBeLessThanOrEqual(steps.error);
      if (fineness > 0.1) expect(steps.error).toBeLessThan((values.length * fineness ** 2) / 12 / 2);
    }
    features.dispose();
  });

  test('are found in a model whose weights were shared in training, and kept exactly', async () => {
    const model = fill(
      tfl.sequential({
        layers: [
          tfl.layers.dense({ units: 64, inputShape: [64], activation: 'relu', name: 'a' }),
          tfl.layers.dense({ units: 10, name: 'b' }),
        ],
      }),
      3,
    );
    const shared = tf.tensor(clustered(4096, 0), [64, 64]);
    model.layers[0].setWeights([shared, tf.zeros([64])]);
    const artifacts = await artifactsOf(model);
    const inputs = noise([64, 64], 9);
    const { tensors, artifacts: back } = await compress(artifacts, { quality: 50, calibration: [inputs] });
    expect(tensors.find(({ name }) => name === 'a/kernel')?.method).toBe('codebook');
    const kernel = readWeights(back).find(({ name }) => name === 'a/kernel');
    expect(kernel?.values).toEqual(shared.dataSync());
    tf.dispose([inputs, shared]);
    model.dispose();
  });
});
