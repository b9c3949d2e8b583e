import { createTrainer, type Pruner, Run, type RunState, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { close, codeOf, dense, toyData, values } from './helpers.js';
import { magnitudeMask } from './plugins.js';

/** 6 → 5 → batch normalisation → 4 → 3. */
const net = (): tfl.Sequential =>
  tfl.sequential({
    layers: [
      dense('block_1', 5, 1, { inputShape: [6] }),
      tfl.layers.batchNormalization({ name: 'block_2' }),
      dense('middle', 4, 2, { activation: 'tanh' }),
      dense('head', 3, 3, { activation: 'softmax' }),
    ],
  });

const of = (run: RunState, name: string): number[] => [...run.parameter(name).variable.dataSync()];
const names = (run: RunState): string[] => run.parameters.map((p) => p.name);

const half: Pruner = {
  name: 'half',
  kinds: ['pruner'],
  start: (_, of) => ({ masks: () => new Map(of.map((p) => [p, magnitudeMask(p, 0.5)])) }),
};

describe('freeze', () => {
  test.each<[string | string[], string[]]>([
    [
      'block_*',
      [
        'block_1/kernel',
        'block_1/bias',
        'block_2/gamma',
        'block_2/beta',
        'block_2/moving_mean',
        'block_2/moving_variance',
      ],
    ],
    [
      ['block_*', '!block_2'],
      ['block_1/kernel', 'block_1/bias'],
    ],
    [
      ['block_1', 'middle/kernel'],
      ['block_1/kernel', 'block_1/bias', 'middle/kernel'],
    ],
    [
      ['!head', '!middle/bias'],
      [
        'block_1/kernel',
        'block_1/bias',
        'block_2/gamma',
        'block_2/beta',
        'block_2/moving_mean',
        'block_2/moving_variance',
        'middle/kernel',
      ],
    ],
  ])('%j is not trained, all else is', async (freeze, frozen) => {
    const run = new Run(net());
    const before = tf.memory().numTensors;
    const start = new Map(names(run).map((name) => [name, of(run, name)]));
    await train(run, { data: toyData({}), epochs: 2, learningRate: 0.1, freeze });
    for (const name of names(run)) {
      if (frozen.includes(name)) expect([name, of(run, name)]).toEqual([name, start.get(name)]);
      else expect([name, of(run, name)]).not.toEqual([name, start.get(name)]);
    }
    expect(tf.memory().numTensors).toBe(before);
    run.dispose();
  });

  test('a frozen batch normalisation goes by its statistics, and by the batch again afterwards', async () => {
    const model = net();
    model.getLayer('block_2').setWeights([tf.ones([5]), tf.zeros([5]), tf.fill([5], 3), tf.fill([5], 4)]);
    const run = new Run(model);
    const x = tf.randomNormal([4, 6], 0, 1, 'float32', 1);
    const seen = (training: boolean): number[] => values(model.apply(x, { training }) as tf.Tensor);
    const trainer = await createTrainer(run, { data: toyData({}), epochs: 1, freeze: 'block_2' });
    close(seen(true), seen(false), 1e-6);
    trainer.dispose();
    expect(Math.abs(seen(true)[0] - seen(false)[0])).toBeGreaterThan(1e-3);
    run.dispose();
  });

  test('so does one that came frozen, by itself or in a model', async () => {
    const inner = net();
    const whole = tfl.sequential({ layers: [inner, dense('last', 3, 4, { activation: 'softmax' })] });
    inner.trainable = false;
    const alone = net();
    alone.getLayer('block_2').trainable = false;
    for (const model of [whole, alone]) {
      const run = new Run(model);
      const statistics = run.parameters.filter(({ role }) => role === 'statistic');
      expect(statistics).toHaveLength(2);
      const before = statistics.map(({ variable }) => [...variable.dataSync()]);
      await train(run, { data: toyData({}), epochs: 2 });
      expect(statistics.map(({ variable }) => [...variable.dataSync()])).toEqual(before);
    }
  });

  test('a model that is frozen whole is refused', async () => {
    const model = net();
    for (const layer of model.layers) layer.trainable = false;
    const run = new Run(model);
    const tensors = tf.memory().numTensors;
    expect(await codeOf(() => train(run, { data: toyData({}), epochs: 1 }))).toBe('bad-model');
    expect(tf.memory().numTensors).toBe(tensors);
  });

  test('what is frozen can be pruned, and is trained again when it is not frozen', async () => {
    const run = new Run(net());
    const start = of(run, 'block_1/kernel');
    const options = { data: toyData({}), epochs: 1, learningRate: 0.1 };
    const schedules = [{ plugin: half, parameters: 'block_1/kernel' }];
    await train(run, { ...options, freeze: 'block_1', schedules, keepSlots: true });
    const pruned = of(run, 'block_1/kernel');
    expect(pruned.filter((w) => w === 0)).toHaveLength(15);
    expect(pruned.every((w, i) => w === 0 || w === start[i])).toBe(true);
    await train(run, { ...options, continueSlots: true });
    const tuned = of(run, 'block_1/kernel');
    expect(tuned.map((w) => w === 0)).toEqual(pruned.map((w) => w === 0));
    expect(tuned).not.toEqual(pruned);
    run.dispose();
  });

  test.each<[string | string[], string, string]>([
    ['blok_1', 'unknown-name', "Did you mean 'block_1'"],
    ['**', 'invalid-option', 'freeze leaves nothing to train'],
  ])('refuses %j', async (freeze, code, message) => {
    const run = new Run(net());
    const work = () => train(run, { data: toyData({}), epochs: 1, freeze });
    await expect(work()).rejects.toThrow(message);
    expect(await codeOf(work)).toBe(code);
    run.dispose();
  });
});
