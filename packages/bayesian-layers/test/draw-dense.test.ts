import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers'; // registers the gradients of TF.js's own ops
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { groupsOf } from '../src/groups.js';
import { drawDense } from '../src/internal/draw-dense.js';
import { drawOutputs } from '../src/internal/forward.js';
import { gaussianSlopes, gaussianSums } from '../src/internal/gaussian-kl.js';
import { dense } from '../src/internal/linear.js';
import { cpuKernels } from './cpu-kernels.js';

// The kernels as formulas on the CPU, with noise that is known.
const [batch, inputs, units] = [4, 5, 3];
const noise = tf.keep(tf.randomNormal([batch, inputs], 0, 1, 'float32', 1));
const outputNoise = tf.keep(tf.randomNormal([batch, units], 0, 1, 'float32', 2));

const { register, unregister } = cpuKernels((shape) => tf.clone(shape[1] === inputs ? noise : outputNoise));

beforeAll(register);
afterAll(() => {
  unregister();
  tf.dispose([noise, outputNoise]);
});

const half = (x: tf.Tensor): tf.Tensor => tf.exp(tf.mul(x, 0.5));
const random = (shape: number[], seed: number): tf.Tensor => tf.randomNormal(shape, 0, 1, 'float32', seed);
const numbers = (x: tf.Tensor): number[] => [...x.dataSync()];
const seed = (): tf.Tensor => tf.tensor1d([1, 2], 'int32');

function expectClose(a: tf.Tensor, b: tf.Tensor): void {
  expect(a.shape).toEqual(b.shape);
  for (const [i, x] of numbers(a).entries()) expect(x).toBeCloseTo(numbers(b)[i], 4);
}

it('draws and differentiates what drawOutputs does, given the same noise', () => {
  const x = random([batch, inputs], 3);
  const parameters = [
    x,
    random([inputs], 4), // log α
    random([inputs, units], 5), // means
    tf.square(random([inputs, units], 6)), // variances
    random([units], 7), // bias
    random([units], 8), // its log-variance
  ];
  const weigh = random([batch, units], 9);
  const score = (y: tf.Tensor): tf.Scalar => tf.sum(tf.mul(weigh, y)) as tf.Scalar;
  const quick = (...[a, logRate, mean, variance, bias, biasLogVariance]: tf.Tensor[]): tf.Scalar =>
    score(drawDense(a, { logRate, mean, variance, bias, biasLogVariance }, seed));
  const plain = (...[a, logRate, mean, variance, bias, biasLogVariance]: tf.Tensor[]): tf.Scalar => {
    const z = tf.add(1, tf.mul(noise, half(logRate)));
    const parts = { linear: dense, side: 'inputs' as const, mean, variance, bias };
    return score(
      drawOutputs(a, z, { ...parts, biasVariance: tf.exp(biasLogVariance) }, () => tf.clone(outputNoise)),
    );
  };
  const [ours, theirs] = [quick, plain].map((f) => tf.valueAndGrads(f as never)(parameters));
  expectClose(ours.value, theirs.value);
  for (const [i, gradient] of ours.grads.entries()) expectClose(gradient, theirs.grads[i]);
});

it('needs no bias, and leaves nothing behind', () => {
  const [x, logRate, mean] = [random([batch, inputs], 3), random([inputs], 4), random([inputs, units], 5)];
  const variance = tf.square(mean);
  const before = tf.memory().numTensors;
  const y = tf.tidy(() => drawDense(x, { logRate, mean, variance }, seed));
  expect(tf.memory().numTensors).toBe(before + 1);
  const z = tf.add(1, tf.mul(noise, half(logRate)));
  const parts = { linear: dense, side: 'inputs' as const, mean, variance };
  expectClose(
    y,
    drawOutputs(x, z, parts, () => tf.clone(outputNoise)),
  );
});

it('sums and differentiates the KL divergence as without the kernels', () => {
  const logVariance = random([inputs, units], 5);
  const weights = {
    mean: random([inputs, units], 4),
    variance: tf.exp(logVariance),
    logVariance,
    mask: undefined,
    groups: groupsOf([inputs, units], false, 'inputs'),
  };
  const rate = tf.tensor1d(Array.from({ length: inputs }, (_, i) => i + 0.5));
  const all = () => ({ sums: gaussianSums(weights), slopes: gaussianSlopes(weights, rate, tf.scalar(0.3)) });
  const ours = all();
  unregister();
  const theirs = all();
  register();
  expectClose(tf.sum(ours.sums.logs), tf.sum(theirs.sums.logs));
  expectClose(ours.sums.size, theirs.sums.size);
  expectClose(ours.sums.energy, theirs.sums.energy);
  expectClose(ours.slopes.mean, theirs.slopes.mean);
  expectClose(ours.slopes.logVariance, theirs.slopes.logVariance);
});
