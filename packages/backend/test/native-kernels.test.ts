import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startBackend, statelessNormal, statelessUniform } from '../src/index.js';
import { hasNative } from './native.js';
import { random } from './random.js';

type Shape4D = [number, number, number, number];

/** A kernel as TF.js ships it, kept before ours take its place. */
const stock = new Map<string, tf.KernelFunc>();

function expectClose(got: tf.Tensor, expected: tf.Tensor, tolerance = 1e-5): void {
  expect(got.shape).toEqual(expected.shape);
  const [a, b] = [got.dataSync(), expected.dataSync()];
  let worst = 0;
  for (let i = 0; i < a.length; i++)
    worst = Math.max(worst, Math.abs(a[i] - b[i]) / Math.max(1, Math.abs(b[i])));
  expect(worst).toBeLessThan(tolerance);
}

describe.runIf(hasNative)('native training kernels equal the stock ones', () => {
  beforeAll(async () => {
    const { createRequire } = await import('node:module');
    process.env.TF_CPP_MIN_LOG_LEVEL = '2';
    createRequire(import.meta.url)('@tensorflow/tfjs-node');
    for (const name of ['BatchMatMul', 'Sum', 'MaxPool', 'MaxPoolGrad']) {
      stock.set(name, tf.getKernel(name, 'tensorflow').kernelFunc);
    }
    await startBackend({ prefer: 'native' });
  });

  function both(kernel: string, inputs: Record<string, tf.Tensor>, attrs: object, tolerance?: number): void {
    const before = tf.memory().numTensors;
    const ours = tf.engine().runKernel(kernel, inputs, attrs as tf.NamedAttrMap) as tf.Tensor;
    expect(tf.memory().numTensors).toBe(before + 1);
    const call = { inputs, attrs, backend: tf.backend() } as unknown as Parameters<tf.KernelFunc>[0];
    const theirs = stock.get(kernel)!(call) as tf.Tensor;
    expectClose(ours, theirs, tolerance);
    tf.dispose([ours, theirs]);
  }

  it('are really others', () => {
    for (const [name, func] of stock) expect(tf.getKernel(name, 'tensorflow').kernelFunc).not.toBe(func);
  });

  it('BatchMatMul', () => {
    for (const batch of [[], [1], [1, 1], [3]]) {
      for (const transposeA of [false, true]) {
        for (const transposeB of [false, true]) {
          const a = tf.randomNormal([...batch, ...(transposeA ? [5, 7] : [7, 5])]);
          const b = tf.randomNormal([...batch, ...(transposeB ? [4, 5] : [5, 4])]);
          both('BatchMatMul', { a, b }, { transposeA, transposeB });
          tf.dispose([a, b]);
        }
      }
    }
  });

  it('Sum over rows, over other axes, and of integers', () => {
    const x = tf.randomNormal([17, 5]);
    for (const axis of [[0], [1], [0, 1]]) both('Sum', { x }, { axis, keepDims: false });
    both('Sum', { x }, { axis: [0], keepDims: true });
    const whole = tf.tensor2d([1, 2, 3, 4], [2, 2], 'int32');
    both('Sum', { x: whole }, { axis: [0], keepDims: false });
    tf.dispose([x, whole]);
  });

  it('MaxPool and MaxPoolGrad, the first of equal maxima getting the gradient', () => {
    const { int, pick } = random(7);
    for (let i = 0; i < 40; i++) {
      const filterSize: [number, number] = [int(1, 3), int(1, 3)];
      const strides: [number, number] = [int(1, 3), int(1, 3)];
      const attrs = { filterSize, strides, pad: pick(['valid', 'same'] as const) };
      const shape: Shape4D = [int(1, 3), int(3, 9), int(3, 9), int(1, 20)];
      const input = tf.round(tf.randomUniform(shape, -1, 2, 'float32', i + 1));
      both('MaxPool', { x: input }, attrs);
      const output = tf.maxPool(input as tf.Tensor4D, filterSize, strides, attrs.pad);
      const dy = tf.randomNormal(output.shape);
      both('MaxPoolGrad', { dy, input, output }, attrs);
      tf.dispose([input, output, dy]);
    }
  });

  it('SoftmaxCrossEntropyWithLogits and its gradient', () => {
    const logits = tf.tensor2d([2, -1, 0, 100, -100, 3], [2, 3]);
    const labels = tf.tensor2d([1, 0, 0, 0, 0.25, 0.75], [2, 3]);
    const out = tf.engine().runKernel('SoftmaxCrossEntropyWithLogits', { logits, labels });
    const [loss, gradient] = out as tf.Tensor[];
    const logSumExp = Math.log(Math.exp(2) + Math.exp(-1) + 1);
    expect(loss.shape).toEqual([2]);
    expect(loss.dataSync()[0]).toBeCloseTo(logSumExp - 2, 5);
    expect(loss.dataSync()[1]).toBeCloseTo(0.25 * 200 + 0.75 * 97, 3);
    const expected = tf.sub(tf.softmax(logits), labels);
    expectClose(gradient, expected);
    tf.dispose([logits, labels, loss, gradient, expected]);
  });
});

