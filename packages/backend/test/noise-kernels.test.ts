import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startBackend } from '../src/index.js';
import { hasNative } from './native.js';

function run(name: string, inputs: Record<string, tf.Tensor>): Float32Array[] {
  const before = tf.memory().numTensors;
  const found = tf.engine().runKernel(name, inputs) as unknown as tf.Tensor[];
  expect(tf.memory().numTensors).toBe(before + found.length);
  const values = found.map((x) => x.dataSync() as Float32Array);
  tf.dispose(found);
  return values;
}

function expectClose(got: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-5): void {
  expect(got.length).toBe(expected.length);
  for (let i = 0; i < got.length; i++) {
    expect(Math.abs(got[i] - expected[i])).toBeLessThan(tolerance * Math.max(1, Math.abs(expected[i])));
  }
}

const [rows, columns] = [6, 37];
const vector = (n: number, make: (i: number) => number): tf.Tensor1D =>
  tf.tensor1d(Float32Array.from({ length: n }, (_, i) => make(i)));
const matrix = (seed: number): tf.Tensor => tf.randomNormal([rows, columns], 0, 1, 'float32', seed);
const seed = (a: number, b: number): tf.Tensor => tf.tensor1d([a, b], 'int32');
const values = (x: tf.Tensor): Float32Array => x.dataSync() as Float32Array;

