import '@tensorflow/tfjs-backend-cpu';
import { type Data, evaluate, type LossOptions, resolveLoss } from '@espalier/core';
import { type MetricName, metricOf } from '@espalier/metrics';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';

/** Sequences of three positions of three classes; what goes in comes out, softmax over it or not. */
const model = (activation: 'linear' | 'softmax'): tfl.LayersModel =>
  tfl.sequential({ layers: [tfl.layers.activation({ activation, inputShape: [3, 3] })] });

/** The probabilities of the three tokens that count are 0.5, 0.25 and 0.8: their product is 1/10. */
const rows = [
  [
    [0.25, 0.5, 0.25],
    [0.25, 0.5, 0.25],
    [0.1, 0.2, 0.7],
  ],
  [
    [0.1, 0.8, 0.1],
    [0.9, 0.05, 0.05],
    [0.2, 0.2, 0.6],
  ],
];
/** 1, 2, fill; 1, fill, fill. */
const labels = (fill: number): number[][] => [
  [1, 2, fill],
  [1, fill, fill],
];

function data(fill: number, given: { oneHot?: boolean; weights?: number[]; logits?: boolean } = {}): Data {
  const one = (i: number): Record<'inputs' | 'labels', tf.Tensor> & { weights?: tf.Tensor } => {
    const numbers = tf.tensor2d([labels(fill)[i]]);
    const inputs = tf.tensor3d([rows[i]]);
    return {
      inputs: given.logits ? tf.log(inputs) : inputs,
      labels: given.oneHot ? tf.oneHot(tf.cast(numbers, 'int32'), 3) : numbers,
      ...(given.weights && { weights: tf.tensor1d([given.weights[i]]) }),
    };
  };
  return {
    size: 2,
    stepsPerEpoch: 2,
    batches: () => [tf.tidy(() => one(0)), tf.tidy(() => one(1))] as never,
  };
}

const names: MetricName[] = ['perplexity', 'bitsPerToken', 'accuracy', 'top2', 'recall'];
const measured = (loss: LossOptions, of: Data, activation: 'linear' | 'softmax' = 'linear') =>
  evaluate(model(activation), of, { loss, metrics: names.map((name) => metricOf(name)) });

describe('positions that fill up', () => {
  const wanted = {
    perplexity: 10 ** (1 / 3),
    bitsPerToken: Math.log2(10) / 3,
    accuracy: 2 / 3, // the second token is taken for 1
    top2: 1,
    recall: (2 / 2 + 0 / 1) / 2,
  };

  it.each([
    ['class 0, as numbers', 0, {}],
    ['class 0, as one-hot rows', 0, { oneHot: true }],
    ['-1, which is no class', -1, {}],
  ] as const)('are not counted: %s', async (_, fill, given) => {
    const before = tf.memory().numTensors;
    const loss = { name: 'categoricalCrossentropy', ignore: fill } as const;
    const found = await measured(loss, data(fill, given));
    for (const [name, value] of Object.entries(wanted))
      expect(found.metrics![name], name).toBeCloseTo(value, 6);
    // Two tokens of the first batch and one of the second, not the mean of both batches.
    expect(found.loss).toBeCloseTo(Math.log(10) / 3, 6);
    expect(found.accuracy).toBeCloseTo(2 / 3, 6);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('are not counted on logits', async () => {
    const loss = { name: 'categoricalCrossentropy', ignore: 0 } as const;
    const found = await measured(loss, data(0, { logits: true }), 'softmax');
    expect(found.metrics!.perplexity).toBeCloseTo(wanted.perplexity, 5);
    expect(found.loss).toBeCloseTo(Math.log(10) / 3, 5);
  });

  it('count by the weights of their examples', async () => {
    const loss = { name: 'categoricalCrossentropy', ignore: 0 } as const;
    const found = await measured(loss, data(0, { weights: [1, 2] }));
    // 0.5, 0.25, and 0.8 twice: 4 tokens.
    expect(found.metrics!.perplexity).toBeCloseTo((0.5 * 0.25 * 0.8 ** 2) ** -0.25, 6);
    expect(found.loss).toBeCloseTo(-Math.log(0.5 * 0.25 * 0.8 ** 2) / 4, 6);
    expect(found.accuracy).toBeCloseTo(3 / 4, 6);
  });

  it('count where the loss does not say that they do not', async () => {
    const found = await measured({ name: 'categoricalCrossentropy' }, data(0));
    const all = 0.5 * 0.25 * 0.1 * (0.8 * 0.9 * 0.2);
    expect(found.metrics!.perplexity).toBeCloseTo(all ** (-1 / 6), 5);
  });

  it('give no gradient', () => {
    const { compute } = resolveLoss({ name: 'categoricalCrossentropy', ignore: 0 }, model('softmax'));
    const gradient = tf.grad((x) => compute(tf.tensor2d(labels(0)), x))(tf.tensor3d(rows));
    const sizes = tf.sum(tf.abs(gradient), -1).arraySync() as number[][];
    expect(sizes.map((row) => row.map((size) => size > 0))).toEqual([
      [true, true, false],
      [true, false, false],
    ]);
  });

  it('are a whole number, and of losses over classes alone', () => {
    expect(() => resolveLoss({ name: 'categoricalCrossentropy', ignore: 0.5 }, model('linear'))).toThrow(
      'ignore is 0.5',
    );
    expect(() => resolveLoss({ name: 'huber', ignore: 0 } as never, model('linear'))).toThrow("'ignore'");
  });
});
