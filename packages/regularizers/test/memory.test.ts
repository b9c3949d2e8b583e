import '@tensorflow/tfjs-backend-cpu';
import { disposeModel, Run, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, expect, test } from 'vitest';
import { data, model } from '../../core/test/tensors-left.js';
import { distillation } from '../src/index.js';

beforeAll(() => tf.ready());

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
  (await run.start(distillation())).dispose();
  expect(tf.memory().numTensors).toBe(numTensors);
  disposeModel(run.model);
});
