import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { startBackend } from '../src/index.js';
import { hasNative } from './native.js';
import { on } from './on-backend.js';

const values = (count: number, seed: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => 2 * Math.sin((i + 1) * 12.9898 * seed) + 0.5);

const forget = (layer: tfl.layers.Layer): void => {
  for (const weight of layer.weights) weight.dispose();
};

function expectAlike(got: Float32Array[], expected: Float32Array[], tolerance = 2e-5): void {
  expect(got.length).toBe(expected.length);
  for (const [i, list] of got.entries()) {
    expect(list.length).toBe(expected[i].length);
    for (const [k, value] of list.entries()) {
      expect(Math.abs(value - expected[i][k])).toBeLessThan(
        tolerance * Math.max(1, Math.abs(expected[i][k])),
      );
    }
  }
}

describe.runIf(hasNative)('batch normalisation on the native backend', () => {
  beforeAll(async () => {
    await startBackend({ prefer: 'native' });
  });

  /** A layer's outputs, gradients and averages after a pass over x, all by the backend. */
  function pass(shape: number[], config: object, training = true): () => tf.Tensor[] {
    return () => {
      const layer = tfl.layers.batchNormalization({ name: 'norm', epsilon: 0.01, momentum: 0.75, ...config });
      layer.build(shape);
      const channels = layer.getWeights()[0].size;
      layer.setWeights([2, 3, 4, 5].map((seed) => tf.abs(tf.tensor1d(values(channels, seed)))));
      const [x, slopes] = [6, 7].map((seed) => tf.tensor(values(tf.util.sizeFromShape(shape), seed), shape));
      const weights = layer.trainableWeights.map((w) => w.read() as tf.Variable);
      const f = (of: tf.Tensor): tf.Scalar =>
        tf.sum(tf.mul(layer.apply(of, { training }) as tf.Tensor, slopes)) as tf.Scalar;
      const y = layer.apply(x, { training }) as tf.Tensor;
      const averages = layer.getWeights().slice(2).map(tf.clone);
      const dx = tf.grad(f)(x);
      const { grads } = tf.variableGrads(() => f(x), weights);
      const results = [y, ...averages, dx, ...weights.map(({ name }) => grads[name])].map(tf.clone);
      forget(layer);
      return results;
    };
  }

  it.each([
    ['images', [3, 4, 5, 6], {}],
    ['one channel', [3, 4, 5, 1], {}],
    ['rows', [9, 7], {}],
    ['sequences', [2, 9, 3], {}],
    ['one row', [1, 5], {}],
    ['the last axis by its number', [2, 3, 3, 4], { axis: 3 }],
  ])('trains %s as TF.js does', (_name, shape, config) => {
    const before = tf.memory().numTensors;
    const spy = vi.spyOn(tf.engine(), 'runKernel');
    const got = on('tensorflow', pass(shape, config));
    const ran = new Set(spy.mock.calls.map(([kernel]) => kernel));
    spy.mockRestore();
    expect([...ran]).toEqual(expect.arrayContaining(['FusedBatchNormV3', 'FusedBatchNormGradV3']));
    expectAlike(got, on('cpu', pass(shape, config)), shape[0] === 1 ? 1e-3 : 2e-5);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('leaves another axis to TF.js, which normalises along it', () => {
    const spy = vi.spyOn(tf.engine(), 'runKernel');
    const [moments] = on('tensorflow', () => {
      const layer = tfl.layers.batchNormalization({ name: 'norm', axis: 1, epsilon: 1e-5 });
      const y = layer.apply(tf.tensor4d(values(120, 6), [2, 3, 4, 5]), { training: true }) as tf.Tensor;
      forget(layer);
      const { mean, variance } = tf.moments(y, [0, 2, 3]);
      return [tf.concat([mean, variance])];
    });
    expect(spy.mock.calls.map(([kernel]) => kernel)).not.toContain('FusedBatchNormV3');
    spy.mockRestore();
    expectAlike([moments], [Float32Array.of(0, 0, 0, 1, 1, 1)], 1e-4);
  });

  it('normalises by what it has learned where it does not train, and has that gradient', () => {
    for (const shape of [
      [3, 4, 5, 6],
      [9, 7],
    ])
      expectAlike(on('tensorflow', pass(shape, {}, false)), on('cpu', pass(shape, {}, false)));
  });

  it('has the gradients of moments that are given', () => {
    const all = (): tf.Tensor[] => {
      const x = tf.tensor4d(values(60, 3), [2, 3, 2, 5]);
      const [mean, variance, offset, scale] = [4, 5, 6, 7].map((seed) => tf.tensor1d(values(5, seed)));
      const slopes = tf.tensor4d(values(60, 8), [2, 3, 2, 5]);
      const f = (...[a, b, c, d, e]: tf.Tensor[]): tf.Tensor =>
        tf.batchNorm(
          a as tf.Tensor4D,
          b as tf.Tensor1D,
          tf.abs(c) as tf.Tensor1D,
          d as tf.Tensor1D,
          e as tf.Tensor1D,
          0.1,
        );
      return tf.grads(f)([x, mean, variance, offset, scale], slopes);
    };
    expectAlike(on('tensorflow', all), on('cpu', all));
  });

  it('has a second gradient, which is TF.js’s', () => {
    const second = (): tf.Tensor[] => {
      const layer = tfl.layers.batchNormalization({ name: 'norm', epsilon: 0.1 });
      layer.build([6, 2]);
      const f = (x: tf.Tensor): tf.Tensor =>
        tf.sum(tf.square(layer.apply(tf.mul(x, x), { training: true }) as tf.Tensor));
      const x = tf.tensor2d(values(12, 9), [6, 2]);
      const result = tf.grad((of: tf.Tensor) => tf.sum(tf.square(tf.grad(f)(of))))(x);
      forget(layer);
      return [result];
    };
    expectAlike(on('tensorflow', second), on('cpu', second), 1e-3);
  });
});
