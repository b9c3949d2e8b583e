import { Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { bind } from '../src/internal/binding.js';
import { close, perceptron, values } from './helpers.js';

test('of shared values those that are not fixed are trained, and their weights follow', () => {
  const run = new Run(perceptron());
  const before = tf.memory().numTensors;
  const kernel = run.parameter('hidden/kernel'); // 30 weights
  const indices = Uint8Array.from({ length: 30 }, (_, i) => i % 4);
  run.share(kernel, { codebook: Float32Array.of(-0.5, 0, 0.25, 2), indices, fixed: [1, 3] });
  const binding = bind(run, kernel);
  expect(values(binding.mask!)).toEqual([1, 0, 1, 0]);
  // Eight weights have index 0 and seven index 2: their gradients add up.
  const pulled = tf.tidy(() => values(binding.pull(tf.fill([6, 5], 0.5))));
  expect(pulled).toEqual([4, 0, 3.5, 0]);
  tf.tidy(() => binding.trained.assign(tf.tensor1d([-0.75, 9, 0.125, 9])));
  binding.push!();
  close(
    values(kernel.variable),
    [...indices].map((i) => [-0.75, 0, 0.125, 2][i]),
    0,
  );
  binding.dispose!();
  run.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