describe.runIf(hasNative)('activation gradients', () => {
  const derivatives = {
    relu: [tf.relu, (x: number) => (x > 0 ? 1 : 0)],
    relu6: [tf.relu6, (x: number) => (x > 0 && x < 6 ? 1 : 0)],
    sigmoid: [tf.sigmoid, (x: number) => 1 / (1 + Math.exp(-x)) / (1 + Math.exp(x))],
    tanh: [tf.tanh, (x: number) => 1 - Math.tanh(x) ** 2],
  } as const;
  const values = [-7, -1.5, -0.25, 0, 0.25, 1.5, 5.5, 7];

  it.each(Object.entries(derivatives))(
    'of %s are right on native, cpu and wasm',
    async (_name, [f, derivative]) => {
      for (const prefer of ['native', 'cpu', 'wasm'] as const) {
        await startBackend({ prefer });
        const before = tf.memory().numTensors;
        const [x, dy] = [tf.tensor1d(values), tf.tensor1d(values.map((_, i) => i + 1))];
        const gradient = tf.grad(f as (x: tf.Tensor) => tf.Tensor)(x, dy);
        const expected = values.map((v, i) => (i + 1) * derivative(v));
        const got = [...gradient.dataSync()];
        for (const [i, value] of got.entries()) expect(value).toBeCloseTo(expected[i], 5);
        tf.dispose([x, dy, gradient]);
        expect(tf.memory().numTensors).toBe(before);
      }
    },
  );
});

describe('seeded random numbers', () => {
  const backends = hasNative ? (['native', 'cpu', 'wasm'] as const) : (['cpu', 'wasm'] as const);
  it.each(backends)('on %s depend on the seed alone and have the right moments', async (prefer) => {
    await startBackend({ prefer });
    const before = tf.memory().numTensors;
    for (const [make, mean, variance] of [
      [statelessNormal, 0, 1],
      [statelessUniform, 0.5, 1 / 12],
    ] as const) {
      const [a, b, c] = [make([100, 100], [1, 2]), make([100, 100], [1, 2]), make([100, 100], [1, 3])];
      const values = a.dataSync() as Float32Array;
      expect(a.shape).toEqual([100, 100]);
      expect(b.dataSync()).toEqual(values);
      expect(c.dataSync()).not.toEqual(values);
      const average = values.reduce((sum, v) => sum + v, 0) / values.length;
      const spread = values.reduce((sum, v) => sum + (v - average) ** 2, 0) / values.length;
      expect(Math.abs(average - mean)).toBeLessThan(0.04);
      expect(Math.abs(spread / variance - 1)).toBeLessThan(0.05);
      tf.dispose([a, b, c]);
    }
    expect(tf.memory().numTensors).toBe(before);
    expect(() => statelessNormal([2], [0.5, 1])).toThrow(/two whole numbers/);
  });
});
