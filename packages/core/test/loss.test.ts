import {
  type Loss,
  outputActivation,
  randomUniform,
  resolveLoss,
  softmaxCrossEntropy,
  withLogits,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { close, codeOf, dense, differences, perceptron, values } from './helpers.js';

const { layers } = tfl;

function normalish(seed: number, n: number, scale = 2): number[] {
  const draw = randomUniform(seed);
  return Array.from({ length: n }, () => scale * (draw() + draw() + draw() - 1.5));
}

/** Rows of soft labels, each with sum 1. */
function soft(seed: number, rows: number, classes: number): number[] {
  const draw = randomUniform(seed);
  return Array.from({ length: rows }, () => {
    const row = Array.from({ length: classes }, () => draw());
    const sum = row.reduce((a, b) => a + b);
    return row.map((v) => v / sum);
  }).flat();
}

const single = (layer: tfl.layers.Layer): tfl.LayersModel => tfl.sequential({ layers: [layer] });
const linear = single(dense('linear', 3, 1, { inputShape: [2] }));
const softmax = single(dense('softmax', 3, 1, { inputShape: [2], activation: 'softmax' }));
const sigmoid = single(dense('sigmoid', 1, 1, { inputShape: [2], activation: 'sigmoid' }));

let before = 0;
beforeEach(() => {
  before = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(before);
});

/** Value and gradient of a loss with respect to what it is computed on, against central differences. */
function checkGradient(
  compute: (labels: tf.Tensor, x: tf.Tensor) => tf.Scalar,
  labels: number[],
  x: number[],
  shape: number[],
  labelShape = shape,
): void {
  tf.tidy(() => {
    const y = tf.tensor(labels, labelShape);
    const gradient = tf.grad((t) => compute(y, t))(tf.tensor(x, shape));
    const f = (at: number[]): number => tf.tidy(() => compute(y, tf.tensor(at, shape)).dataSync()[0]);
    const expected = differences(f, x);
    const scale = Math.max(...expected.map(Math.abs));
    close(
      values(gradient).map((v) => v / scale),
      expected.map((v) => v / scale),
      2e-3,
    );
  });
}

describe('softmaxCrossEntropy', () => {
  test('equals tf.losses.softmaxCrossEntropy', () => {
    tf.tidy(() => {
      const labels = tf.oneHot([0, 2, 1, 1], 3);
      const logits = tf.tensor2d(normalish(1, 12), [4, 3]);
      const expected = tf.losses.softmaxCrossEntropy(labels, logits);
      close(values(softmaxCrossEntropy(tf.cast(labels, 'float32'), logits)), values(expected), 1e-6);
    });
  });

  test.each([[[4, 3]], [[2, 3, 4]], [[2, 2, 2, 5]]])('gradient at shape %j', (shape) => {
    const n = shape.reduce((a, b) => a * b);
    const classes = shape[shape.length - 1];
    checkGradient(softmaxCrossEntropy, soft(2, n / classes, classes), normalish(3, n), shape);
  });

  test('large logits neither overflow nor lose the gradient', () => {
    tf.tidy(() => {
      const labels = tf.tensor2d([[0, 1, 0]]);
      const logits = tf.tensor2d([[1000, -1000, 999]]);
      const loss = softmaxCrossEntropy(labels, logits);
      close(values(loss), [2000 + Math.log(1 + Math.exp(-1))], 1e-6);
      const gradient = values(tf.grad((x) => softmaxCrossEntropy(labels, x))(logits));
      close(gradient, [1 / (1 + Math.exp(-1)), -1, 1 / (1 + Math.E)], 1e-5);
    });
  });

  test('its gradient is scaled by what comes from above', () => {
    tf.tidy(() => {
      const labels = tf.tensor2d([[0, 1]]);
      const logits = tf.tensor2d([[0.3, -0.2]]);
      const once = values(tf.grad((x) => softmaxCrossEntropy(labels, x))(logits));
      const thrice = values(tf.grad((x) => tf.mul(3, softmaxCrossEntropy(labels, x)))(logits));
      close(
        thrice,
        once.map((v) => 3 * v),
        1e-6,
      );
    });
  });
});

describe('resolveLoss', () => {
  test('takes logits where the model ends in the matching activation', () => {
    expect(resolveLoss('categoricalCrossentropy', softmax).onLogits).toBe(true);
    expect(resolveLoss('binaryCrossentropy', sigmoid).onLogits).toBe(true);
    expect(resolveLoss('categoricalCrossentropy', linear).onLogits).toBe(false);
    expect(resolveLoss('categoricalCrossentropy', sigmoid).onLogits).toBe(false);
    expect(resolveLoss('binaryCrossentropy', softmax).onLogits).toBe(false);
    expect(resolveLoss('meanSquaredError', softmax).onLogits).toBe(false);
  });

  test('categorical cross-entropy on probabilities', () => {
    const { compute } = resolveLoss('categoricalCrossentropy', linear);
    const [y, p] = [soft(4, 5, 3), soft(5, 5, 3)];
    tf.tidy(() => {
      const expected = -y.reduce((sum, v, i) => sum + v * Math.log(p[i]), 0) / 5;
      close(values(compute(tf.tensor2d(y, [5, 3]), tf.tensor2d(p, [5, 3]))), [expected], 1e-5);
    });
    const away = normalish(5, 24).map((v) => 0.5 + v / 10); // From 0, where the logarithm is steep.
    checkGradient(compute, soft(4, 6, 4), away, [2, 3, 4]);
  });

  test('categorical cross-entropy: probabilities and logits agree', () => {
    tf.tidy(() => {
      const labels = tf.tensor2d(soft(6, 4, 3), [4, 3]);
      const logits = tf.tensor2d(normalish(7, 12), [4, 3]);
      const a = resolveLoss('categoricalCrossentropy', softmax).compute(labels, logits);
      const b = resolveLoss('categoricalCrossentropy', linear).compute(labels, tf.softmax(logits));
      close(values(a), values(b), 1e-5);
    });
  });

  test('binary cross-entropy on logits equals tf.losses.sigmoidCrossEntropy', () => {
    const { compute } = resolveLoss('binaryCrossentropy', sigmoid);
    const labels = [0, 1, 1, 0, 1, 0.25];
    const logits = [...normalish(8, 4), 80, -90];
    tf.tidy(() => {
      const [y, x] = [tf.tensor2d(labels, [6, 1]), tf.tensor2d(logits, [6, 1])];
      close(values(compute(y, x)), values(tf.losses.sigmoidCrossEntropy(y, x)), 1e-5);
      close(values(compute(tf.tensor1d(labels), x)), values(compute(y, x)), 0);
    });
    checkGradient(compute, labels.slice(0, 4), logits.slice(0, 4), [2, 1, 2]);
  });

  test('binary cross-entropy on probabilities equals tf.losses.logLoss', () => {
    const { compute } = resolveLoss('binaryCrossentropy', softmax);
    const p = [0.1, 0.9, 0.5, 0.3];
    tf.tidy(() => {
      const [y, x] = [tf.tensor2d([0, 1, 1, 0], [4, 1]), tf.tensor2d(p, [4, 1])];
      close(values(compute(y, x)), values(tf.losses.logLoss(y, x)), 1e-5);
      expect(Number.isFinite(values(compute(tf.tensor1d([1]), tf.tensor2d([[0]])))[0])).toBe(true);
    });
    checkGradient(compute, [0, 1, 1, 0], p, [4, 1]);
  });

  test('mean squared error equals tf.losses.meanSquaredError', () => {
    const { compute } = resolveLoss('meanSquaredError', linear);
    tf.tidy(() => {
      const [y, x] = [tf.tensor2d(normalish(9, 6), [2, 3]), tf.tensor2d(normalish(10, 6), [2, 3])];
      close(values(compute(y, x)), values(tf.losses.meanSquaredError(y, x)), 1e-6);
    });
    checkGradient(compute, normalish(9, 8), normalish(10, 8), [2, 2, 2]);
    checkGradient(compute, normalish(9, 4), normalish(10, 4), [4, 1], [4]);
  });

  test('a function is taken as it is', () => {
    const mine = (y: tf.Tensor, x: tf.Tensor): tf.Scalar => tf.sum(tf.abs(tf.sub(y, x)));
    const { onLogits, compute } = resolveLoss(mine, softmax);
    expect(onLogits).toBe(false);
    tf.tidy(() =>
      close(
        values(compute(tf.tensor1d([1, 2]), tf.tensor1d([3, 5]))),
        values(mine(tf.tensor1d([1, 2]), tf.tensor1d([3, 5]))),
      ),
    );
  });

  test('a name that does not exist', async () => {
    expect(await codeOf(() => resolveLoss('mse' as Loss, linear))).toBe('unknown-name');
    expect(() => resolveLoss('meanSquareError' as Loss, linear)).toThrow("'meanSquaredError'");
  });
});

describe('withLogits', () => {
  const endings: [string, () => tfl.layers.Layer[], string | undefined][] = [
    ['a dense softmax', () => [dense('a', 3, 1, { inputShape: [2], activation: 'softmax' })], 'softmax'],
    ['a dense sigmoid', () => [dense('a', 3, 1, { inputShape: [2], activation: 'sigmoid' })], 'sigmoid'],
    ['a softmax layer', () => [dense('a', 3, 1, { inputShape: [2] }), layers.softmax()], 'softmax'],
    [
      'an activation layer',
      () => [dense('a', 3, 1, { inputShape: [2] }), layers.activation({ activation: 'sigmoid' })],
      'sigmoid',
    ],
    [
      'a nested model',
      () => [
        dense('a', 3, 1, { inputShape: [2] }),
        tfl.sequential({ layers: [dense('b', 3, 2, { inputShape: [3], activation: 'softmax' })] }),
      ],
      'softmax',
    ],
    ['a dense relu', () => [dense('a', 3, 1, { inputShape: [2], activation: 'relu' })], undefined],
    [
      'a softmax before a dropout',
      () => [dense('a', 3, 1, { inputShape: [2], activation: 'softmax' }), layers.dropout({ rate: 0.5 })],
      undefined,
    ],
    [
      'a softmax layer at rank 3',
      () => [layers.dense({ units: 3, inputShape: [4, 2] }), layers.softmax({ axis: -1 })],
      'softmax',
    ],
  ];

  test.each(endings)('of a model that ends in %s', (_, make, expected) => {
    const model = tfl.sequential({ layers: make() });
    expect(outputActivation(model)).toBe(expected);
    tf.tidy(() => {
      const x = tf.tensor(normalish(11, 8), model.inputs[0].shape.length === 2 ? [4, 2] : [1, 4, 2]);
      const outputs = model.apply(x) as tf.Tensor;
      const bare = withLogits(model, () => model.apply(x) as tf.Tensor);
      const activated =
        expected === 'softmax' ? tf.softmax(bare) : expected === 'sigmoid' ? tf.sigmoid(bare) : bare;
      close(values(activated), values(outputs), 1e-6);
      if (expected !== undefined) expect(values(bare)).not.toEqual(values(outputs));
      expect(values(model.apply(x) as tf.Tensor)).toEqual(values(outputs));
    });
    model.dispose();
    before = tf.memory().numTensors;
  });

  test('puts the activation back after an error', () => {
    const model = perceptron();
    expect(() =>
      withLogits(model, () => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(outputActivation(model)).toBe('softmax');
    model.dispose();
  });

  test('a model with two outputs has no output activation', () => {
    const input = tfl.input({ shape: [2] });
    const outputs = ['x', 'y'].map(
      (name) => dense(name, 2, 1, { activation: 'softmax' }).apply(input) as tfl.SymbolicTensor,
    );
    const model = tfl.model({ inputs: input, outputs });
    expect(outputActivation(model)).toBeUndefined();
    model.dispose();
  });
});
