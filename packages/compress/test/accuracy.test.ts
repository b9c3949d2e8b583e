import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { Classes } from '../src/fidelity/accuracy.js';
import { type CompressOptions, compress, load, type ModelArtifacts } from '../src/index.js';
import { artifactsOf, noise } from './models.js';

beforeAll(() => tf.ready());

const features = 24;
const glorot = (seed: number) => tfl.initializers.glorotUniform({ seed });

/** A net of two layers that gives `units` numbers, and examples with the classes that it finds, every eighth another one. */
async function classifier(units: number, activation: 'softmax' | 'sigmoid' | 'linear', count = 800) {
  const model = tfl.sequential({
    layers: [
      tfl.layers.dense({
        units: 32,
        activation: 'tanh',
        inputShape: [features],
        kernelInitializer: glorot(1),
      }),
      tfl.layers.dense({ units, activation, kernelInitializer: glorot(2) }),
    ],
  });
  const artifacts = await artifactsOf(model).finally(() => model.dispose());
  const inputs = noise([count, features], 5);
  const found = await classesOf(artifacts, inputs);
  const labels = found.map((own, i) => (i % 8 === 0 ? (own + 1) % Math.max(2, units) : own));
  return { artifacts, inputs, labels };
}

/** Which class a model finds: the greatest output, or whether the only one is beyond the middle. */
async function classesOf(artifacts: ModelArtifacts, inputs: tf.Tensor): Promise<number[]> {
  const model = await load(artifacts);
  const [y] = (await model.run([inputs])) as [tf.Tensor2D];
  const rows = y.arraySync();
  const middle = rows.every((row) => row.every((v) => v >= 0 && v <= 1)) ? 0.5 : 0;
  tf.dispose(y);
  model.dispose();
  return rows.map((row) =>
    row.length > 1 ? row.indexOf(Math.max(...row)) : Number((row[0] as number) > middle),
  );
}

const share = (found: readonly number[], labels: readonly number[]): number =>
  found.filter((own, i) => own === labels[i]).length / labels.length;

