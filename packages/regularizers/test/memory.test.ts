import '@tensorflow/tfjs-backend-cpu';
import { disposeModel, type Plugin, Run, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, expect, test } from 'vitest';
import { data, left, model } from '../../core/test/tensors-left.js';
import { distillation, groupLasso, groupVariance, growing, l1, l2 } from '../src/index.js';

beforeAll(() => tf.ready());

test.each<[string, () => Plugin]>([
  ['l1', () => l1({ strength: 1e-3 })],
  ['l2', () => l2({ strength: 1e-3 })],
  ['groupLasso', () => groupLasso({ strength: 1e-3, groups: 'filters' })],
  ['groupVariance', () => groupVariance({ strength: 1e-3, groups: 'filters' })],
  ['growing', () => growing({ sparsity: 0.5, strength: 1e-3 })],
  ['distillation by a copy', () => distillation({})],
])('%s leaves no tensor, nor does it when training fails', async (_, make) => {
  expect(await left(make)).toBe(0);
});

test('a teacher of other classes: an error that leaves no tensor', async () => {
  const teacher = tfl.sequential({
    layers: [
      tfl.layers.flatten({ inputShape: [4, 4, 2] }),
      tfl.layers.dense({ units: 5, activation: 'softmax' }),
    ],
  });
  const run = new Run(model());
  const { numTensors } = tf.memory();
  const schedules = [{ plugin: distillation({ teacher }) }];
  await expect(train(run, { data: data(), epochs: 1, schedules })).rejects.toMatchObject({
    code: 'shape-mismatch',
  });
  expect(tf.memory().numTensors).toBe(numTensors);
  expect(() => distillation({ teacher: 3 as never })).toThrow();
  expect(tf.memory().numTensors).toBe(numTensors);
  run.model.dispose();
  teacher.dispose();
});

test('the copy of a student whose layers are used twice is freed whole', async () => {
  const x = tfl.input({ shape: [4] });
  const twice = tfl.layers.dense({ units: 4 });
  const y = tfl.layers.dense({ units: 3, activation: 'softmax' }).apply(twice.apply(twice.apply(x)));
  const run = new Run(tfl.model({ inputs: x, outputs: y as tfl.SymbolicTensor }));
  const { numTensors } = tf.memory();
  const plugin = distillation({});
  await plugin.start?.(run, run.select());
  plugin.dispose?.();
  expect(tf.memory().numTensors).toBe(numTensors);
  disposeModel(run.model);
});
