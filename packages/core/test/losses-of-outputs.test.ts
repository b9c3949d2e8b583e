import { type Loss, resolveLoss, resolveLosses } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { expect, test } from 'vitest';
import { close, dense, values } from './helpers.js';

// What a loss knows of a model's output: what its labels are, and whether it takes the activation over.

const linear = tfl.sequential({ layers: [dense('linear', 3, 1, { inputShape: [2] })] });
const softmax = tfl.sequential({
  layers: [dense('softmax', 3, 1, { inputShape: [2], activation: 'softmax' })],
});
const sigmoid = tfl.sequential({
  layers: [dense('sigmoid', 3, 1, { inputShape: [2], activation: 'sigmoid' })],
});

test.each<[Loss, tfl.LayersModel, string, number]>([
  ['huber', linear, 'numbers', 0.5],
  ['meanSquaredError', softmax, 'classes', 0.5],
  ['meanSquaredError', sigmoid, 'numbers', 0.5],
  ['binaryCrossentropy', sigmoid, 'labels', 0],
  ['binaryCrossentropy', linear, 'labels', 0.5],
  ['hinge', linear, 'labels', 0],
  ['hinge', sigmoid, 'labels', 0.5],
  [() => tf.scalar(0), softmax, 'classes', 0.5],
  [() => tf.scalar(0), linear, 'unknown', 0.5],
])('%s: what the labels are, and above what they are there: %#', (loss, model, task, threshold) => {
  expect(resolveLoss(loss, model)).toMatchObject({ task, threshold });
});

test('the activation is left out of the pass by losses that take it over, by no others', () => {
  tf.tidy(() => {
    const inputs = tf.tensor2d([[1, -2]]);
    const pass = (): number[] => values(softmax.apply(inputs) as tf.Tensor);
    const sum = (of: readonly number[]): number => of.reduce((a, b) => a + b);
    const probabilities = resolveLosses('meanSquaredError', softmax).forward(pass);
    const logits = resolveLosses('categoricalCrossentropy', softmax).forward(pass);
    expect(sum(probabilities)).toBeCloseTo(1, 6);
    const whole = sum(logits.map(Math.exp));
    close(
      probabilities,
      logits.map((logit) => Math.exp(logit) / whole),
      1e-6,
    );
    expect(logits.some((logit) => logit < 0 || logit > 1)).toBe(true);
  });
});

test('an output that a model gives twice keeps its activation, for the other', () => {
  const input = tfl.input({ shape: [2] });
  const end = dense('end', 3, 1, { activation: 'softmax' }).apply(input) as tfl.SymbolicTensor;
  const other = dense('other', 3, 2, { activation: 'softmax' }).apply(input) as tfl.SymbolicTensor;
  const [once, twice] = [
    [end, other],
    [end, other, end],
  ].map((outputs) => tfl.model({ inputs: input, outputs }));
  const onLogits = (model: tfl.LayersModel): boolean[] =>
    model.outputs.map((_, i) => resolveLoss('categoricalCrossentropy', model, i).onLogits);
  expect([onLogits(once), onLogits(twice)]).toEqual([
    [true, true],
    [false, true, false],
  ]);
  twice.dispose(); // and the layers of both
});
