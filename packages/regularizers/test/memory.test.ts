import '@tensorflow/tfjs-backend-cpu';
import { type Data, disposeModel, type Plugin, Run, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, expect, test } from 'vitest';
import { distillation, groupLasso, groupVariance, growing, l1, l2 } from '../src/index.js';

beforeAll(() => tf.ready());

const model = (): tfl.LayersModel =>
  tfl.sequential({
    layers: [
      tfl.layers.conv2d({
        filters: 4,
        kernelSize: 2,
        inputShape: [4, 4, 2],
        activation: 'relu',
        name: 'conv',
      }),
      tfl.layers.flatten(),
      tfl.layers.dense({ units: 8, activation: 'relu', name: 'hidden' }),
      tfl.layers.dense({ units: 3, activation: 'softmax', name: 'out' }),
    ],
  });

/** Three batches an epoch; the batch `fails` counts from 0 and throws. */
const data = (fails = Number.POSITIVE_INFINITY): Data => ({
  size: 12,
  stepsPerEpoch: 3,
  *batches(epoch) {
    for (let i = 0; i < 3; i++) {
      if (3 * epoch + i === fails) throw new Error('no more data');
      yield {
        inputs: tf.randomNormal([4, 4, 4, 2], 0, 1, 'float32', epoch * 3 + i + 1),
        labels: tf.tidy(() => tf.cast(tf.oneHot([0, 1, 2, i % 3], 3), 'float32')),
      };
    }
  },
});

/** Trains with the plugin, whole and until the data ends too early; saves and loads it. What is left of tensors. */
async function left(make: () => Plugin): Promise<number> {
  const { numTensors } = tf.memory();
  for (const fails of [undefined, 1, 4]) {
    const run = new Run(model(), { seed: 1 });
    const plugin = make();
    const trained = train(run, { data: data(fails), epochs: 2, schedules: [{ plugin }] });
    if (fails === undefined) await trained;
    else await expect(trained).rejects.toThrow('no more data');
    const state = await plugin.save?.();
    if (state) plugin.load?.(state);
    plugin.dispose?.();
    run.dispose();
    run.model.dispose();
  }
  return tf.memory().numTensors - numTensors;
}

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
