import * as tf from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { expect, test } from 'vitest';
import { compareInference, timeInference } from '../src/index.js';
import { medianOf } from '../src/time-inference.js';
import { graph, on } from './models.js';

test('inference is timed', async () => {
  const m = graph([3], (x) => on(layers.dense({ units: 3 }), x));
  const tensors = tf.memory().numTensors;
  const time = await timeInference(m, { repeats: 5, batchSize: 4 });
  expect(time.fastest).toBeLessThanOrEqual(time.median);
  expect(time).toMatchObject({ batchSize: 4, backend: 'cpu' });
  expect(tf.memory().numTensors).toBe(tensors);
  await expect(timeInference(m, { repeats: 0 })).rejects.toThrow('repeats is 0');
});

test('two models are timed in turns, call by call', async () => {
  const models = [3, 5].map((units) => graph([3], (x) => on(layers.dense({ units }), x)));
  const turns: number[] = [];
  for (const [i, m] of models.entries()) {
    const predict = m.predict.bind(m);
    m.predict = (...args) => {
      turns.push(i);
      return predict(...args);
    };
  }
  const tensors = tf.memory().numTensors;
  const { before, after, faster } = await compareInference(models[0], models[1], { repeats: 6 });
  expect(turns).toEqual(Array.from({ length: 18 }, (_, i) => i % 2));
  expect(tf.memory().numTensors).toBe(tensors);
  for (const { fastest, quartiles, median } of [before, after]) {
    const rising = [fastest, quartiles[0], median, quartiles[1]];
    expect(rising).toEqual(rising.toSorted((a, b) => a - b));
  }
  expect(faster.low).toBeLessThanOrEqual(faster.median);
  expect(faster.high).toBeGreaterThanOrEqual(faster.median);
  const open = graph([null as never, 3], (x) => on(layers.dense({ units: 2 }), x));
  await expect(compareInference(models[0], open)).rejects.toThrow('open sizes');
  expect(tf.memory().numTensors).toBe(tensors + 2);
});

// Order statistics of the binomial distribution: of 10 the 2nd and 9th hold the median with 97.9 %, of 21 the 6th and 16th
// with 97.3 %, of 50 the 18th and 33rd with 96.7 %; with 5 even the outermost hold it with 93.8 % only.
test.each([
  [5, 1, 5],
  [10, 2, 9],
  [21, 6, 16],
  [50, 18, 33],
])('the median of %i numbers lies between the %i. and the %i. of them', (n, low, high) => {
  const numbers = Array.from({ length: n }, (_, i) => ((i * 11) % n) + 1);
  expect(medianOf(numbers)).toEqual({ median: (n + 1) / 2, low, high });
});

test('long measurements end early, after seven calls of each', async () => {
  const m = graph([3], (x) => on(layers.dense({ units: 3 }), x));
  let calls = 0;
  const predict = m.predict.bind(m);
  m.predict = (...args) => {
    calls++;
    return predict(...args);
  };
  await timeInference(m, { repeats: 50, seconds: 1e-9 });
  expect(calls).toBe(3 + 7);
  await timeInference(m, { repeats: 2, seconds: 1e-9 });
  expect(calls).toBe(10 + 5);
  await timeInference(m, { repeats: 12 });
  expect(calls).toBe(15 + 15);
  await expect(timeInference(m, { seconds: 0 })).rejects.toThrow('seconds is 0');
});
