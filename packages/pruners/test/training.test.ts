import './models.js';
import {
  createTrainer,
  type Data,
  hash,
  Run,
  type Schedule,
  seededModel,
  train,
  uniform,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { agp, level, sensitivity, splicing } from '../src/index.js';
import { count, mask, weights } from './models.js';

/** Points on two rings, 2 classes: needs a hidden layer. */
function rings(size: number, batch: number): Data {
  return {
    size,
    stepsPerEpoch: size / batch,
    *batches(epoch) {
      const draw = uniform(hash(3, epoch));
      for (let start = 0; start < size; start += batch) {
        const points: number[][] = [];
        const labels: number[][] = [];
        for (let i = 0; i < batch; i++) {
          const angle = 2 * Math.PI * draw();
          const inner = draw() < 0.5;
          const radius = (inner ? 0.5 : 1.2) + 0.1 * draw();
          points.push([radius * Math.cos(angle), radius * Math.sin(angle)]);
          labels.push(inner ? [1, 0] : [0, 1]);
        }
        yield { inputs: tf.tensor2d(points), labels: tf.tensor2d(labels) };
      }
    },
  };
}

const data = rings(160, 16);

async function model(): Promise<LayersModel> {
  const net = sequential({
    layers: [
      layers.dense({ name: 'fc0', units: 24, activation: 'relu', inputShape: [2] }),
      layers.dense({ name: 'fc1', units: 24, activation: 'relu' }),
      layers.dense({ name: 'fc2', units: 2, activation: 'softmax' }),
    ],
  });
  return seededModel(net, 5);
}

const hidden = 'fc1/kernel';
const options = { data, epochs: 6, learningRate: 0.02 } as const;

describe('pruners in training', () => {
  it('agp, then fine-tuning: exact sparsity, learned all the same, nothing leaked', async () => {
    const run = new Run(await model(), { seed: 1 });
    const schedules: Schedule[] = [{ plugin: agp({ final: 0.8 }), parameters: hidden, end: 5 }];
    const before = tf.memory().numTensors;
    const history = await train(run, { ...options, epochs: 10, schedules, validation: data });
    expect(count(weights(run, hidden), 0)).toBe(Math.round(0.8 * 576));
    expect(history[9].validationAccuracy).toBeGreaterThan(0.95);
    expect(tf.memory().numTensors - before).toBe(2); // the mask and the combined one
    run.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('two pruners on one tensor: their masks combine', async () => {
    const run = new Run(await model(), { seed: 1 });
    const schedules: Schedule[] = [
      { plugin: level({ sparsity: 0.5 }), parameters: hidden, end: 1 },
      { plugin: level({ sparsity: 0.5, compat: 'torch' }), parameters: hidden, start: 3, end: 4 },
    ];
    await train(run, { ...options, schedules });
    expect(count(weights(run, hidden), 0)).toBe(288 + 144);
    run.dispose();
  });

  it('splicing: pruned weights come back while training moves the dense copy', async () => {
    const run = new Run(await model(), { seed: 1 });
    const pruner = splicing({ sensitivity: 0.3, low: 0.95, high: 1.05 });
    const schedules: Schedule[] = [{ plugin: pruner, parameters: hidden, end: 4, every: { steps: 2 } }];
    const history = await train(run, { ...options, epochs: 8, schedules, validation: data });
    const counts = pruner.counts.get(hidden)!;
    expect(counts.revivedInAll).toBeGreaterThan(0);
    expect(count(weights(run, hidden), 0)).toBe(counts.pruned);
    expect(count(mask(run, hidden), 0)).toBe(counts.pruned);
    expect(run.dense(run.parameter(hidden))).toBeUndefined();
    expect(history[7].validationAccuracy).toBeGreaterThan(0.95);
    run.dispose();
  });

  it.each([
    ['sensitivity', () => sensitivity({ sensitivity: 0.6 }), 1],
    ['splicing', () => splicing({ sensitivity: 0.3 }), { steps: 3 }],
    ['agp', () => agp({ final: 0.9, score: 'random' }), 1],
  ] as const)('%s resumes bit for bit', async (_, make, every) => {
    const result = async (stopAfter: number): Promise<number[]> => {
      const start = async (): Promise<{ run: Run; schedules: Schedule[] }> => ({
        run: new Run(await model(), { seed: 1 }),
        schedules: [{ plugin: make(), parameters: hidden, every, end: 5 }],
      });
      let { run, schedules } = await start();
      let trainer = await createTrainer(run, { ...options, schedules });
      while (!trainer.done) {
        await trainer.nextEpoch();
        if (trainer.epoch !== stopAfter) continue;
        const saved = [await run.save(), await trainer.save()];
        trainer.dispose();
        run.dispose();
        ({ run, schedules } = await start());
        run.load(saved[0]);
        trainer = await createTrainer(run, { ...options, schedules });
        trainer.load(saved[1]);
      }
      await trainer.finish();
      const values = ['fc0/kernel', hidden, 'fc2/kernel'].flatMap((name) => weights(run, name));
      run.dispose();
      return values;
    };
    expect(await result(2)).toEqual(await result(-1));
  });
});
