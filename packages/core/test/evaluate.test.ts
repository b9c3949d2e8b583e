import { evaluate, type Metric } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { dense, fixedData, perceptron, toyData } from './helpers.js';

/** A model that hands its input on. */
function identity(shape: number[], activation: 'linear' | 'sigmoid' | 'softmax' = 'linear'): tfl.LayersModel {
  return tfl.sequential({
    layers: [
      tfl.layers.dense({
        units: shape[shape.length - 1],
        inputShape: shape,
        kernelInitializer: tfl.initializers.identity({ gain: 1 }),
        activation,
      }),
    ],
  });
}

describe('evaluate', () => {
  test('loss and accuracy by hand, over batches of unequal size', async () => {
    const model = identity([2], 'softmax');
    const rows: [number[], number[]][] = [
      [
        [2, 0],
        [1, 0],
      ],
      [
        [0, 1],
        [1, 0],
      ],
      [
        [0, 3],
        [0, 1],
      ],
      [
        [1, 0],
        [1, 0],
      ],
      [
        [5, 0],
        [0, 1],
      ],
    ];
    const data = {
      size: 5,
      stepsPerEpoch: 2,
      *batches() {
        for (const part of [rows.slice(0, 4), rows.slice(4)]) {
          yield {
            inputs: tf.tensor2d(part.map(([x]) => x)),
            labels: tf.tensor2d(part.map(([, y]) => y)),
          };
        }
      },
    };
    const before = tf.memory().numTensors;
    const { loss, accuracy, size } = await evaluate(model, data);
    expect(tf.memory().numTensors).toBe(before);
    const nats = ([x, y]: [number[], number[]]): number =>
      Math.log(x.reduce((sum, v) => sum + Math.exp(v), 0)) - x[y.indexOf(1)];
    expect(loss).toBeCloseTo(rows.reduce((sum, row) => sum + nats(row), 0) / 5, 5);
    expect(accuracy).toBeCloseTo(3 / 5, 12);
    expect(size).toBe(5);
  });

  test('one sigmoid unit: the threshold is one half', async () => {
    const model = identity([1], 'sigmoid');
    const data = fixedData([[-1], [0.1], [2], [-0.1]], [[0], [1], [0], [1]]);
    expect((await evaluate(model, data, { loss: 'binaryCrossentropy' })).accuracy).toBe(0.5);
    // The same outputs, but as probabilities: 0.1 is no longer above the threshold.
    expect((await evaluate(identity([1]), data, { loss: 'binaryCrossentropy' })).accuracy).toBe(0.25);
  });

  test('a metric sees outputs as the model gives them, and what is before an activation that the loss takes over', async () => {
    const data = fixedData([[Math.log(3)], [0]], [[1], [0]]);
    const seen = async (model: tfl.LayersModel, loss: 'binaryCrossentropy' | 'meanSquaredError') => {
      let input: { logits?: tf.Tensor | undefined; task?: string; threshold?: number } = {};
      let outputs: number[] = [];
      const spy: Metric = {
        name: 'spy',
        start: () => ({
          look(given) {
            input = { ...given, logits: given.logits && tf.keep(tf.clone(given.logits)) };
            return [given.outputs];
          },
          add([numbers]) {
            outputs = [...numbers];
          },
          value: () => outputs[0],
          perClass: () => outputs,
        }),
      };
      const found = await evaluate(model, data, { loss, metrics: [spy] });
      const logits = input.logits && [...input.logits.dataSync()];
      input.logits?.dispose();
      expect(found.perClass).toEqual({ spy: outputs });
      expect(found.metrics).toEqual({ spy: outputs[0] });
      return { outputs, logits, task: input.task, threshold: input.threshold };
    };
    const [three, one] = [expect.closeTo(0.75, 6), expect.closeTo(0.5, 6)]; // of odds 3 : 1 and 1 : 1
    const logits = [expect.closeTo(Math.log(3), 6), 0];
    const labels = { task: 'labels', threshold: 0.5 };
    const sigmoid = identity([1], 'sigmoid');
    expect(await seen(sigmoid, 'binaryCrossentropy')).toEqual({ outputs: [three, one], logits, ...labels });
    expect(await seen(sigmoid, 'meanSquaredError')).toEqual({
      outputs: [three, one],
      task: 'numbers',
      threshold: 0.5,
    });
  });

  test('sequences: accuracy counts positions', async () => {
    const model = identity([2, 2], 'softmax');
    const data = {
      size: 1,
      stepsPerEpoch: 1,
      batches: () => [
        {
          inputs: tf.tensor3d([
            [
              [1, 0],
              [1, 0],
            ],
          ]),
          labels: tf.tensor3d([
            [
              [1, 0],
              [0, 1],
            ],
          ]),
        },
      ],
    };
    expect((await evaluate(model, data)).accuracy).toBe(0.5);
  });

  test('does not train: dropout is off and statistics stay', async () => {
    const model = tfl.sequential({
      layers: [
        dense('a', 4, 1, { inputShape: [6] }),
        tfl.layers.batchNormalization(),
        tfl.layers.dropout({ rate: 0.5 }),
        dense('b', 3, 2, { activation: 'softmax' }),
      ],
    });
    const statistics = (): string =>
      model
        .getWeights()
        .map((w) => w.dataSync().join())
        .join(';');
    const start = statistics();
    const first = await evaluate(model, toyData({}));
    expect(await evaluate(model, toyData({}))).toEqual(first);
    expect(statistics()).toBe(start);
  });

  test('agrees with LayersModel.evaluate', async () => {
    const model = perceptron();
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
    const data = toyData({ size: 24, batchSize: 24 });
    const [{ inputs, labels }] = data.batches(0);
    const [loss, accuracy] = model.evaluate(inputs as tf.Tensor, labels, { batchSize: 24 }) as tf.Scalar[];
    const ours = await evaluate(model, data);
    expect(ours.loss).toBeCloseTo(loss.dataSync()[0], 5);
    expect(ours.accuracy).toBeCloseTo(accuracy.dataSync()[0], 6);
  });

  test('a model with two inputs', async () => {
    const inputs = [tfl.input({ shape: [2] }), tfl.input({ shape: [2] })];
    const model = tfl.model({ inputs, outputs: tfl.layers.add().apply(inputs) as tfl.SymbolicTensor });
    const data = {
      size: 2,
      stepsPerEpoch: 1,
      batches: () => [
        {
          inputs: [
            tf.tensor2d([
              [1, 0],
              [0, 0],
            ]),
            tf.tensor2d([
              [0, 3],
              [0, 1],
            ]),
          ],
          labels: tf.tensor2d([
            [0, 1],
            [1, 0],
          ]),
        },
      ],
    };
    expect(await evaluate(model, data, { loss: 'meanSquaredError' })).toEqual({
      loss: 1.75,
      accuracy: 0.5,
      size: 2,
    });
  });
});
