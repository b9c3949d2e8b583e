import { createRequire } from 'node:module';
import { createTrainer, packState, Run, type TrainOptions, train, unpackState } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { close, codeOf, dense, perceptron, toyData, values, weightsOf } from './helpers.js';
import { gradual, learntDecay, rounding, wandering } from './plugins.js';

/** Whether TensorFlow's own backend can be loaded on this machine. */
function loadNative(): boolean {
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  const require = createRequire(import.meta.url);
  // Node 23 took away what tfjs-node 4.22 still calls.
  const util = require('node:util') as Record<string, unknown>;
  util.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  util.isArray ??= Array.isArray;
  try {
    require('@tensorflow/tfjs-node');
    return true;
  } catch {
    return false;
  }
}

// In a process of its own (vitest isolates test files), so that the other tests stay on the cpu backend.
describe.skipIf(!loadNative())('on the native backend', () => {
  const convolutional = (): tfl.LayersModel =>
    tfl.sequential({
      layers: [
        tfl.layers.conv2d({
          name: 'conv',
          filters: 3,
          kernelSize: 2,
          inputShape: [4, 4, 1],
          activation: 'relu',
          kernelInitializer: tfl.initializers.glorotUniform({ seed: 3 }),
        }),
        tfl.layers.batchNormalization({ name: 'bn' }),
        tfl.layers.dropout({ name: 'drop', rate: 0.3 }),
        tfl.layers.flatten({ name: 'flat' }),
        dense('out', 3, 2, { activation: 'softmax' }),
      ],
    });

  beforeAll(async () => {
    await tf.setBackend('tensorflow');
  });

  test('training agrees with the cpu backend', async () => {
    const stage = async (backend: string): Promise<number[]> => {
      await tf.setBackend(backend);
      const run = new Run(perceptron());
      await train(run, {
        data: toyData({}),
        epochs: 3,
        learningRate: 0.05,
        schedules: [{ plugin: gradual(0.5), end: 2 }],
      });
      const weights = weightsOf(run.model);
      run.dispose();
      run.model.dispose();
      return weights;
    };
    const cpu = await stage('cpu');
    close(await stage('tensorflow'), cpu, 1e-3);
  });

  const stages: [string, Partial<TrainOptions>][] = [
    ['plain', {}],
    ['pruned', { schedules: [{ plugin: gradual(0.6), end: 3 }] }],
    ['reviving', { schedules: [{ plugin: wandering(), end: 3 }] }],
    [
      'pruned, then shared',
      {
        schedules: [
          { plugin: gradual(0.6), end: 2 },
          { plugin: rounding(0.1), start: 2 },
        ],
      },
    ],
    ['regularised', { schedules: [{ plugin: learntDecay() }] }],
  ];

  test.each(stages)(
    '%s: zeros are exact, tensors do not grow, a resumed run ends the same',
    async (_, more) => {
      const all = (): TrainOptions => ({
        data: toyData({ shape: [4, 4, 1] }),
        epochs: 5,
        learningRate: 0.02,
        ...more,
      });
      const whole = new Run(convolutional(), { seed: 2 });
      const trainer = await createTrainer(whole, all());
      const counts: number[] = [];
      let bytes: Uint8Array[] = [];
      while (!trainer.done) {
        await trainer.nextEpoch();
        counts.push(tf.memory().numTensors);
        if (trainer.epoch === 3) bytes = [packState(await whole.save()), packState(await trainer.save())];
        for (const p of whole.parameters) {
          const mask = whole.mask(p);
          if (mask === undefined) continue;
          const weights = values(p.variable);
          for (const [i, bit] of values(mask).entries()) {
            if (bit === 0) expect(Object.is(weights[i], 0)).toBe(true);
          }
        }
      }
      await trainer.finish();
      expect(counts[4]).toBe(counts[3]);

      const resumed = new Run(convolutional(), { seed: 2 });
      resumed.load(unpackState(bytes[0]));
      const rest = await createTrainer(resumed, all(), unpackState(bytes[1]));
      while (!rest.done) await rest.nextEpoch();
      await rest.finish();
      expect(packState(await resumed.save())).toEqual(packState(await whole.save()));
      for (const run of [whole, resumed]) {
        run.dispose();
        run.model.dispose();
      }
    },
  );

  test('shared values of which none may move', async () => {
    const run = new Run(perceptron());
    const kernel = run.parameter('hidden/kernel');
    const indices = Uint8Array.from({ length: 30 }, (_, i) => i % 2);
    run.share(kernel, { codebook: Float32Array.of(-0.5, 0.5), indices, fixed: [0, 1] });
    await train(run, { data: toyData({}), epochs: 1 });
    expect(new Set(values(kernel.variable))).toEqual(new Set([-0.5, 0.5]));
  });

  test('a loss that is not a number', async () => {
    const data = toyData({});
    const work = train(new Run(perceptron()), { data, epochs: 2, learningRate: Number.POSITIVE_INFINITY });
    expect(await codeOf(() => work)).toBe('not-finite');
  });
});
