import { type Noise, type NoiseSession, type Plugin, Run, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { expect, test } from 'vitest';
import { close, codeOf, fixedData, weightsOf } from './helpers.js';
import { acting, observer, starting } from './plugins.js';

const one = (): tfl.LayersModel =>
  tfl.sequential({
    layers: [tfl.layers.dense({ units: 1, inputShape: [1], useBias: false, kernelInitializer: 'ones' })],
  });

/** Multiplies all weights by `factor`. */
const times = (factor: number): Noise =>
  starting<NoiseSession>('times', ['noise'], (_, of) => ({
    noise: () => new Map(of.map((p) => [p, tf.fill(p.shape as number[], factor)])),
  }));

const options = (...plugins: Plugin[]) => ({
  data: fixedData([[1]], [[3]], 2),
  epochs: 2,
  loss: 'meanSquaredError' as const,
  optimizer: { name: 'sgd' as const },
  learningRate: 0.01,
  schedules: plugins.map((plugin, i) => ({ plugin, owner: `${i}`, end: 1 })),
});

test('the loss sees the disturbed weight, the update is of the weight itself', async () => {
  const model = one();
  const data = fixedData([[1]], [[3]], 1);
  const history = await train(new Run(model), { ...options(times(2), times(2)), validation: data });
  // loss = (n·w - 3)², gradient 2n(n·w - 3), with n = 4 in the first epoch of two steps and 1 after it.
  const steps: number[] = [];
  let w = 1;
  for (const n of [4, 4, 1, 1]) {
    steps.push((n * w - 3) ** 2);
    w -= 0.01 * 2 * n * (n * w - 3);
    if (steps.length === 2) close([history[0].validationLoss!], [(w - 3) ** 2], 1e-6);
  }
  close(weightsOf(model), [w], 1e-6);
  close([history[0].loss], [(steps[0] + steps[1]) / 2], 1e-6);
});

test('its moments run over the steps of its schedule', async () => {
  const seen: string[] = [];
  const watch: Noise = acting<NoiseSession>('watch', {
    noise({ step, index, count, start, end }) {
      seen.push([step, index, count, start, end].join());
      return new Map();
    },
  });
  await train(new Run(one()), { ...options(), schedules: [{ plugin: watch, start: 1 }] });
  expect(seen).toEqual(['2,0,2,1,2', '3,1,2,1,2']);
});

test('an error in the middle of a step leaves the weights as they were, and no tensors', async () => {
  const model = one();
  const run = new Run(model);
  const failing = observer(() => {
    throw new Error('observed too much');
  });
  const before = tf.memory().numTensors;
  await expect(train(run, options(times(2), failing))).rejects.toThrow('observed too much');
  expect(tf.memory().numTensors).toBe(before);
  expect(weightsOf(model)).toEqual([1]);
});

test('a plugin that does nothing while training is still refused', async () => {
  expect(await codeOf(() => train(new Run(one()), options(acting('idle', {}))))).toBe('bad-plugin');
});
