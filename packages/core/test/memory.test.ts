import { createTrainer, Run, type TrainOptions, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { expect, test } from 'vitest';
import { dense, perceptron, toyData } from './helpers.js';
import { acting, gradual, learntDecay, observer, rounding, wandering } from './plugins.js';

const convolutional = (): tfl.LayersModel =>
  tfl.sequential({
    layers: [
      tfl.layers.conv2d({ filters: 3, kernelSize: 2, inputShape: [4, 4, 1], activation: 'relu' }),
      tfl.layers.batchNormalization(),
      tfl.layers.maxPooling2d({ poolSize: 2, strides: 1 }),
      tfl.layers.dropout({ rate: 0.3 }),
      tfl.layers.flatten(),
      dense('out', 3, 2, { activation: 'softmax' }),
    ],
  });

interface Case {
  readonly what: string;
  readonly options?: () => Partial<TrainOptions>;
  readonly model?: () => tfl.LayersModel;
  readonly shape?: readonly number[];
  /** Tensors that rightly stay after the stage: masks of the run, two a parameter. */
  readonly stays: number;
}

const cases: readonly Case[] = [
  { what: 'plain', stays: 0 },
  { what: 'momentum', options: () => ({ optimizer: { name: 'sgd', momentum: 0.9 } }), stays: 0 },
  {
    what: 'dropout, batch normalisation and convolution',
    model: convolutional,
    shape: [4, 4, 1],
    stays: 0,
  },
  { what: 'pruned at every epoch', options: () => ({ schedules: [{ plugin: gradual(0.8) }] }), stays: 4 },
  {
    what: 'pruned at every step',
    options: () => ({ schedules: [{ plugin: gradual(0.8), every: { steps: 1 } }] }),
    stays: 4,
  },
  { what: 'reviving', options: () => ({ schedules: [{ plugin: wandering() }] }), stays: 4 },
  {
    what: 'reviving until the middle',
    options: () => ({ schedules: [{ plugin: wandering(), end: 2 }] }),
    stays: 4,
  },
  { what: 'shared', options: () => ({ schedules: [{ plugin: rounding() }] }), stays: 0 },
  {
    what: 'pruned, then shared',
    options: () => ({
      schedules: [
        { plugin: gradual(0.5), end: 2 },
        { plugin: rounding(), start: 2 },
      ],
    }),
    stays: 4,
  },
  {
    what: 'a regularizer with a variable of its own',
    options: () => ({ schedules: [{ plugin: learntDecay() }] }),
    stays: 0,
  },
  {
    what: 'observed',
    model: convolutional,
    shape: [4, 4, 1],
    options: () => ({
      schedules: [
        {
          plugin: observer(({ outputs, gradient }) => {
            tf.mean(outputs as tf.Tensor);
            expect(gradient).toBeTypeOf('function');
          }),
        },
      ],
    }),
    stays: 0,
  },
  {
    what: 'validated, stopping early and keeping the best',
    options: () => ({
      validation: toyData({ seed: 2 }),
      earlyStopping: { patience: 9 },
      keepBest: {},
      schedules: [{ plugin: gradual(0.5) }],
    }),
    stays: 4,
  },
  {
    what: 'keeping the best while weights revive',
    options: () => ({
      validation: toyData({ seed: 2 }),
      keepBest: {},
      schedules: [{ plugin: wandering() }],
    }),
    stays: 4,
  },
];

test.each(cases)('$what: the number of tensors does not grow', async ({ options, model, shape, stays }) => {
  const run = new Run((model ?? perceptron)());
  const data = toyData(shape === undefined ? {} : { shape });
  const start = tf.memory().numTensors;
  const trainer = await createTrainer(run, { data, epochs: 5, ...options?.() });
  const counts: number[] = [];
  while (!trainer.done) {
    await trainer.nextEpoch();
    await trainer.save();
    await run.save();
    counts.push(tf.memory().numTensors);
  }
  // From the third epoch on: schedules have begun and ended by then.
  expect(new Set(counts.slice(2)).size).toBe(1);
  await trainer.finish();
  expect(tf.memory().numTensors).toBe(start + stays);
  run.dispose();
  expect(tf.memory().numTensors).toBe(start);
});

test('a second stage over the same run leaves no more than the first', async () => {
  const run = new Run(perceptron());
  const stage = (): Promise<unknown> =>
    train(run, { data: toyData({}), epochs: 2, schedules: [{ plugin: gradual(0.5), owner: 'pruner' }] });
  await stage();
  const after = tf.memory().numTensors;
  await stage();
  await stage();
  expect(tf.memory().numTensors).toBe(after);
  run.dispose();
});

test('a plugin that fails between passes leaves nothing behind', async () => {
  const run = new Run(perceptron());
  const start = tf.memory().numTensors;
  for (const plugin of [
    observer(() => {
      throw new Error('in observe');
    }),
    acting('pruner', {
      masks: () => {
        throw new Error('in masks');
      },
    }),
  ]) {
    await expect(train(run, { data: toyData({}), epochs: 1, schedules: [{ plugin }] })).rejects.toThrow(
      /^in /,
    );
  }
  expect(tf.memory().numTensors).toBe(start);
});
