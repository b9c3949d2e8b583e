import '@tensorflow/tfjs-backend-cpu';
import { type Plugin, Run, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { data, model } from '../../core/test/tensors-left.js';
import { level, magnitude, nm, random, sensitivity } from '../src/index.js';

beforeAll(() => tf.ready());

test.each<[string, () => Plugin]>([
  ['a name that there is not', () => level({ sparsity: { 'cnv/kernel': 0.5 } })],
  ['groups that do not fit', () => nm({ n: 2, m: 5, along: 7 })],
  ['a start that was left out', () => sensitivity({ sensitivity: { nowhere: 1 }, measure: 'once' })],
])('%s: an error that leaves no tensor', async (_, make) => {
  const run = new Run(model());
  const { numTensors } = tf.memory();
  await expect(train(run, { data: data(), epochs: 1, schedules: [{ plugin: make() }] })).rejects.toThrow();
  expect(tf.memory().numTensors).toBe(numTensors);
  run.model.dispose();
});

test('masks are all that a call leaves, and the caller owns them', async () => {
  const run = new Run(model());
  const { numTensors } = tf.memory();
  for (const plugin of [level({ sparsity: 0.5 }), magnitude({ threshold: 0.1 }), random({ sparsity: 0.2 })]) {
    await run.prune(plugin);
    run.dispose();
    expect(tf.memory().numTensors).toBe(numTensors);
  }
  run.model.dispose();
});
