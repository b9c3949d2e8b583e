import '@tensorflow/tfjs-backend-cpu';
import { decode, encode, inspect } from '@espalier/codec';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compress } from '../src/index.js';
import { Predictor, toPredicted } from '../src/plan/predictor.js';
import { roundPlain } from '../src/round/snap.js';
import { columnMajor, depthwise, rowMajor } from '../src/trace/layout.js';
import { artifactsOf, noise } from './models.js';

/** Windowed sinusoids, `[times, waves]`; the order of the times can be another one. */
function waves(times: number, count: number, place: (t: number) => number = (t) => t): Float32Array {
  const values = new Float32Array(times * count);
  for (let t = 0; t < times; t++) {
    const seconds = t / times;
    for (let w = 0; w < count; w++) {
      values[place(t) * count + w] =
        Math.sin(Math.PI * seconds) ** 2 * Math.cos((6 + 2 * w) * 2 * Math.PI * (seconds - 0.5));
    }
  }
  return values;
}

describe('a predictor', () => {
  test('rounds to half a step at most, onto a grid that the codec stores without loss', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 4, max: 11 }),
        fc.integer({ min: 1, max: 6 }),
        (order, bits, count) => {
          const values = waves(64, count);
          const predictor = Predictor.find(values, [64, count]) as Predictor;
          predictor.order = order;
          const step = 2 ** -bits;
          const steps = new Float64Array(values.length).fill(step);
          const prediction = predictor.fit(steps);
          const rounded = roundPlain(values, toPredicted(steps, prediction));
          for (let i = 0; i < values.length; i++) {
            expect(Math.abs(rounded[i] - values[i])).toBeLessThanOrEqual(step / 2 + 1e-6);
          }
          const grid = { step, exponents: [undefined, undefined], prediction };
          const weightSpecs = [{ name: 'w', shape: [64, count], dtype: 'float32' as const }];
          const file = encode({ weightSpecs, weightData: rounded.slice().buffer }, { grids: { w: grid } });
          expect(new Float32Array(decode(file).weightData)).toEqual(rounded);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('finds the axis along which a tensor is smooth, and none in noise', () => {
    expect(Predictor.find(waves(64, 20), [64, 20])?.distance).toBe(20);
    expect(Predictor.find(waves(64, 20), [1, 64, 1, 20])?.distance).toBe(20);
    const across = new Float32Array(20 * 64).map((_, i) => Math.cos((i % 64) / 5 + ((i >> 6) * 7) ** 2));
    expect(Predictor.find(across, [20, 64])?.distance).toBe(1);
    const random = noise([64, 20], 3);
    expect(Predictor.find(random.dataSync() as Float32Array, [64, 20])).toBeUndefined();
    // That elements are all about the same is not what prediction is for.
    const flat = Float32Array.from(random.dataSync(), (v) => 5 + v / 10);
    expect(Predictor.find(flat, [64, 20])).toBeUndefined();
    // A lane of zeros, of which nothing follows, beside one that is smooth.
    const half = waves(64, 2).map((v, i) => (i % 2 ? 0 : v));
    const found = Predictor.find(half, [64, 2]);
    expect(found?.distance).toBe(2);
    const coefficients = Array.from((found as Predictor).fit(new Float64Array(128).fill(0.01)).coefficients);
    expect(coefficients.every(Number.isFinite)).toBe(true);
    expect(coefficients.slice(2)).toEqual([0, 0]);
    random.dispose();
    expect(Predictor.find(new Float32Array(640), [32, 20])).toBeUndefined();
    // About the same everywhere is not smooth.
    const scales = noise([300], 4, 0.1);
    const around = (scales.dataSync() as Float32Array).map((v) => v + 1);
    expect(Predictor.find(around, [300])).toBeUndefined();
    scales.dispose();
    // Too short to be worth it.
    expect(Predictor.find(waves(12, 4), [12, 4])).toBeUndefined();
  });

  test('is none where elements are not rounded one after the other along the axis', () => {
    const values = waves(64, 16);
    expect(Predictor.find(values, [64, 16], rowMajor(64, 16))?.distance).toBe(16);
    const reversed = { ...rowMajor(64, 16), rows: rowMajor(64, 16).rows.slice().reverse() };
    expect(Predictor.find(values, [64, 16], reversed)).toBeUndefined();
    // Along the rows' axis, a matrix that lies column by column wraps around to what comes later.
    const across = new Float32Array(20 * 64).map((_, i) => Math.cos((i % 64) / 5 + ((i >> 6) * 7) ** 2));
    expect(Predictor.find(across, [20, 64], columnMajor(64, 20))).toBeUndefined();
    expect(Predictor.find(values, [8, 8, 16, 1], depthwise(64, 16, 1))).toBeUndefined();
    expect(Predictor.find(values, [64, 1, 16, 1], depthwise(64, 16, 1))?.distance).toBe(16);
  });

  test('leaves little of windowed sinusoids', () => {
    const values = waves(256, 4);
    const predictor = Predictor.find(values, [256, 4]) as Predictor;
    const steps = new Float64Array(values.length).fill(2 ** -13);
    const levels = (order: number): number => {
      predictor.order = order;
      const prediction = predictor.fit(steps);
      let sum = 0;
      const rounded = roundPlain(values, toPredicted(steps, prediction));
      for (let i = 0; i < values.length; i++) {
        let expected = 0;
        for (let k = order; k > 0; k--) {
          if (i < k * 4) continue;
          expected += (prediction.coefficients[(i % 4) * order + k - 1] as number) * rounded[i - k * 4];
        }
        sum += ((rounded[i] - expected) * 2 ** 13) ** 2;
      }
      return Math.sqrt(sum / values.length);
    };
    // A windowed sinusoid is three sinusoids, which six terms tell but for what was rounded, coefficients too.
    expect(levels(6)).toBeLessThan(0.5 * levels(2));
    expect(levels(6)).toBeLessThan(20);
    const root = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0) / values.length);
    expect(levels(6)).toBeLessThan((0.01 * root) / steps[0]);
  });
});

