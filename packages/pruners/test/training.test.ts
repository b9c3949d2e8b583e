import './models.js';
import {
  type Data,
  hash,
  type Plugin,
  Run,
  randomUniform,
  type Schedule,
  seededModel,
  train,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { type LayersModel, layers, sequential } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { kills, type TwoStages, weightsAfter } from '../../core/test/two-stages.js';
import { agp, baiduRnn, level, nm, sensitivity, splicing } from '../src/index.js';
import { count, mask, weights } from './models.js';

/** Points on two rings, 2 classes: needs a hidden layer. */
function rings(size: number, batch: number): Data {
  return {
    size,
    stepsPerEpoch: size / batch,
    *batches(epoch) {
      const draw = randomUniform(hash(3, epoch));
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
    const running = await run.start(pruner, { parameters: hidden });
    const schedules: Schedule[] = [{ plugin: running, end: 4, every: { steps: 2 } }];
    const history = await train(run, { ...options, epochs: 8, schedules, validation: data });
    running.dispose();
    const counts = running.session.counts.get(hidden)!;
    expect(counts.revivedInAll).toBeGreaterThan(0);
    expect(count(weights(run, hidden), 0)).toBe(counts.pruned);
    expect(count(mask(run, hidden), 0)).toBe(counts.pruned);
    expect(run.dense(run.parameter(hidden))).toBeUndefined();
    expect(history[7].validationAccuracy).toBeGreaterThan(0.95);
    run.dispose();
  });

  it.each<[string, () => Plugin, { steps: number } | number]>([
    ['sensitivity', () => sensitivity({ sensitivity: 0.6 }), 1],
    ['splicing', () => splicing({ sensitivity: 0.3 }), { steps: 3 }],
    ['baiduRnn', () => baiduRnn({ quantile: 0.7 }), 1],
  ])('%s goes on bit for bit, whenever it is killed, and in a second stage', async (_, plugin, every) => {
    const stages: TwoStages = {
      run: async () => new Run(await model(), { seed: 1 }),
      plugin,
      schedule: { parameters: hidden, every, end: 2 },
      options: { ...options, data: rings(96, 16), epochs: 2 },
    };
    const whole = await weightsAfter(stages);
    for (const kill of kills(stages)) expect([kill, await weightsAfter(stages, kill)]).toEqual([kill, whole]);
    // What was measured in the first stage matters in the second.
    expect(await weightsAfter({ ...stages, passOn: false })).not.toEqual(whole);
  });

  it.each<[string, () => Plugin]>([
    ['sensitivity', () => sensitivity({ sensitivity: 0.6 })],
    ['splicing', () => splicing({ sensitivity: 0.3 })],
    ['baiduRnn', () => baiduRnn({ quantile: 0.7 })],
    ['level', () => level({ sparsity: 0.5 })],
    ['nm', () => nm({ n: 1, m: 4 })],
  ])('%s serves two schedules of a stage, as two of it would', async (_, make) => {
    const kernels = ['fc0/kernel', 'fc1/kernel'];
    const result = async (first: Plugin, second: Plugin): Promise<number[][]> => {
      const run = new Run(await model(), { seed: 1 });
      const schedules: Schedule[] = [first, second].map((plugin, i) => ({ plugin, parameters: kernels[i] }));
      await train(run, { ...options, epochs: 2, schedules });
      const left = kernels.map((name) => weights(run, name));
      run.dispose();
      run.model.dispose();
      return left;
    };
    const one = make();
    const shared = await result(one, one);
    for (const values of shared) expect(count(values, 0)).toBeGreaterThan(0.2 * values.length);
    expect(shared).toEqual(await result(make(), make()));
  });
});
