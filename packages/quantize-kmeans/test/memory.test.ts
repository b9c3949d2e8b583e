import '@tensorflow/tfjs-backend-cpu';
import { type Plugin, Run, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { data, left, model } from '../../core/test/tensors-left.js';
import { kmeans, lloydCodebook, nearest, optimalCodebook, rateDistortion, uniform } from '../src/index.js';

beforeAll(() => tf.ready());

test.each<[string, () => Plugin]>([
  ['kmeans', () => kmeans({ clusters: 4 })],
  ['kmeans from a linear start', () => kmeans({ clusters: 4, init: 'linear' })],
  ['kmeans over all tensors', () => kmeans({ clusters: 4, scope: 'global' })],
  ['uniform', () => uniform({ bits: 4 })],
  ['rateDistortion', () => rateDistortion({ lambda: 1e-3 })],
])('%s leaves no tensor, nor does it when training fails', async (_, make) => {
  expect(await left(make)).toBe(0);
});

test.each<[string, () => Plugin]>([
  ['a name that there is not', () => kmeans({ clusters: { 'cnv/kernel': 4 } })],
  ['bytes that nothing takes', () => uniform({ bits: { nowhere: 4 } })],
])('%s: an error that leaves no tensor', async (_, make) => {
  const run = new Run(model());
  const { numTensors } = tf.memory();
  await expect(train(run, { data: data(), epochs: 1, schedules: [{ plugin: make() }] })).rejects.toThrow();
  expect(tf.memory().numTensors).toBe(numTensors);
  run.model.dispose();
});

test('functions on plain arrays make no tensor', () => {
  const { numTensors } = tf.memory();
  const values = Float32Array.from({ length: 100 }, (_, i) => Math.sin(i));
  nearest(values, optimalCodebook(values, 4).centroids);
  lloydCodebook(values, 4, { init: 'linear' });
  expect(() => optimalCodebook(Float32Array.of(Number.NaN), 2)).toThrow();
  expect(() => lloydCodebook(values, 0, { init: 'linear' })).toThrow();
  expect(tf.memory().numTensors).toBe(numTensors);
});
