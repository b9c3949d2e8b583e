import {
  type Loss,
  type Losses,
  type LossOptions,
  labelClasses,
  nearestLoss,
  resolveLoss,
  resolveLosses,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { close, codeOf, dense, differences, values } from './helpers.js';

const linear = tfl.sequential({ layers: [dense('linear', 3, 1, { inputShape: [2] })] });
const softmax = tfl.sequential({
  layers: [dense('softmax', 3, 1, { inputShape: [2], activation: 'softmax' })],
});
const sigmoid = tfl.sequential({
  layers: [dense('sigmoid', 3, 1, { inputShape: [2], activation: 'sigmoid' })],
});

let before = 0;
beforeEach(() => {
  before = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(before);
});

const x = [0.2, -1.3, 2.5, 0.7, 0.1, -0.4];
const p = [0.2, 0.5, 0.3, 0.1, 0.1, 0.8];
const oneHot = [0, 0, 1, 1, 0, 0];
const soft = [0.1, 0.6, 0.3, 0.3, 0.3, 0.4];
const several = [1, 0, 1, 0, 0, 1];
const numbers = [1, -2, 3.2, 0.5, -0.5, 4];

/**
 * Computed with torch 2.13 in double precision, `F.cross_entropy(x, y, weight=…, label_smoothing=…)` and so on; the hinges with keras
 * 3.15. Weights of examples and binary classes: the weighted sum over the sum of weights.
 */
type Row = [
  loss: Loss,
  model: tfl.LayersModel,
  labels: number[],
  outputs: number[],
  value: number,
  weights?: number[],
];
const golden: Row[] = [
  ['categoricalCrossentropy', softmax, oneHot, x, 0.3739201223237197],
  ['categoricalCrossentropy', softmax, [2, 0], x, 0.3739201223237197],
  ['sparseCategoricalCrossentropy', softmax, [2, 0], x, 0.3739201223237197],
  ['sparseCategoricalCrossentropy', softmax, oneHot, x, 0.3739201223237197],
  ['categoricalCrossentropy', softmax, soft, x, 1.9389201223237196],
  [{ name: 'categoricalCrossentropy', smoothing: 0.1 }, softmax, [2, 0], x, 0.5039201223237196],
  [{ name: 'categoricalCrossentropy', classWeights: [1, 2, 5] }, softmax, [2, 0], x, 0.20175591038593574],
  ['categoricalCrossentropy', softmax, [2, 0], x, 0.2447969633703817, [3, 1]],
  [
    { name: 'categoricalCrossentropy', classWeights: [1, 2, 5] },
    softmax,
    oneHot,
    x,
    0.14795459415537823,
    [3, 1],
  ],
  ['categoricalCrossentropy', linear, [2, 0], p, 1.753278948659991],
  [{ name: 'sparseCategoricalCrossentropy', smoothing: 0.1 }, linear, [2, 0], p, 1.7168655810376963],
  ['binaryCrossentropy', sigmoid, several, x, 0.6131058364776859],
  ['binaryCrossentropy', linear, several, p, 0.6567370799916407],
  [{ name: 'binaryCrossentropy', smoothing: 0.2 }, sigmoid, several, x, 0.6597725031443525],
  [{ name: 'binaryCrossentropy', classWeights: [1, 5] }, sigmoid, several, x, 0.5577116912868051],
  ['binaryCrossentropy', sigmoid, several, x, 0.45955909449003185, [3, 1]],
  ['meanSquaredError', linear, numbers, x, 3.563333333333334],
  ['meanSquaredError', linear, numbers, x, 2.051666666666667, [3, 1]],
  ['meanAbsoluteError', linear, numbers, x, 1.2333333333333334],
  ['huber', linear, numbers, x, 0.8183333333333334],
  [{ name: 'huber', delta: 0.5 }, linear, numbers, x, 0.4991666666666667],
  [{ name: 'huber', delta: 2 }, linear, numbers, x, 1.3016666666666667],
  ['cosineDistance', linear, numbers, x, 0.7073038313057243],
  ['hinge', linear, several, x, 0.8333333333333334],
  ['hinge', linear, several.map((v) => 2 * v - 1), x, 0.8333333333333334],
  ['categoricalHinge', linear, oneHot, x, 0.2],
  ['categoricalHinge', linear, [2, 0], x, 0.2],
  ['kullbackLeiblerDivergence', softmax, soft, x, 0.945497272222718],
  ['kullbackLeiblerDivergence', linear, soft, p, 0.21099335849863282],
  ['kullbackLeiblerDivergence', linear, oneHot, p, 1.753278948659991],
];

test.each<Row>(golden)('%j: %#', (loss, model, labels, outputs, expected, weights) => {
  tf.tidy(() => {
    const { compute } = resolveLoss(loss, model);
    const y = tf.tensor([...labels], labels.length === 2 ? [2] : [2, 3]);
    const w = weights && tf.tensor1d(weights);
    const at = (of: readonly number[]): tf.Scalar => compute(y, tf.tensor2d([...of], [2, 3]), w);
    close(values(at(outputs)), [expected], 1e-6);
    // And its gradient is that of the value.
    const gradient = tf.grad((t) => compute(y, t, w))(tf.tensor2d([...outputs], [2, 3]));
    close(
      values(gradient),
      differences((of) => values(at(of))[0], [...outputs]),
      6e-3,
    );
  });
});

test('sequences: labels are numbers without the last axis, or with one of 1 there', () => {
  tf.tidy(() => {
    const { compute } = resolveLoss('categoricalCrossentropy', softmax);
    const logits = tf.tensor3d(x, [1, 2, 3]);
    for (const shape of [
      [1, 2],
      [1, 2, 1],
    ]) {
      close(values(compute(tf.tensor([2, 0], shape, 'int32'), logits)), [0.3739201223237197], 1e-6);
    }
  });
});

test('a class weight counts as so many examples', () => {
  tf.tidy(() => {
    const weighed = resolveLoss({ name: 'categoricalHinge', classWeights: [2, 0, 1] }, linear);
    const plain = resolveLoss('categoricalHinge', linear);
    const rows = tf.tensor2d(x, [2, 3]);
    const three = tf.concat([rows, tf.slice(rows, [1, 0], [1, 3])]);
    const [a, b] = [weighed.compute(tf.tensor1d([2, 0]), rows), plain.compute(tf.tensor1d([2, 0, 0]), three)];
    close(values(a), values(b), 1e-6);
  });
});

test('of several outputs each has its part in the sum; the first is not weighed', () => {
  const input = tfl.input({ shape: [2] });
  const ends = ['a', 'b'].map((name, i) => dense(name, 3, i + 1).apply(input) as tfl.SymbolicTensor);
  const model = tfl.model({ inputs: input, outputs: ends });
  const all: Losses = { b: { name: 'meanAbsoluteError', weight: 0.25 }, a: 'huber' };
  tf.tidy(() => {
    const pair = [tf.tensor2d(numbers, [2, 3]), tf.tensor2d(numbers, [2, 3])];
    const outputs = [tf.tensor2d(x, [2, 3]), tf.tensor2d(x, [2, 3])];
    const { compute } = resolveLosses(all, model);
    close(values(compute(pair, outputs)), [0.8183333333333334 + 1.2333333333333334 / 4], 1e-6);
    const both = resolveLosses({ name: 'huber', delta: 2 }, model); // one with options, for both
    close(values(both.compute(pair, outputs)), [2 * 1.3016666666666667], 1e-6);
  });
  model.dispose();
});

test('weights of binary classes and of examples multiply', () => {
  tf.tidy(() => {
    const { compute } = resolveLoss({ name: 'hinge', classWeights: [1, 4] }, linear);
    const [y, outputs] = [tf.tensor2d([[1], [0]]), tf.tensor2d([[0.5], [-0.25]])];
    // Hinges of 1/2 and 3/4, which count 4 · 1 and 1 · 3.
    close(values(compute(y, outputs, tf.tensor1d([1, 3]))), [(4 * 0.5 + 3 * 0.75) / 7], 1e-6);
  });
});

test('classes of sequences have the shape of outputs without their last axis', () => {
  tf.tidy(() => {
    const outputs = tf.tensor3d(x, [1, 2, 3]);
    const classes = [tf.tensor3d([2, 0], [1, 2, 1]), tf.tensor3d(oneHot, [1, 2, 3])].map((labels) =>
      labelClasses(labels, outputs),
    );
    for (const found of classes) {
      expect(found.shape).toEqual([1, 2]);
      expect(values(found)).toEqual([2, 0]);
    }
  });
});

describe('refuses', () => {
  const one = tfl.sequential({ layers: [dense('one', 1, 1, { inputShape: [2] })] });
  test.each<[Loss, tfl.LayersModel, string, string]>([
    ['categoricalCrossentropy', one, 'invalid-option', 'over several classes, and the output has one unit'],
    ['kullbackLeiblerDivergence', one, 'invalid-option', 'binaryCrossentropy'],
    [{ name: 'huber', delta: 0 }, linear, 'invalid-option', 'delta is 0'],
    [{ name: 'huber', smoothing: 0.1 } as LossOptions, linear, 'unknown-option', "no option 'smoothing'"],
    [
      { name: 'binaryCrossentropy', classWeights: [1, 2, 3] },
      sigmoid,
      'invalid-option',
      '3 classWeights for 2',
    ],
    [{ name: 'hinge', classWeights: [0, 0] }, linear, 'invalid-option', 'not all of them 0'],
    [
      { name: 'hinge', classWeights: [1, Number.POSITIVE_INFINITY] },
      linear,
      'invalid-option',
      'classWeights is',
    ],
    [{ name: 'binaryCrossentropy', smoothing: 1 }, sigmoid, 'invalid-option', 'smoothing is 1'],
    [{ name: 'categoricalHinge', weight: 0 }, linear, 'invalid-option', 'weight is 0'],
    [{ name: 'hubber' as 'huber' }, linear, 'unknown-name', "Did you mean 'huber'"],
  ])('%j', async (loss, model, code, message) => {
    expect(() => resolveLosses(loss, model)).toThrow(message);
    expect(await codeOf(() => resolveLosses(loss, model))).toBe(code);
  });

  test.each<[Loss, number[], number[], string]>([
    [{ name: 'categoricalCrossentropy', classWeights: [1, 2] }, [2, 0], [2], '2 classWeights for 3 classes'],
    ['huber', [1, 2], [2], 'This loss compares them one by one'],
    ['binaryCrossentropy', [1, 0], [2, 1], 'classes want categoricalCrossentropy'],
    ['categoricalHinge', [1, 0, 1, 0], [2, 2], 'one-hot rows, or numbers from 0'],
  ])('%j with labels %j', (loss, labels, shape, message) => {
    tf.tidy(() => {
      const { compute } = resolveLoss(loss, linear);
      expect(() => compute(tf.tensor(labels, shape), tf.tensor2d(x, [2, 3]))).toThrow(message);
    });
  });
});

test('names that others have', () => {
  const near = [
    'mse',
    'L1'.toLowerCase(),
    'kl_divergence',
    'cosine',
    'bce',
    'crossEntropy',
    'meanSquareError',
    'zzz',
  ];
  expect(near.map(nearestLoss)).toEqual([
    'meanSquaredError',
    'meanAbsoluteError',
    'kullbackLeiblerDivergence',
    'cosineDistance',
    'binaryCrossentropy',
    'categoricalCrossentropy',
    'meanSquaredError',
    undefined,
  ]);
});
