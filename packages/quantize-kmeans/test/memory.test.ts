import '@tensorflow/tfjs-backend-cpu';
import { type Data, type Plugin, Run, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, expect, test } from 'vitest';
import { kmeans, lloydCodebook, nearest, optimalCodebook, rateDistortion, uniform } from '../src/index.js';

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
  ['kmeans', () => kmeans({ clusters: 4 })],
  ['kmeans from a linear start', () => kmeans({ clusters: 4, init: 'linear' })],
  ['kmeans over all tensors', () => kmeans({ clusters: 4, scope: 'group' })],
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