describe.runIf(hasNative)('ops for layers that draw their outputs', () => {
  beforeAll(async () => {
    await startBackend({ prefer: 'native' });
  });

  /** Standard normal numbers, as the outputs of inputs that are all 1 show them. */
  function normals(n: number, ...words: [number, number]): Float32Array {
    return tf.tidy(() => {
      const inputs = { x: tf.ones([1, n]), logRate: tf.zeros([n]), seed: seed(...words) };
      return (
        tf.engine().runKernel('EspalierScaleNoise', inputs) as unknown as tf.Tensor[]
      )[2].dataSync() as Float32Array;
    });
  }

  it('draw standard normal numbers: moments, tails, distribution, no correlation', () => {
    const n = 400_000;
    const drawn = normals(n, 7, -3);
    const moment = (p: number): number => drawn.reduce((sum, x) => sum + x ** p, 0) / n;
    // Standard errors: 1, √2, √15, √96 over √n.
    expect(Math.abs(moment(1))).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan((4 * Math.SQRT2) / Math.sqrt(n));
    expect(Math.abs(moment(3))).toBeLessThan((4 * Math.sqrt(15)) / Math.sqrt(n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan((4 * Math.sqrt(96)) / Math.sqrt(n));
    // Kolmogorov-Smirnov at a few quantiles of the normal distribution.
    for (const [z, p] of [
      [-3, 0.00135],
      [-2, 0.02275],
      [-1, 0.158655],
      [0, 0.5],
      [1, 0.841345],
      [3, 0.99865],
    ]) {
      expect(Math.abs(drawn.filter((x) => x < z).length / n - p)).toBeLessThan(1.95 / Math.sqrt(n));
    }
    const lag = (k: number): number => drawn.reduce((sum, x, i) => sum + x * drawn[(i + k) % n], 0) / n;
    for (const k of [1, 2, 256, 512]) expect(Math.abs(lag(k))).toBeLessThan(4 / Math.sqrt(n));
  });

  it('depend on the seed alone', () => {
    expect(normals(1000, 1, 2)).toEqual(normals(1000, 1, 2));
    for (const other of [normals(1000, 1, 3), normals(1000, 2, 2), normals(1000, 2, 1)]) {
      expect(other).not.toEqual(normals(1000, 1, 2));
    }
  });

  it('scale inputs, and give the second half of a batch the noise of the first with the other sign', () => {
    const [x, logRate] = [matrix(1), vector(columns, (i) => i / 10 - 2)];
    const [scaled, squared, noise] = run('EspalierScaleNoise', { x, logRate, seed: seed(5, 6) });
    const [xs, logs] = [values(x), values(logRate)];
    const expected = xs.map((v, i) => v * (1 + noise[i] * Math.exp(logs[i % columns] / 2)));
    expectClose(scaled, expected);
    expectClose(
      squared,
      expected.map((v) => v * v),
    );
    const half = noise.length / 2;
    expectClose(
      noise.slice(half),
      noise.slice(0, half).map((e) => -e),
      0.001 * Number.EPSILON + 1e-9,
    );
    const [dScaled, dSquared] = [matrix(2), matrix(3)];
    const given = tf.tensor(noise, [rows, columns]);
    const [dx, dLog] = run('EspalierScaleNoiseGrad', { dScaled, dSquared, x, logRate, noise: given });
    // The same function, as TF.js differentiates it.
    const loss = (a: tf.Tensor, l: tf.Tensor): tf.Scalar => {
      const s = tf.mul(a, tf.add(1, tf.mul(given, tf.exp(tf.mul(l, 0.5)))));
      return tf.sum(tf.add(tf.mul(s, dScaled), tf.mul(tf.square(s), dSquared))) as tf.Scalar;
    };
    const [byX, byLog] = tf.grads(loss as never)([x, logRate]);
    expectClose(dx, values(byX), 1e-4);
    expectClose(dLog, values(byLog), 1e-4);
  });

  it('add noise to outputs', () => {
    const [mean, dy] = [matrix(4), matrix(5)];
    const variance = tf.square(matrix(6));
    const [bias, biasLogVariance] = [vector(columns, (i) => i / 7), vector(columns, (i) => -i / 9)];
    const [y, slope] = run('EspalierOutputNoise', {
      mean,
      variance,
      bias,
      biasLogVariance,
      seed: seed(1, 1),
    });
    const deviations = values(tf.sqrt(tf.add(variance, tf.add(tf.exp(biasLogVariance), 1e-12))));
    const noise = slope.map((s, i) => s * deviations[i]);
    expectClose(
      y,
      values(
        tf.add(
          tf.add(mean, bias),
          tf.mul(tf.tensor(noise, [rows, columns]), tf.tensor(deviations, [rows, columns])),
        ),
      ),
    );
    const given = tf.tensor(noise, [rows, columns]);
    const loss = (v: tf.Tensor, b: tf.Tensor, l: tf.Tensor): tf.Scalar => {
      const d = tf.sqrt(tf.add(v, tf.add(tf.exp(l), 1e-12)));
      return tf.sum(tf.mul(dy, tf.add(b, tf.mul(given, d)))) as tf.Scalar;
    };
    const expected = tf.grads(loss as never)([variance, bias, biasLogVariance]);
    const slopes = tf.tensor(slope, [rows, columns]);
    const found = run('EspalierOutputNoiseGrad', { dy, slope: slopes, biasLogVariance });
    for (const [i, gradient] of expected.entries()) expectClose(found[i], values(gradient), 1e-4);
  });

  it('sum and differentiate the KL divergence of a kernel, row by row', () => {
    const [mean, logVariance] = [matrix(7), matrix(8)];
    const variance = tf.exp(logVariance);
    const [energy, logs] = run('EspalierGaussianEnergy', { mean, variance, logVariance });
    expectClose(energy, values(tf.sum(tf.add(tf.square(mean), variance), 1)));
    expectClose(logs, values(tf.sum(logVariance, 1)));
    const rate = vector(rows, (i) => i + 0.5);
    const [byMean, byLog] = run('EspalierGaussianSlopes', { mean, variance, rate, factor: tf.scalar(0.3) });
    expectClose(byMean, values(tf.mul(mean, tf.reshape(rate, [rows, 1]))));
    expectClose(byLog, values(tf.mul(0.5, tf.sub(tf.mul(variance, tf.reshape(rate, [rows, 1])), 0.3))));
  });

  it('refuse inputs of other sizes', () => {
    const inputs = { x: matrix(1), logRate: vector(columns + 1, () => 0), seed: seed(1, 1) };
    expect(() => tf.engine().runKernel('EspalierScaleNoise', inputs)).toThrow(/another size/);
  });
});
