import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { hasKernel, runKernel } from '../src/internal/kernel.js';
import { plainStatistics } from '../src/internal/plain.js';
import '../src/internal/penalty.js'; // registers the kernels
import { mixtureLoss, mixtureOf } from '../src/index.js';
import { normals, relative } from './models.js';

const mixture = mixtureOf([-0.3, -0.1, 0.2, 0.4], [9, 6, 7, 5, 6], [0, 0.5, -1, 0.2], 0.8);
const size = mixture.means.length;
const offsets = mixture.logShares.map(
  (share, j) => share + mixture.logPrecisions[j] / 2 - 0.5 * Math.log(2 * Math.PI),
);
const held = 500;
await tf.setBackend('cpu');
const weights = [
  normals(6000, 1).map((x) => 0.15 * x),
  new Float32Array(held),
  normals(1500, 2).map((x) => 0.3 * x),
];

describe.each(['cpu', 'wasm'])('the kernel on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
    await tf.ready();
  });

  it.each([
    ['kernel', runKernel, 1e-3], // the table's error
    ['plain ops', plainStatistics, 2e-4],
  ] as const)('sums and differentiates as the exact loss: %s', (_, see, tolerance) => {
    expect(hasKernel()).toBe(true);
    const alive = Float32Array.from([...weights[0], ...weights[2]]);
    const exact = mixtureLoss(mixture, alive);
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const vector = (numbers: Float64Array): tf.Tensor1D => tf.tensor1d(Float32Array.from(numbers));
      const components = {
        means: vector(mixture.means),
        offsets: vector(offsets),
        precisions: vector(mixture.logPrecisions.map(Math.exp)),
      };
      const tensors = [
        tf.tensor(weights[0], [60, 100]),
        tf.tensor(weights[1]),
        tf.tensor(weights[2], [3, 5, 100]),
      ];
      const { sums, slopes } = see(components, tensors, tf.scalar(held), tf.scalar(2));
      const [loss, zeros, ...rest] = sums.dataSync();
      const [taken, first, second] = [0, 1, 2].map((k) => rest.slice(k * size, (k + 1) * size));
      expect(loss / exact.data).toBeCloseTo(1, 3);
      const ours = (gradient: (j: number) => number): number[] =>
        Array.from({ length: size }, (_, j) => gradient(j));
      const precision = (j: number): number => Math.exp(mixture.logPrecisions[j]);
      expect(
        relative(
          ours((j) => 0.5 * (precision(j) * second[j] - taken[j])),
          exact.logPrecisions,
        ),
      ).toBeLessThan(tolerance);
      expect(relative(ours((j) => -precision(j) * first[j]).slice(1), exact.means)).toBeLessThan(tolerance);
      expect(taken.reduce((a, b) => a + b, 0) / alive.length).toBeCloseTo(1, 4);
      expect(zeros).toBeGreaterThan(1000);
      expect(slopes.map(({ shape }) => shape)).toEqual(tensors.map(({ shape }) => shape));
      const all = [...slopes[0].dataSync(), ...slopes[2].dataSync()].map((x) => x / 2);
      expect(relative(all, exact.weights)).toBeLessThan(tolerance);
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('counts what weights scatter within a cell of the table', () => {
    // The widest table has 32,768 cells. Over ±4 one is 2.5e-4 wide, half the deviation of the zero component: without
    // their scatter its weights' second moment would be 1 - 1 / 48, two percent too small.
    const narrow = mixtureOf([-4, 4], [-2 * Math.log(5e-4), 4, 4], [0, 0], 0.99);
    const spike = normals(40_000, 7).map((x) => 5e-4 * x);
    const exact = spike.reduce((sum, w) => sum + w * w, 0);
    const [second] = tf.tidy(() => {
      const vector = (numbers: Float64Array): tf.Tensor1D => tf.tensor1d(Float32Array.from(numbers));
      const components = {
        means: vector(narrow.means),
        offsets: vector(
          narrow.logShares.map((s, j) => s + narrow.logPrecisions[j] / 2 - 0.5 * Math.log(2 * Math.PI)),
        ),
        precisions: vector(narrow.logPrecisions.map(Math.exp)),
      };
      const tensors = [tf.tensor1d(spike), tf.tensor1d([-4, 4])];
      const { sums } = runKernel(components, tensors, tf.scalar(0), tf.scalar(1));
      return [tf.slice(sums, 2 + 2 * 3, 1)];
    });
    expect(second.dataSync()[0] / exact).toBeCloseTo(1, 2.5);
    second.dispose();
  });
});
