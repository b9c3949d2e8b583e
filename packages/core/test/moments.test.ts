import '@tensorflow/tfjs-backend-cpu';
import { type Data, type Moment, type Plugin, progress, Run, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { expect, test } from 'vitest';

const data: Data = {
  size: 6,
  stepsPerEpoch: 3,
  *batches() {
    for (let i = 0; i < 3; i++) yield { inputs: tf.ones([2, 2]), labels: tf.ones([2, 1]) };
  },
};

/** Writes down the moments at which its hooks are called. */
function diary(): {
  plugin: Plugin;
  moments: Record<'masks' | 'penalty' | 'observe' | 'epochEnd', Moment[]>;
} {
  const moments = { masks: [], penalty: [], observe: [], epochEnd: [] } as Record<string, Moment[]>;
  const plugin: Plugin = {
    name: 'diary',
    kinds: ['pruner', 'regularizer'],
    start: () => ({
      masks: (at: Moment) => {
        moments.masks.push(at);
        return new Map();
      },
      penalty: ({ at }: { at: Moment }) => {
        moments.penalty.push(at);
        return tf.scalar(0);
      },
      observe: ({ at }: { at: Moment }) => void moments.observe.push(at),
      epochEnd: (at: Moment) => void moments.epochEnd.push(at),
    }),
  };
  return { plugin, moments };
}

test('firings are counted from 0; steps of a schedule run from progress 0 to 1', async () => {
  const net = sequential({ layers: [layers.dense({ units: 1, inputShape: [2] })] });
  const { plugin, moments } = diary();
  const schedules = [{ plugin, start: 1, end: 4, every: { steps: 2 } }];
  await train(new Run(net), { data, epochs: 5, loss: 'meanSquaredError', schedules });
  expect(moments.masks.map(({ index, count, step, epoch }) => [index, count, step, epoch])).toEqual([
    [0, 5, 3, 1],
    [1, 5, 5, 1],
    [2, 5, 7, 2],
    [3, 5, 9, 3],
    [4, 5, 11, 3],
  ]);
  const steps = Array.from({ length: 9 }, (_, i) => i);
  for (const seen of [moments.penalty, moments.observe]) {
    expect(seen.map(({ index }) => index)).toEqual(steps);
    expect(seen.map(progress)).toEqual(steps.map((i) => i / 8));
    expect(seen.map(({ step }) => step)).toEqual(steps.map((i) => 3 + i));
  }
  expect(moments.epochEnd.map(({ epoch, index, count }) => [epoch, index, count])).toEqual([
    [1, 2, 9],
    [2, 5, 9],
    [3, 8, 9],
  ]);
});
