import type { Moment } from '@espalier/core';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { TauSchedule } from '../src/tau.js';

const at = (index: number, count: number): Moment => ({
  epoch: 0,
  step: index,
  stepsPerEpoch: 2,
  start: 0,
  end: 1,
  every: 1,
  index,
  count,
});
const curve = (tau: ConstructorParameters<typeof TauSchedule>[0]): number[] => {
  const schedule = new TauSchedule(tau);
  return [0, 1, 2, 3, 4].map((i) => Number(schedule.next(at(i, 5), 0).toFixed(6)));
};

it('stays, or moves along a line, a cosine or by equal factors', () => {
  expect(curve(0.5)).toEqual([0.5, 0.5, 0.5, 0.5, 0.5]);
  expect(curve({ from: 0, to: 4 })).toEqual([0, 1, 2, 3, 4]);
  expect(curve({ from: 0, to: 4, over: 0.5 })).toEqual([0, 2, 4, 4, 4]);
  expect(curve({ from: 0, to: 4, shape: 'cosine' })).toEqual([0, 0.585786, 2, 3.414214, 4]);
  expect(curve({ from: 1, to: 16, shape: 'geometric' })).toEqual([1, 2, 4, 8, 16]);
});

it('grows until there are enough zeros', () => {
  const schedule = new TauSchedule({ from: 1, zeros: 0.9, growth: 4, most: 20 });
  expect(schedule.next(at(0, 9), undefined)).toBe(1);
  expect(schedule.next(at(1, 9), 0.5)).toBe(2); // two steps per epoch
  expect(schedule.next(at(2, 9), 0.95)).toBe(2);
  for (let i = 3; i < 9; i++) schedule.next(at(i, 9), 0.5);
  expect(schedule.present).toBe(20);
});

it('by default grows by 1.3 an epoch, to a thousand times what it began with', () => {
  const schedule = new TauSchedule({ from: 2, zeros: 0.5 });
  expect(schedule.next(at(0, 9), 0.4)).toBeCloseTo(2 * Math.sqrt(1.3), 12);
  expect(schedule.next(at(1, 9), 0.5)).toBeCloseTo(2 * Math.sqrt(1.3), 12);
  schedule.present = 1999;
  expect(schedule.next(at(2, 9), 0.4)).toBe(2000);
  expect(new TauSchedule({ from: 2, zeros: 0.5 }, 7).next(at(3, 9), 0.6)).toBe(7);
});

it('on the device is what it is here', () => {
  for (const tau of [
    { from: 1, zeros: 0.9, growth: 4, most: 20 },
    { from: 2, zeros: 0.5 },
  ]) {
    const schedule = new TauSchedule(tau);
    expect(schedule.follows).toBe(true);
    for (const [present, zeros] of [
      [3, 0.1],
      [3, 0.95],
      [19, 0.1],
    ]) {
      schedule.present = present;
      const grown = tf.tidy(
        () => schedule.grown(at(1, 9), tf.scalar(present), tf.scalar(zeros)).dataSync()[0],
      );
      expect(grown).toBeCloseTo(schedule.next(at(1, 9), zeros), 4);
    }
  }
  expect(new TauSchedule(3).follows).toBe(false);
  expect(new TauSchedule({ from: 0, to: 1 }).follows).toBe(false);
});

it('at a single step is what it ends with', () => {
  expect(new TauSchedule({ from: 0, to: 4 }).next({ ...at(0, 1) }, undefined)).toBe(4);
});
