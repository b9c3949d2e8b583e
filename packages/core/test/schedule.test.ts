import { type Moment, once, progress, Run, type Running, type Schedule, timing } from '@espalier/core';
import { describe, expect, test } from 'vitest';
import { nameOf } from '../src/schedule.js';
import { codeOf, perceptron } from './helpers.js';
import { acting } from './plugins.js';

const plugin = acting('mine', {});

/** All moments of a stage. */
function moments(schedule: Omit<Schedule, 'plugin'>, epochs: number, stepsPerEpoch: number): Moment[] {
  const time = timing({ plugin, ...schedule }, epochs, stepsPerEpoch);
  return Array.from({ length: epochs * stepsPerEpoch + 5 }, (_, step) => time.at(step)).filter(
    (at) => at !== undefined,
  );
}

test('a schedule goes by the name of its plugin, which may run already', () => {
  const run = new Run(perceptron());
  const pruner = acting('mine', { masks: () => new Map() });
  expect([nameOf({ plugin: pruner }), nameOf({ plugin: run.start(pruner) as Running })]).toEqual([
    'mine',
    'mine',
  ]);
  run.dispose();
});

describe('timing', () => {
  test('by default it fires at the start of every epoch', () => {
    const fired = moments({}, 3, 10);
    expect(fired.map((at) => at.step)).toEqual([0, 10, 20]);
    expect(fired.map((at) => at.index)).toEqual([0, 1, 2]);
    expect(fired[0]).toEqual({
      epoch: 0,
      step: 0,
      stepsPerEpoch: 10,
      start: 0,
      end: 3,
      every: 1,
      index: 0,
      count: 3,
    });
  });

  test('the end is exclusive', () => {
    expect(moments({ start: 2, end: 4 }, 6, 5).map((at) => at.step)).toEqual([10, 15]);
  });

  test('every so many epochs or steps', () => {
    expect(moments({ start: 1, end: 8, every: 3 }, 8, 2).map((at) => at.epoch)).toEqual([1, 4, 7]);
    expect(moments({ start: 1, end: 2, every: { steps: 4 } }, 3, 10).map((at) => at.step)).toEqual([
      10, 14, 18,
    ]);
    expect(moments({ every: { steps: 4 } }, 1, 10)[0].every).toBe(0.4);
    expect(moments({ every: 0.5 }, 2, 4).map((at) => at.step)).toEqual([0, 2, 4, 6]);
  });

  test.each([1, 2, 3, 5, 7])('count is how often it fires (every %i)', (every) => {
    for (let end = 3; end <= 12; end++) {
      const fired = moments({ start: 2, end, every }, 12, 3);
      expect(fired.every((at, i) => at.index === i && at.count === fired.length)).toBe(true);
    }
  });

  test('covers the epochs from start to end', () => {
    const time = timing({ plugin, start: 1, end: 3, every: 2 }, 5, 4);
    expect([0, 1, 2, 3, 4].map((epoch) => time.covers(epoch))).toEqual([false, true, true, false, false]);
  });

  test.each<[string, Omit<Schedule, 'plugin'>]>([
    ['ends before it starts', { start: 3, end: 3 }],
    ['starts after training', { start: 5 }],
    ['ends after training', { end: 6 }],
    ['starts before training', { start: -1 }],
    ['starts within an epoch', { start: 0.5 }],
    ['ends within an epoch', { end: 2.5 }],
    ['never comes back', { every: 0 }],
    ['fires between steps', { every: 0.3 }],
    ['fires every no step', { every: { steps: 0 } }],
    ['fires at NaN', { every: Number.NaN }],
  ])('a schedule that %s is refused', async (_, schedule) => {
    expect(await codeOf(() => timing({ plugin, ...schedule }, 5, 4))).toBe('invalid-schedule');
    expect(() => timing({ plugin, ...schedule }, 5, 4)).toThrow('The schedule of mine');
  });
});

describe('progress', () => {
  test('runs from 0 at the first firing to 1 at the last', () => {
    expect(moments({ start: 1, end: 6 }, 6, 3).map(progress)).toEqual([0, 0.25, 0.5, 0.75, 1]);
    expect(moments({ start: 1, end: 6, every: 9 }, 6, 3).map(progress)).toEqual([1]);
    expect(progress(once())).toBe(1);
  });
});
