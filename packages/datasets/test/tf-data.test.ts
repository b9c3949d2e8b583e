import '@tensorflow/tfjs-backend-cpu';
import { fromOwn } from '@espalier/datasets';
import * as tf from '@tensorflow/tfjs-core';
import * as data from '@tensorflow/tfjs-data';
import { expect, it } from 'vitest';

it('a tf.data.Dataset of tfjs-data is a source: counted once, read each epoch anew, all its tensors disposed', async () => {
  const examples = Array.from({ length: 10 }, (_, i) => ({ xs: [i, i * i], ys: [i % 2] }));
  const dataset = data
    .array(examples)
    .map((one) => ({
      xs: tf.tensor1d((one as (typeof examples)[0]).xs),
      ys: tf.tensor1d((one as (typeof examples)[0]).ys),
    }))
    .batch(4);
  const before = tf.memory().numTensors;
  const source = await fromOwn(
    { train: dataset, validation: dataset.take(1), test: dataset.skip(2) } as never,
    'mine',
  );
  expect(tf.memory().numTensors).toBe(before);
  expect([source.inputs, source.labels, source.repeatable]).toEqual([
    [{ shape: [2] }],
    [{ shape: [1] }],
    false,
  ]);
  const sizes = (['train', 'validation', 'test'] as const).map((part) => {
    const { size, stepsPerEpoch } = source.batches(part, { batchSize: 99 });
    return [size, stepsPerEpoch];
  });
  expect(sizes).toEqual([
    [10, 3],
    [4, 1],
    [2, 1],
  ]);
  for (const epoch of [0, 1]) {
    const rows: number[] = [];
    for await (const { inputs, labels } of source.batches('train', { batchSize: 99 }).batches(epoch)) {
      rows.push(...(inputs as tf.Tensor).dataSync());
      tf.dispose([inputs, labels]);
    }
    expect(rows).toEqual(examples.flatMap(({ xs }) => xs));
  }
  expect(tf.memory().numTensors).toBe(before);
});

it('a generator of tfjs-data that shuffles is one, too', async () => {
  const dataset = data
    .generator(function* () {
      for (let i = 0; i < 6; i++) yield { xs: tf.tensor1d([i]), ys: tf.tensor1d([1, 0]) };
    } as never)
    .shuffle(6, '1')
    .batch(3);
  const source = await fromOwn({ train: dataset, classes: ['a', 'b'] } as never, 'mine');
  expect(source.labels).toEqual([{ shape: [2], classes: ['a', 'b'] }]);
  expect(source.batches('train', { batchSize: 1 }).stepsPerEpoch).toBe(2);
});