describe('an accuracy to keep to', () => {
  test.each([
    [5, 'softmax'],
    [5, 'linear'],
    [1, 'sigmoid'],
    [1, 'linear'],
  ] as const)(
    'of %d outputs, %s: measured on examples apart, in fewer bytes the more may be lost',
    async (units, activation) => {
      const { artifacts, inputs, labels } = await classifier(units, activation);
      const before = tf.memory().numTensors;
      const sizes: number[] = [];
      for (const points of [0, 4]) {
        const examples = { inputs: [inputs], labels: tf.tensor1d(labels, 'int32') };
        const result = await compress(artifacts, {
          accuracy: { points, examples },
          calibration: [inputs],
          effort: 1,
        });
        examples.labels.dispose();
        // The second half is the one that nothing was chosen by.
        const apart = inputs.slice([400, 0]);
        const own = labels.slice(400);
        const [a, b] = [
          share(await classesOf(artifacts, apart), own),
          share(await classesOf(result.artifacts, apart), own),
        ];
        apart.dispose();
        expect(result.accuracy).toEqual({
          before: a,
          after: b,
          lost: expect.closeTo(100 * (a - b), 9),
          examples: 400,
        });
        expect(a).toBeCloseTo(0.875, 9);
        expect(result.met).toBe(100 * (a - b) <= points + 1e-9);
        sizes.push(result.file.length);
      }
      expect(sizes[1]).toBeLessThan(0.8 * (sizes[0] as number));
      const { file } = await compress(artifacts, { calibration: [inputs], effort: 1 });
      expect(sizes[1]).toBeLessThan(file.length);
      expect(tf.memory().numTensors).toBe(before);
      inputs.dispose();
    },
  );

  test('on examples of functions, with rows for labels: all is disposed', async () => {
    const { artifacts, inputs, labels } = await classifier(3, 'softmax', 300);
    const made = (from: number, size: number) => () => ({
      inputs: [inputs.slice([from, 0], [size, features])],
      labels: tf.tidy(() => tf.oneHot(tf.tensor1d(labels.slice(from, from + size), 'int32'), 3)),
    });
    const before = tf.memory().numTensors;
    const { accuracy, met, fidelity } = await compress(artifacts, {
      accuracy: { points: 3, examples: made(0, 200), apart: made(200, 100) },
      effort: 1,
    });
    expect(accuracy?.examples).toBe(100);
    expect(fidelity.examples).toBe(200);
    expect(fidelity.lost).toBeLessThanOrEqual(3);
    expect(met).toBe((accuracy?.lost ?? 9) <= 3);
    expect(tf.memory().numTensors).toBe(before);
    inputs.dispose();
  });

  test('is refused by name where it cannot be measured', async () => {
    const { artifacts, inputs, labels } = await classifier(3, 'softmax', 40);
    const examples = { inputs: [inputs], labels: tf.tensor1d(labels, 'int32') };
    const few = { inputs: [inputs], labels: tf.tensor1d([1, 2], 'int32') };
    const odd = tf.tensor1d(labels.map((own, i) => own + (i === 7 ? 2.5 : 0)));
    const before = tf.memory().numTensors;
    const refused: [CompressOptions, string][] = [
      [{ accuracy: { points: -1, examples } }, 'invalid-option'],
      [{ accuracy: { points: Number.NaN, examples } }, 'invalid-option'],
      [{ accuracy: { points: 1 } as never }, 'invalid-option'],
      [{ accuracy: { points: 1, examples, point: 2 } as never }, 'unknown-option'],
      [{ accuracy: { points: 1, examples }, quality: 40 }, 'invalid-option'],
      [{ accuracy: { points: 1, examples }, validation: [inputs] }, 'invalid-option'],
      [{ accuracy: { points: 1, examples: few, apart: examples } }, 'shape-mismatch'],
      [{ accuracy: { points: 1, examples, apart: few } }, 'shape-mismatch'],
      [{ accuracy: { points: 1, examples: { ...examples, labels: odd } } }, 'invalid-option'],
    ];
    for (const [options, code] of refused) {
      await expect(compress(artifacts, options)).rejects.toMatchObject({ code });
    }
    const x = tfl.input({ shape: [features] });
    const two = [1, 2].map((seed) =>
      tfl.layers.dense({ units: 3, kernelInitializer: glorot(seed) }).apply(x),
    );
    const twofold = tfl.model({ inputs: x, outputs: two as tfl.SymbolicTensor[] });
    const both = await artifactsOf(twofold).finally(() => twofold.dispose());
    const rejected = expect(compress(both, { accuracy: { points: 1, examples } })).rejects;
    await rejected.toMatchObject({ code: 'invalid-option', message: expect.stringContaining('has 2') });
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([inputs, examples.labels, few.labels, odd]);
  });
});

test('what is surely lost: the points, and a standard deviation of what is gained and lost', () => {
  const labels = tf.tensor1d([0, 1, 0, 1, 0, 1, 0, 1], 'int32');
  const output = (classes: readonly number[]) => [
    { shape: [8, 2], values: Float32Array.from(classes.flatMap((c) => (c ? [0, 1] : [1, 0]))) },
  ];
  const known = new Classes(labels, output([0, 1, 0, 1, 0, 1, 1, 1]));
  // Two that were right are wrong, and one that was wrong is right.
  const other = output([1, 0, 0, 1, 0, 1, 0, 1]);
  expect(known.accuracy(other)).toEqual({ before: 7 / 8, after: 6 / 8, lost: 12.5, examples: 8 });
  expect(known.surelyLost(other)).toBeCloseTo(12.5 + (100 * Math.sqrt(3)) / 8, 12);
  expect(known.surelyLost(output([0, 1, 0, 1, 0, 1, 1, 1]))).toBe(0);
  // What is no number is never right.
  const nothing = [{ shape: [8, 2], values: new Float32Array(16).fill(Number.NaN) }];
  expect(known.accuracy(nothing).after).toBe(0);
  labels.dispose();
  // One output says one of two, also where labels are rows.
  const rows = tf.tensor2d([1, 0, 0, 1, 0, 1], [3, 2]);
  const one = (values: number[]) => [{ shape: [3, 1], values: Float32Array.from(values) }];
  expect(new Classes(rows, one([0.2, 0.9, 0.4])).accuracy(one([-3, 2, 0.1]))).toMatchObject({
    before: 2 / 3,
    after: 1,
  });
  rows.dispose();
});
