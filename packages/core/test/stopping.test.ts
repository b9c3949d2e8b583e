import { type EpochMetrics, Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { Best, shouldStop } from '../src/internal/stopping.js';
import { perceptron, values } from './helpers.js';

const metricsOf = (own: Partial<EpochMetrics>, epoch: number): EpochMetrics => ({
  epoch,
  loss: 1,
  penalty: 0,
  learningRate: 0,
  sparsity: 0,
  seconds: 0,
  ...own,
});
const losses = (...list: number[]): EpochMetrics[] =>
  list.map((validationLoss, epoch) => metricsOf({ validationLoss }, epoch));

describe('shouldStop', () => {
  /** After how many of the epochs it stops. */
  const stops = (history: EpochMetrics[], early: Parameters<typeof shouldStop>[1]): number =>
    history.findIndex((_, i) => shouldStop(history.slice(0, i + 1), early)) + 1;

  test('when there were as many epochs without improvement as patience allows', () => {
    expect(stops(losses(3, 2, 2, 2.5, 1), { patience: 1 })).toBe(3);
    expect(stops(losses(3, 2, 2, 2.5, 1), { patience: 2 })).toBe(4);
    expect(stops(losses(3, 2, 2, 2.5, 1), { patience: 3 })).toBe(0);
    // What counts is the best so far, not the epoch before.
    expect(stops(losses(3, 1, 5, 4, 2), { patience: 3 })).toBe(5);
    expect(shouldStop(losses(1, 2, 3), undefined)).toBe(false);
    expect(shouldStop([], { patience: 1 })).toBe(false);
  });

  test('an improvement of minDelta or less is none, but moves the best', () => {
    expect(stops(losses(3, 2.5, 2, 1.5), { patience: 2, minDelta: 0.5 })).toBe(3);
    expect(stops(losses(3, 2.25, 1.5, 0.75), { patience: 1, minDelta: 0.5 })).toBe(0);
    expect(stops(losses(3, 2.75, 2.5, 2.25), { patience: 3, minDelta: 0.5 })).toBe(4);
  });

  test('accuracy has to rise; without validation the loss counts', () => {
    const history = [0.5, 0.6, 0.6, 0.7].map((validationAccuracy, epoch) =>
      metricsOf({ validationAccuracy, validationLoss: -epoch, loss: -epoch }, epoch),
    );
    expect(stops(history, { metric: 'validationAccuracy', patience: 1 })).toBe(3);
    expect(stops(history, { metric: 'validationAccuracy', patience: 2 })).toBe(0);
    expect(stops(history, { metric: 'loss', patience: 1 })).toBe(0);
    const bare = [3, 2, 2, 1].map((loss, epoch) => metricsOf({ loss }, epoch));
    expect(stops(bare, { patience: 1 })).toBe(3);
    const both = [3, 2, 2, 1].map((loss, epoch) => metricsOf({ loss, validationLoss: -epoch }, epoch));
    expect(stops(both, { patience: 1 })).toBe(0);
    expect(stops(both, { patience: 1, metric: 'loss' })).toBe(3);
  });
});

describe('the best epoch', () => {
  /** The epoch whose weights come back; undefined if none does. */
  async function chosen(
    epochs: readonly (readonly [accuracy: number | undefined, loss: number])[],
    keepBest: { from?: number } | undefined,
    resumeAt = -1,
  ): Promise<number | undefined> {
    const run = new Run(perceptron(), { seed: 1 });
    const { variable } = run.parameters[0];
    const mark = (epoch: number): void => tf.tidy(() => variable.assign(tf.fill(variable.shape, epoch)));
    let best = new Best({ keepBest } as never);
    for (const [epoch, [validationAccuracy, validationLoss]] of epochs.entries()) {
      if (epoch === resumeAt) {
        const state = best.save();
        best = new Best({ keepBest } as never);
        best.load(state);
      }
      mark(epoch);
      const own = validationAccuracy === undefined ? {} : { validationAccuracy, validationLoss };
      await best.see(metricsOf(own, epoch), run);
    }
    mark(-1);
    best.restore(run);
    const [value] = values(variable);
    run.dispose();
    return value === -1 ? undefined : value;
  }

  test('has the highest accuracy, then the lowest loss, and is the first of equals', async () => {
    expect(
      await chosen(
        [
          [0.5, 1],
          [0.9, 3],
          [0.8, 0],
        ],
        {},
      ),
    ).toBe(1);
    const level = [
      [0.9, 3],
      [0.9, 2],
      [0.9, 2],
      [0.9, 4],
      [0.8, 1],
    ] as const;
    expect(await chosen(level, {})).toBe(1);
    expect(await chosen(level, {}, 3)).toBe(1);
    expect(await chosen(level, {}, 1)).toBe(1);
  });

  test('is looked for from an epoch on, among those that are measured', async () => {
    const falling = [
      [0.9, 1],
      [0.8, 1],
      [0.7, 1],
      [0.6, 1],
    ] as const;
    expect(await chosen(falling, {})).toBe(0);
    expect(await chosen(falling, { from: 2 })).toBe(2);
    expect(await chosen(falling, { from: 4 })).toBeUndefined();
    expect(await chosen(falling, undefined)).toBeUndefined();
    expect(
      await chosen(
        [
          [undefined, 0],
          [0.1, 1],
          [undefined, 0],
        ],
        {},
      ),
    ).toBe(1);
  });
});
