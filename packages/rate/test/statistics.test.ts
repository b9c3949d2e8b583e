import '@tensorflow/tfjs-backend-cpu';
import { Run, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { expect, it } from 'vitest';
import { ratePrior } from '../src/index.js';
import { atEightBits } from '../src/internal/statistics.js';

it('rounds to eight significant bits, ties to even, as bfloat16 does', () => {
  // 1 + 1/256 and 1 + 3/256 are halfway between two; 1 + 1/256 + 1/4096 is not.
  const given = [0, -0, 1, 1 + 1 / 256, 1 + 3 / 256, 1 + 1 / 256 + 1 / 4096, -2.7182817, 2 ** -140, 255.3];
  const wanted = [0, -0, 1, 1, 1 + 4 / 256, 1 + 2 / 256, -2.71875, 0, 255];
  expect([...atEightBits(Float32Array.from(given))]).toEqual(wanted);
});

it('keeps what has no finite bfloat16, and does not write into what it is given', () => {
  const most = Float32Array.of(3.4028234663852886e38, 1 / 3);
  expect(atEightBits(most)[0]).toBe(3.4028234663852886e38);
  expect(most[1]).toBe(Math.fround(1 / 3));
});

/** A net with a normalisation, trained for the coder for a little; what its quantizer leaves of `parameters`. */
async function quantised(parameters: string) {
  const model = tfl.sequential({
    layers: [
      tfl.layers.dense({ name: 'fc', units: 4, inputShape: [6] }),
      tfl.layers.batchNormalization({ name: 'norm' }),
      tfl.layers.dense({ name: 'out', units: 2, activation: 'softmax' }),
    ],
  });
  const inputs = tf.randomNormal([16, 6], 1, 2, 'float32', 1);
  const classes = tf.tensor1d(
    [...Array(16).keys()].map((i) => i % 2),
    'int32',
  );
  const labels = tf.oneHot(classes, 2);
  const batches = () => [{ inputs: tf.clone(inputs), labels: tf.clone(labels) }];
  const run = new Run(model);
  const prior = ratePrior({ weight: 0.01 });
  const running = await run.start(prior, { parameters: '**' });
  await train(run, {
    data: { size: 16, stepsPerEpoch: 1, batches },
    epochs: 3,
    loss: 'categoricalCrossentropy',
    learningRate: 0.01,
    schedules: [{ plugin: running }],
  });
  const values = (name: string) => [...run.parameter(name).variable.dataSync()];
  const names = ['norm/moving_mean', 'norm/moving_variance'];
  const before = names.map(values);
  const tensors = tf.memory().numTensors;
  await run.quantize(prior.quantizer, parameters, undefined, await running.save());
  const leaves = tf.memory().numTensors - tensors;
  const after = names.map(values);
  const shared = names.map((name) => run.shared(run.parameter(name)));
  running.dispose();
  return { before, after, shared, leaves, gamma: run.shared(run.parameter('norm/gamma')) };
}

it('the quantizer rounds statistics, which are not shared, and leaves no tensors', async () => {
  const { before, after, shared, leaves, gamma } = await quantised('**');
  expect(after).toEqual(before.map((values) => [...atEightBits(Float32Array.from(values))]));
  expect(after).not.toEqual(before);
  expect(shared).toEqual([undefined, undefined]);
  expect(gamma).toBeDefined();
  expect(leaves).toBe(0);
});

it('statistics that it is not given stay as they are', async () => {
  const { before, after } = await quantised('**/kernel');
  expect(after).toEqual(before);
});
