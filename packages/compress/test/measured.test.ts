import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { gather } from '../src/calibrate/gather-moments.js';
import { sensitivities } from '../src/calibrate/sensitivity.js';
import { load } from '../src/model/load.js';
import type { Executable } from '../src/model/model.js';
import { type Stage, Work } from '../src/time-budget.js';
import { rowMajor } from '../src/trace/layout.js';
import { GraphBuilder } from './graphs.js';
import { noise } from './models.js';

beforeAll(() => tf.ready());

const rms = (list: Float32Array): number => Math.sqrt(list.reduce((sum, v) => sum + v * v, 0) / list.length);

const all = (): Stage => new Work(Number.POSITIVE_INFINITY).stage(1);

/** A model that is a function of its weights and its input. */
function modelOf(
  weights: Readonly<Record<string, tf.Tensor>>,
  f: (x: tf.Tensor, w: (name: string) => tf.Tensor) => tf.Tensor[],
): Executable {
  return {
    inputs: [{ name: 'x', shape: [-1, 3], dtype: 'float32' }],
    weights: new Map(Object.entries(weights)),
    before: [],
    waits: false,
    run: async ([x], others) =>
      tf.tidy(() => f(x as tf.Tensor, (name) => others?.get(name) ?? (weights[name] as tf.Tensor))),
    dispose: () => tf.dispose(weights),
  };
}

