import { type Data, type Plugin, Run, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { expect } from 'vitest';

/** A convolution and two dense layers, for inputs of [4, 4, 2] and three classes. */
export const model = (): tfl.LayersModel =>
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
export const data = (fails = Number.POSITIVE_INFINITY): Data => ({
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

/** Trains with the plugin, whole and until the data ends too early; saves and goes on. What is left of tensors. */
export async function left(make: () => Plugin): Promise<number> {
  const { numTensors } = tf.memory();
  for (const fails of [undefined, 1, 4]) {
    const run = new Run(model(), { seed: 1 });
    const running = await run.start(make());
    const trained = train(run, { data: data(fails), epochs: 2, schedules: [{ plugin: running }] });
    if (fails === undefined) await trained;
    else await expect(trained).rejects.toThrow('no more data');
    const state = await running.save();
    running.dispose();
    (await run.start(make(), { state })).dispose();
    run.dispose();
    run.model.dispose();
  }
  return tf.memory().numTensors - numTensors;
}
