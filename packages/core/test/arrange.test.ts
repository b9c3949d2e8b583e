import { arrange } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterAll, expect, test } from 'vitest';
import { codeOf } from './helpers.js';

const ends = ['a', 'b'].map((name) => tfl.input({ name, shape: [1] }));
const joined = tfl.layers.add({ name: 'sum' }).apply(ends) as tfl.SymbolicTensor;
const two = tfl.model({ inputs: ends, outputs: joined });
const [x, y] = [tf.zeros([1, 1]), tf.ones([1, 1])];
afterAll(() => tf.dispose([x, y]));

test('a single tensor is itself, by itself, in a list and by its name', () => {
  expect(arrange(two, 'output', x)).toBe(x);
  expect(arrange(two, 'output', [x])).toBe(x);
  expect(arrange(two, 'output', { sum: x })).toBe(x);
});

test('several are in the order of the model', () => {
  expect(arrange(two, 'input', [x, y])).toEqual([x, y]);
  const [a, b] = arrange(two, 'input', { b: y, a: x }) as tf.Tensor[];
  expect([a === x, b === y]).toEqual([true, true]);
});

test('another number of them is refused', async () => {
  expect(() => arrange(two, 'input', x)).toThrow('The model has 2 inputs; the data give 1 tensor of inputs.');
  expect(() => arrange(two, 'output', [x, y])).toThrow('1 output; the data give 2 tensors of labels.');
  expect(await codeOf(() => arrange(two, 'input', [x]))).toBe('shape-mismatch');
});