describe('sensitivities', () => {
  test('of one output of one example are the squared slope itself, in units of the peak', async () => {
    const model = modelOf({ w: tf.tensor2d([1, 2, 3], [3, 1]) }, (x, w) => [
      tf.matMul(x as tf.Tensor2D, w('w') as tf.Tensor2D),
    ]);
    const x = tf.tensor2d([2, -1, 0.5], [1, 3]);
    const { numTensors } = tf.memory();
    const found = await sensitivities(model, [[x]], ['w'], [4]);
    [4, 1, 0.25].forEach((square, i) => {
      expect(found.get('w')?.[i]).toBeCloseTo(square / 16, 6);
    });
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  test('are means over examples and outputs, and over batches', async () => {
    // Output c is x_c w_c: whatever the signs, one slope each.
    const model = modelOf({ w: tf.tensor1d([1, 2, 3]) }, (x, w) => [tf.mul(x, w('w'))]);
    const [one, other] = [tf.tensor2d([2, -1, 0.5], [1, 3]), tf.tensor2d([1, 3, 0], [1, 3])];
    const found = await sensitivities(model, [[one], [other]], ['w'], [2]);
    [(4 + 1) / 2, (1 + 9) / 2, (0.25 + 0) / 2].forEach((square, i) => {
      expect(found.get('w')?.[i]).toBeCloseTo(square / 4 / 3, 6);
    });
  });

  test('of several outputs: each in its own peak, integers and flags not', async () => {
    const model = modelOf({ w: tf.tensor1d([2, 5]) }, (x, w) => {
      const [a, b] = tf.split(w('w'), 2);
      return [
        tf.mul(tf.slice(x, [0, 0], [1, 1]), a as tf.Tensor),
        tf.cast(x, 'int32'),
        tf.mul(tf.slice(x, [0, 1], [1, 1]), b as tf.Tensor),
      ];
    });
    const found = await sensitivities(model, [[tf.tensor2d([3, 4, 5], [1, 3])]], ['w'], [2, 10]);
    expect(found.get('w')?.[0]).toBeCloseTo(9 / 4 / 2, 5);
    expect(found.get('w')?.[1]).toBeCloseTo(16 / 100 / 2, 5);
  });

  test('of probabilities are those of angles', async () => {
    // A softmax of two is a sigmoid: of angles the two slopes square to p (1 - p), whatever the signs on average.
    const p = 0.8;
    const model = modelOf({ w: tf.scalar(Math.log(p / (1 - p))) }, (x, w) => {
      const q = tf.sigmoid(tf.mul(w('w'), tf.slice(x, [0, 0], [1, 1])));
      return [tf.concat([q, tf.sub(1, q)], 1)];
    });
    const x = tf.ones([1, 3]);
    const found = (await sensitivities(model, [[x]], ['w'], [1], [true])).get('w')?.[0] as number;
    // (s sqrt(p) (1 - p) - t sqrt(1 - p) p)^2 for signs s, t: the mean is p (1 - p), and signs alike or not give two values.
    const [alike, not] = [-1, 1].map((t) => (Math.sqrt(p) * (1 - p) + t * Math.sqrt(1 - p) * p) ** 2 / 2) as [
      number,
      number,
    ];
    const share = (found - alike) / (not - alike);
    expect(Math.round(12 * share) / 12).toBeCloseTo(share, 4);
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(1);
  });

  test('without a gradient are measured: the error of noise, over its power, spread over the tensor', async () => {
    const values = Float32Array.from({ length: 300 }, (_, i) => 5 + 3 * Math.sin(i));
    // What is custom has no gradient.
    const forward = (x: tf.Tensor, w: tf.Tensor): tf.Tensor =>
      tf.customGrad((v) => ({
        value: tf.mul(tf.slice(x, [0, 0], [1, 1]), v as tf.Tensor),
        gradFunc: () => {
          throw new Error('none');
        },
      }))(w);
    const moved: Float32Array[] = [];
    const model = modelOf({ w: tf.tensor1d(values), v: tf.tensor1d(values) }, (x, w) => {
      moved.push(w('w').dataSync() as Float32Array);
      return [tf.add(forward(x, w('w')), tf.mul(0, w('v')))];
    });
    const x = tf.tensor2d([3, 0, 0], [1, 3]);
    const { numTensors } = tf.memory();
    const found = await sensitivities(model, [[x]], ['w', 'v'], [2]);
    expect(tf.memory().numTensors).toBe(numTensors);
    // Each of 300 outputs moves by 3 times its weight's noise: 9 / 4 of its power, over 300 weights.
    const own = found.get('w') as Float64Array;
    expect(new Set(own).size).toBe(1);
    expect((own[0] as number) / (9 / 4 / 300)).toBeGreaterThan(0.8);
    expect((own[0] as number) / (9 / 4 / 300)).toBeLessThan(1.2);
    expect(found.get('v')?.[0]).toBe(0);
    // Noise of a thousandth of the tensor's size.
    const noiseOf = moved.map((other) => rms(other.map((v, i) => v - (values[i] as number))) / rms(values));
    expect(Math.max(...noiseOf)).toBeGreaterThan(0.9e-3);
    expect(Math.max(...noiseOf)).toBeLessThan(1.1e-3);
  });

  test('are of as many probes as there is time for', async () => {
    let runs = 0;
    const model = modelOf({ w: tf.tensor1d([1, 2, 3]) }, (x, w) => {
      runs++;
      return [tf.mul(x, w('w'))];
    });
    let now = 0;
    const stage = new Work(3.5, () => now++).stage(1);
    const found = await sensitivities(model, [[tf.tensor2d([2, -1, 0.5], [1, 3])]], ['w'], [1], [], stage);
    expect(runs).toBeLessThan(12);
    expect(found.get('w')?.[0]).toBeCloseTo(4 / 3, 5);
    runs = 0;
    await sensitivities(model, [[tf.tensor2d([2, -1, 0.5], [1, 3])]], ['w'], [1]);
    expect(runs).toBe(12);
  });
});

describe('moments of a model', () => {
  test('are of all batches, halves of them apart, and no more positions than asked for', async () => {
    const g = new GraphBuilder();
    g.dense('d', g.input('x', [-1, 3]), 3, 8, 1);
    g.output('d/y');
    const model = await load(g.artifacts());
    const batches = [1, 2].map((seed) => [noise([6, 3], seed)]);
    const { numTensors } = tf.memory();
    const linear = new Map([['d/w', rowMajor(3, 8)]]);
    const found = (await gather(model, batches, linear, new Map(), all())).get('d/w')?.finish();
    expect(found?.positions).toBe(12);
    expect(tf.memory().numTensors).toBe(numTensors);
    const rows = batches.map(([x]) => (x as tf.Tensor2D).arraySync() as number[][]);
    const mean = (list: number[][], i: number, j: number): number =>
      list.reduce((sum, row) => sum + (row[i] as number) * (row[j] as number), 0) / list.length;
    // The first half and the second of each batch: the second half of the first batch is the second part.
    const parts = rows.flatMap((batch) => [batch.slice(0, 3), batch.slice(3)]);
    const [learned, checked] = [[0, 2, 3].flatMap((p) => parts[p] as number[][]), parts[1] as number[][]];
    for (const [i, j] of [
      [0, 0],
      [0, 1],
      [2, 1],
    ] as const) {
      expect(found?.moments[4 * i + j]).toBeCloseTo(mean(rows.flat(), i, j), 5);
      expect(found?.split?.[0][4 * i + j]).toBeCloseTo(mean(learned, i, j), 5);
      expect(found?.split?.[1][4 * i + j]).toBeCloseTo(mean(checked, i, j), 5);
    }
    tf.dispose(batches.flat());
    model.dispose();
  });
});
