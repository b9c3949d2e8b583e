import { type EpochMetrics, type Metric, plateauRate, Run, type TrainOptions, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { shouldStop } from '../src/internal/stopping.js';
import { codeOf, perceptron, toyData, weightsOf } from './helpers.js';

/** A metric whose value in each evaluation is the next of these. */
function scripted(name: string, values: readonly number[], better?: Metric['better']): Metric {
  let at = 0;
  return {
    name,
    ...(better && { better }),
    start: () => ({ look: () => [], add: () => {}, value: () => values[at++] }),
  };
}

const options = (more: Partial<TrainOptions>): TrainOptions => ({
  data: toyData({}),
  validation: toyData({ seed: 2 }),
  epochs: 4,
  learningRate: 0.05,
  ...more,
});

/** The epoch whose weights a run ends with. */
async function keptEpoch(more: Partial<TrainOptions>): Promise<number> {
  const model = perceptron();
  const weights: string[] = [];
  const run = new Run(model);
  await train(
    run,
    options({ ...more, keepBest: {}, onEpoch: () => void weights.push(weightsOf(model).join()) }),
  );
  const kept = weights.indexOf(weightsOf(model).join());
  run.dispose();
  return kept;
}

describe('keepBest follows the goal', () => {
  test.each<[string, Partial<TrainOptions>, number]>([
    ['lower', { metrics: [scripted('m', [3, 1, 2, 4], 'lower')], goal: { metric: 'm' } }, 1],
    ['higher', { metrics: [scripted('m', [3, 1, 2, 4], 'higher')], goal: { metric: 'm' } }, 3],
    [
      'as the goal says',
      { metrics: [scripted('m', [3, 1, 2, 4])], goal: { metric: 'm', better: 'lower' } },
      1,
    ],
    [
      'the other way round',
      { metrics: [scripted('m', [3, 1, 2, 4], 'lower')], goal: { metric: 'm', better: 'higher' } },
      3,
    ],
    [
      'what is no number is never best',
      { metrics: [scripted('m', [Number.NaN, 1, Number.NaN, 0], 'higher')], goal: { metric: 'm' } },
      1,
    ],
    [
      'after the epoch from',
      { metrics: [scripted('m', [9, 1, 2, 1], 'higher')], goal: { metric: 'm' }, keepBest: {} },
      0,
    ],
  ])('%s', async (_, more, epoch) => {
    expect(await keptEpoch(more)).toBe(epoch);
  });

  test('the loss', async () => {
    const losses: number[] = [];
    const kept = await keptEpoch({ goal: { metric: 'loss' } });
    await train(
      new Run(perceptron()),
      options({ onEpoch: ({ validationLoss }) => void losses.push(validationLoss!) }),
    );
    expect(kept).toBe(losses.indexOf(Math.min(...losses)));
  });
});

const history = (values: readonly number[]): EpochMetrics[] =>
  values.map((m, epoch) => ({
    epoch,
    loss: 1,
    penalty: 0,
    learningRate: 1,
    sparsity: 0,
    seconds: 0,
    validationLoss: -epoch, // it improves always
    validationMetrics: { m },
  }));

test('early stopping follows the goal, or the metric that it names', () => {
  const metrics = [scripted('m', [], 'higher')];
  const worse = history([3, 2, 1]);
  const goal = { metric: 'm' };
  expect(shouldStop(worse, { patience: 2 }, { metrics })).toBe(false);
  expect(shouldStop(worse, { patience: 2 }, { metrics, goal })).toBe(true);
  expect(shouldStop(worse, { patience: 2, metric: 'm' }, { metrics })).toBe(true);
  expect(shouldStop(worse, { patience: 2, metric: 'm', better: 'lower' }, { metrics })).toBe(false);
  expect(shouldStop(worse, { patience: 2, metric: 'validationLoss' }, { metrics, goal })).toBe(false);
});

test('a plateau of a metric', () => {
  const rate = (values: number[], better?: 'lower'): number =>
    plateauRate({ initial: 1, factor: 0.5, patience: 1, metric: 'm', ...(better && { better }) })({
      epoch: values.length,
      epochs: 9,
      history: history(values),
    });
  expect(rate([1, 2, 3, 4])).toBe(1);
  expect(rate([4, 3, 2, 1])).toBe(0.5);
  expect(rate([1, 2, 3, 4], 'lower')).toBe(0.5);
});

test('what is measured is in the epoch; nothing where nothing was asked for', async () => {
  const metrics = [scripted('m', [5, 6, 7, 8], 'lower')];
  const run = new Run(perceptron());
  const before = tf.memory().numTensors;
  const measured = await train(run, options({ metrics }));
  expect(measured.map(({ validationMetrics }) => validationMetrics)).toEqual([
    { m: 5 },
    { m: 6 },
    { m: 7 },
    { m: 8 },
  ]);
  expect((await train(run, options({})))[0]).not.toHaveProperty('validationMetrics');
  expect(tf.memory().numTensors).toBe(before);
  run.dispose();
});

test.each<[string, Partial<TrainOptions>, string, string]>([
  ['a goal that is not measured', { goal: { metric: 'accurcy' } }, 'unknown-name', "no metric 'accurcy'"],
  [
    'a goal without a direction',
    { metrics: [scripted('m', [])], goal: { metric: 'm' } },
    'invalid-option',
    "Which values of 'm' are better?",
  ],
  [
    'a direction that is none',
    { goal: { metric: 'loss', better: 'more' as never } },
    'invalid-option',
    "no better 'more'",
  ],
  [
    'a metric to stop by that is not measured',
    { earlyStopping: { metric: 'm', patience: 1 } },
    'unknown-name',
    "no metric 'm'",
  ],
  [
    'an option of the goal that is none',
    { goal: { metric: 'loss', way: 1 } as never },
    'unknown-option',
    "no option 'way'",
  ],
])('refuses %s', async (_, more, code, message) => {
  const run = new Run(perceptron());
  await expect(train(run, options(more))).rejects.toThrow(message);
  expect(await codeOf(() => train(run, options(more)))).toBe(code);
  run.dispose();
});