test('a model with windowed sinusoids for a kernel takes far fewer bytes than with its inputs in another order', async () => {
  const [times, count] = [256, 16];
  const model = tfl.sequential({
    layers: [
      tfl.layers.dense({ units: count, inputShape: [times], useBias: false, name: 'waves' }),
      tfl.layers.dense({ units: 3, activation: 'tanh', name: 'out' }),
    ],
  });
  const compressed = async (place: (t: number) => number): Promise<Awaited<ReturnType<typeof compress>>> => {
    tf.tidy(() => {
      const weights = [tf.tensor(waves(times, count, place), [times, count]), noise([count, 3], 5, 0.2)];
      model.setWeights([...weights, noise([3], 6, 0.1)]);
    });
    const inputs = noise([32, times], 7);
    try {
      return await compress(await artifactsOf(model), { quality: 50, calibration: [inputs] });
    } finally {
      inputs.dispose();
    }
  };
  const smooth = await compressed((t) => t);
  const shuffled = await compressed((t) => (t * 101) % times);
  expect(smooth.met && shuffled.met).toBe(true);
  const methods = [smooth, shuffled].map(
    ({ tensors }) => tensors.find(({ name }) => name === 'waves/kernel')?.method,
  );
  expect(methods[0]).toBe('predicted');
  expect(methods[1]).not.toBe('predicted');
  const [a, b] = [smooth, shuffled].map(({ file }) => inspect(file));
  expect(a.fileBytes - a.textBytes).toBeLessThan(0.6 * (b.fileBytes - b.textBytes));
  expect(a.tensors.find(({ name }) => name === 'waves/kernel')?.predicted?.distance).toBe(count);
  model.dispose();
}, 240_000);
