import '@tensorflow/tfjs-backend-cpu';
import { readFileSync } from 'node:fs';
import { type Data, evaluate, type Losses } from '@espalier/core';
import { type MetricUse, metricOf } from '@espalier/metrics';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';

type Rows = readonly (readonly number[])[];

/** Made by golden.py. */
const { data, golden } = JSON.parse(readFileSync(new URL('golden.json', import.meta.url), 'utf8')) as {
  data: { P: Rows; S: Rows; L: Rows; X: Rows; Y: Rows; y: readonly number[]; weights: readonly number[] };
  golden: Record<'plain' | 'weighted', Record<string, Record<string, number>>> & {
    pictures: Record<string, number>;
  };
};

/** A model that hands its input on. */
export function handsOn(shape: readonly number[]): tfl.LayersModel {
  const layers = [tfl.layers.activation({ activation: 'linear', inputShape: [...shape] })];
  return tfl.sequential({ layers });
}

/** Rows in batches of 5, 5 and 3. */
function batches(outputs: Rows, labels: Rows | readonly number[], weights?: readonly number[]): Data {
  return {
    size: outputs.length,
    stepsPerEpoch: 3,
    *batches() {
      for (const from of [0, 5, 10]) {
        const to = Math.min(from + 5, outputs.length);
        yield {
          inputs: tf.tensor(outputs.slice(from, to) as number[][]),
          labels: tf.tensor(labels.slice(from, to) as number[]),
          ...(weights && { weights: tf.tensor1d(weights.slice(from, to)) }),
        };
      }
    },
  };
}

const column = (rows: Rows): Rows => rows.map(([first]) => [first]);
const oneHot = data.y.map((y) => [0, 1, 2, 3].map((c) => (c === y ? 1 : 0)));

const tasks: readonly [string, Losses, Rows, Rows | readonly number[]][] = [
  ['classes', 'categoricalCrossentropy', data.P, oneHot],
  ['classes', 'sparseCategoricalCrossentropy', data.P, data.y],
  ['labels', 'binaryCrossentropy', data.S, data.L],
  ['one', 'binaryCrossentropy', column(data.S), column(data.L)],
  ['numbers', 'meanSquaredError', data.X, data.Y],
];

/** `f1(micro)` and `f1(3)` as options. */
function use(name: string): MetricUse {
  const [, base, option] = /^(\w+)\((\w+)\)$/.exec(name) ?? [];
  if (base === undefined) return name as MetricUse;
  const more = /^\d/.test(option) ? { class: Number(option) } : { average: option };
  return { name: base, ...more } as MetricUse;
}

describe.each(['plain', 'weighted'] as const)('as scikit-learn, %s', (kind) => {
  test.each(tasks)('%s, %s', async (task, loss, outputs, labels) => {
    const expected = golden[kind][task];
    const metrics = Object.keys(expected).map((name) => metricOf(use(name)));
    const model = handsOn([outputs[0].length]);
    const before = tf.memory().numTensors;
    const source = batches(outputs, labels, kind === 'weighted' ? data.weights : undefined);
    const measured = await evaluate(model, source, { loss, metrics });
    expect(tf.memory().numTensors).toBe(before);
    expect(Object.keys(measured.metrics!)).toEqual(Object.keys(expected));
    for (const [name, value] of Object.entries(expected)) {
      // Probabilities and numbers are float32; what is counted is exact.
      const digits = /mae|mse|r2|perplexity|bits/.test(name) ? 5 : 12;
      expect(measured.metrics![name], name).toBeCloseTo(value, digits);
    }
    if (task !== 'numbers') expect(measured.accuracy).toBeCloseTo(expected.accuracy, 6);
  });
});

test('pictures, as tf.image', async () => {
  const shape = [2, 14, 13, 2] as const;
  const outputs = Float32Array.from({ length: 728 }, (_, i) => ((i * 37) % 101) / 101);
  const labels = outputs.map((v, i) => Math.min(1, Math.max(0, v + (((i * 53) % 29) / 29 - 0.5) * 0.2)));
  const of = (scale: number): Data => ({
    size: 2,
    stepsPerEpoch: 1,
    batches: () => [
      {
        inputs: tf.tensor4d(
          outputs.map((v) => v * scale),
          [...shape],
        ),
        labels: tf.tensor4d(
          labels.map((v) => v * scale),
          [...shape],
        ),
      },
    ],
  });
  for (const peak of [1, 255]) {
    const metrics = [metricOf({ name: 'psnr', peak }), metricOf({ name: 'ssim', peak })];
    const loss = 'meanSquaredError';
    const { metrics: measured } = await evaluate(handsOn(shape.slice(1)), of(peak), { loss, metrics });
    expect(measured!.psnr).toBeCloseTo(golden.pictures.psnr, 4);
    expect(measured!.ssim).toBeCloseTo(golden.pictures.ssim, 5);
  }
});
