import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { batchesOf, splitExamples } from '../src/examples/batches.js';
import { compress, generateExamples } from '../src/index.js';
import { artifactsOf, fill } from './models.js';

beforeAll(() => tf.ready());

const input = (name: string, ...shape: number[]): { name: string; shape: number[]; dtype: 'float32' } => ({
  name,
  shape,
  dtype: 'float32',
});

describe('batches', () => {
  test('of fixed sizes are whole, of others the last may be smaller', () => {
    tf.tidy(() => {
      const sizes = (inputs: Parameters<typeof batchesOf>[0], ...counts: number[]): number[][] =>
        batchesOf(
          inputs,
          counts.map((n, i) => tf.zeros([n, ...inputs[i].shape.slice(1)])),
          4,
        ).map((batch) => batch.map(({ shape }) => shape[0]));
      expect(sizes([input('x', -1, 3)], 10)).toEqual([[4], [4], [2]]);
      expect(sizes([input('x', 3, 2)], 10)).toEqual([[3], [3], [3]]);
      // A picture without an axis of examples, and a vector beside it.
      expect(sizes([input('x', 8, 8, 3), input('v', -1, 2)], 16, 16)).toEqual([
        [8, 8],
        [8, 8],
      ]);
    });
  });

  test('a fourth is set apart, in whole batches', () => {
    tf.tidy(() => {
      const inputs = [input('x', 32, 5), input('y', 16, 2)];
      const examples = generateExamples(inputs, { count: 100 });
      expect(examples.map(({ shape }) => shape[0])).toEqual([224, 112]);
      const [own, apart] = splitExamples(inputs, examples);
      expect(own.map(({ shape }) => shape[0])).toEqual([192, 96]);
      expect(apart?.map(({ shape }) => shape[0])).toEqual([32, 16]);
      expect(batchesOf(inputs, own, 8)).toHaveLength(6);
    });
  });

  test.each([
    [[input('x', -1, 3)], [[0, 3]], 'There are no examples'],
    [[input('x', 32, 3)], [[20, 3]], 'Input x takes 32 examples at a time; 20 are given'],
    [[input('x', -1, 3)], [[5, 2]], 'Input x takes [-1,3]; examples of [5,2] are given'],
    [[input('x', -1, 3)], [[]], 'Input x takes [-1,3]; examples of [] are given'],
    [[input('x', -1, 3), input('y', -1, 1)], [[5, 3]], 'The model has 2 inputs; 1 are given'],
    [
      [input('x', -1, 3), input('y', -1, 1)],
      [
        [5, 3],
        [4, 1],
      ],
      'There are 5 of x and 4 of y',
    ],
  ])('%o does not take %o', (inputs, shapes, message) => {
    tf.tidy(() => {
      const examples = shapes.map((shape) => tf.zeros(shape));
      expect(() => batchesOf(inputs, examples, 4)).toThrow(message);
      if (message !== 'There are no examples') return;
      expect(() => splitExamples(inputs, examples)).not.toThrow();
    });
  });
});

test('a model of a fixed batch is compressed, with inputs of its own making and with given ones', async () => {
  const x = tfl.input({ batchShape: [32, 20] });
  const y = tfl.layers.dense({ units: 12 }).apply(x) as tfl.SymbolicTensor;
  const model = fill(tfl.model({ inputs: x, outputs: y }), 3);
  const artifacts = await artifactsOf(model);
  model.dispose();
  const { numTensors } = tf.memory();
  expect(await compress(artifacts, { quality: 35, effort: 1 })).toMatchObject({ met: true });
  const given = tf.randomNormal([70, 20], 0, 1, 'float32', 4);
  const { met, fidelity } = await compress(artifacts, { quality: 35, effort: 1, calibration: [given] });
  expect([met, fidelity.examples]).toEqual([true, 64]);
  const few = tf.randomNormal([20, 20]);
  await expect(compress(artifacts, { calibration: [few] })).rejects.toMatchObject({ code: 'shape-mismatch' });
  tf.dispose([given, few]);
  expect(tf.memory().numTensors).toBe(numTensors);
});
