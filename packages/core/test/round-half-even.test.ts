import { once, roundHalfEven } from '@espalier/core';
import { expect, test } from 'vitest';

test('halves go to the even number, all else to the nearest', () => {
  const rounded = [
    [0, 0],
    [0.25, 0],
    [0.5, 0],
    [0.75, 1],
    [1, 1],
    [1.25, 1],
    [1.5, 2],
    [1.75, 2],
    [2.25, 2],
    [2.5, 2],
    [2.75, 3],
    [3.5, 4],
    [4.5, 4],
    [1e15 + 0.5, 1e15],
    [1e15 + 1.5, 1e15 + 2],
    [0.49999999999999994, 0],
    [2.5000000000000004, 3],
  ];
  for (const [x, n] of rounded) expect([x, roundHalfEven(x)]).toEqual([x, n]);
});

test('a single firing is the first and last of a schedule of one epoch', () => {
  expect(once()).toEqual({
    epoch: 0,
    step: 0,
    stepsPerEpoch: 1,
    start: 0,
    end: 1,
    every: 1,
    index: 0,
    count: 1,
  });
});
