import {
  createTrainer,
  type EpochMetrics,
  type Plugin,
  type PluginState,
  packState,
  Run,
  type TrainOptions,
  unpackState,
} from '@espalier/core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { codeOf, dense, perceptron, toyData } from './helpers.js';
import { gradual, learntDecay, rounding, wandering } from './plugins.js';

interface Case {
  readonly what: string;
  readonly options: () => Partial<TrainOptions>;
  readonly model?: () => tfl.LayersModel;
}

const noisy = (): tfl.LayersModel =>
  tfl.sequential({
    layers: [
      dense('a', 8, 1, { inputShape: [6], activation: 'relu' }),
      tfl.layers.batchNormalization({ name: 'bn' }),
      tfl.layers.dropout({ name: 'drop', rate: 0.4 }),
      dense('b', 3, 2, { activation: 'softmax' }),
    ],
  });

const validation = toyData({ seed: 9 });

const cases: readonly Case[] = [
  { what: 'adam', options: () => ({}) },
  { what: 'nesterov', options: () => ({ optimizer: { name: 'sgd', momentum: 0.9, nesterov: true } }) },
  { what: 'dropout and batch normalisation', options: () => ({}), model: noisy },
  {
    what: 'a schedule of rates that looks back',
    options: () => ({
      learningRate: ({ epoch, history }) =>
        0.05 / (1 + epoch) / (1 + history.filter((m) => m.loss > 1).length),
    }),
  },
  {
    what: 'a pruner with state',
    options: () => ({ schedules: [{ plugin: gradual(0.7), start: 1, end: 5, every: 2 }] }),
  },
  {
    what: 'two pruners, one by steps',
    options: () => ({
      schedules: [
        { plugin: gradual(0.4), parameters: 'hidden/*' },
        { plugin: gradual(0.6), parameters: '**/kernel', every: { steps: 2 }, start: 2 },
      ],
    }),
  },
  { what: 'weights that revive', options: () => ({ schedules: [{ plugin: wandering(), end: 4 }] }) },
  { what: 'shared values', options: () => ({ schedules: [{ plugin: rounding(), start: 2, end: 3 }] }) },
  {
    what: 'pruning, then sharing',
    options: () => ({
      schedules: [
        { plugin: gradual(0.5), end: 3 },
        { plugin: rounding(), start: 3, end: 4 },
      ],
    }),
  },
  {
    what: 'a regularizer with a variable of its own',
    options: () => ({ schedules: [{ plugin: learntDecay(0.05) }, { plugin: gradual(0.3) }] }),
  },
  {
    what: 'keeping the best',
    options: () => ({
      validation,
      keepBest: { from: 1 },
      learningRate: 0.5,
      schedules: [{ plugin: gradual(0.5) }],
    }),
  },
  {
    what: 'keeping the best while weights revive',
    options: () => ({ validation, keepBest: {}, learningRate: 0.3, schedules: [{ plugin: wandering() }] }),
  },
  {
    what: 'stopping early',
    options: () => ({ validation, earlyStopping: { patience: 2 }, learningRate: 0.5 }),
  },
];

const epochs = 6;

/** Metrics without the time they took. */
const timeless = (history: readonly EpochMetrics[]): unknown[] =>
  history.map(({ seconds: _, wait: __, ...rest }) => rest);

/** Trains to the end; after `killAt` epochs all objects are thrown away and made anew from bytes. */
async function trained(
  { options, model = perceptron }: Case,
  killAt: number | undefined,
): Promise<{ state: Uint8Array; history: unknown[] }> {
  const all = (): TrainOptions => ({ data: toyData({}), epochs, learningRate: 0.05, ...options() });
  let run = new Run(model(), { seed: 4 });
  let trainer = await createTrainer(run, all());
  while (!trainer.done) {
    if (trainer.epoch === killAt) {
      const bytes = [packState(await run.save()), packState(await trainer.save())];
      trainer.dispose();
      run.dispose();
      run.model.dispose();
      run = new Run(model(), { seed: 4 });
      run.load(unpackState(bytes[0]));
      trainer = await createTrainer(run, all(), unpackState(bytes[1]));
      expect(trainer.epoch).toBe(killAt);
      // What was loaded is what was saved.
      expect(packState(await run.save())).toEqual(bytes[0]);
      expect(packState(await trainer.save())).toEqual(bytes[1]);
      killAt = undefined;
      if (trainer.done) break;
    }
    await trainer.nextEpoch();
  }
  await trainer.finish();
  const state = packState(await run.save());
  run.dispose();
  run.model.dispose();
  return { state, history: timeless(trainer.history) };
}

describe.each(cases)('with $what', (given) => {
  test('a resumed run ends with the same bytes, whichever epoch it was killed after', async () => {
    const whole = await trained(given, undefined);
    for (let epoch = 1; epoch < whole.history.length; epoch++) {
      const resumed = await trained(given, epoch);
      expect(resumed.history).toEqual(whole.history);
      expect(resumed.state).toEqual(whole.state);
    }
  });
});

test('early stopping stops a resumed run where it stopped the whole one', async () => {
  const given = cases.find((c) => c.what === 'stopping early')!;
  const { history } = await trained(given, undefined);
  expect(history.length).toBeLessThan(epochs);
});

test('a state from a stage with another plugin is refused', async () => {
  const run = new Run(perceptron());
  const make = (plugin: Plugin = gradual(0.5), state?: PluginState) =>
    createTrainer(run, { data: toyData({}), epochs: 2, schedules: [{ plugin, owner: plugin.name }] }, state);
  const first = await make();
  await first.nextEpoch();
  const state = await first.save();
  first.dispose();
  const other = { ...gradual(0.5), name: 'other' };
  for (const wrong of [state, {}]) expect(await codeOf(() => make(other, wrong))).toBe('bad-state');
});
