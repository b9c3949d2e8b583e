import { type Noise, type NoiseSession, once, Run, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { initializers, layers } from '@tensorflow/tfjs-layers';
import { expect, test } from 'vitest';
import { bernoulliDrop, randomLevelDrop } from '../src/index.js';
import { chain, fixed, graph, normal, on, weights } from './models.js';

const layersInit = (seed: number): ReturnType<typeof initializers.glorotNormal> =>
  initializers.glorotNormal({ seed });

const wide = (): Run =>
  chain(
    [Array.from({ length: 200 }, (_, i) => i + 1)],
    Array.from({ length: 200 }, () => [1]),
  );

/** The plugin's session on the first layer's units. */
const started = (plugin: Noise, run: Run): NoiseSession =>
  plugin.start(run, run.select('fc0/kernel')) as NoiseSession;

function noiseOf(session: NoiseSession, run: Run, name: string, step: number): number[] {
  const noise = session.noise({ ...once(), step, index: step, count: 11 });
  expect([...noise.keys()].map((p) => p.name)).toEqual(['fc1/kernel']); // what reads the units, nothing else
  const values = [...noise.get(run.parameter(name))!.dataSync()];
  tf.dispose([...noise.values()]);
  return values;
}

test('bernoulli: anew each step, the same for a seed and step, scaled by what stays', () => {
  const run = wide();
  const session = started(bernoulliDrop({ structure: 'units', rate: 0.3, seed: 4 }), run);
  const a = noiseOf(session, run, 'fc1/kernel', 0);
  expect(noiseOf(session, run, 'fc1/kernel', 0)).toEqual(a);
  expect(noiseOf(session, run, 'fc1/kernel', 1)).not.toEqual(a);
  const kept = a.filter((f) => f > 0).length;
  expect(Math.abs(kept - 140)).toBeLessThan(25);
  expect(a.reduce((s, f) => s + f, 0)).toBeCloseTo(200, 3);
});

test('bernoulli: the rate may grow over the schedule', () => {
  const run = wide();
  const session = started(bernoulliDrop({ structure: 'units', initial: 0, rate: 0.9 }), run);
  const kept = [0, 5, 10].map(
    (step) => noiseOf(session, run, 'fc1/kernel', step).filter((f) => f > 0).length,
  );
  expect(kept[0]).toBe(200);
  expect(Math.abs(kept[1] - 200 * (1 - 0.9 * 0.875))).toBeLessThan(25);
  expect(Math.abs(kept[2] - 20)).toBeLessThan(15);
});

test('bernoulli: in some steps only, the first of each epoch among them', () => {
  const run = wide();
  const session = started(bernoulliDrop({ structure: 'units', rate: 0.3, every: 4 }), run);
  const dropped = Array.from({ length: 14 }, (_, step) => {
    const noise = session.noise({ ...once(), step, stepsPerEpoch: 7 });
    tf.dispose([...noise.values()]);
    return noise.size;
  });
  expect(dropped).toEqual([1, 0, 0, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 0]);
  expect(() => bernoulliDrop({ structure: 'units', rate: 0.3, every: 0 })).toThrow(/every is 0/);
});

test('bernoulli: one stays when all would go', () => {
  const run = wide();
  const session = started(bernoulliDrop({ structure: 'units', rate: 1 }), run);
  const noise = noiseOf(session, run, 'fc1/kernel', 0);
  expect(noise.filter((f) => f > 0)).toEqual([200]);
});

test('random level: the least important ones, another number each step', () => {
  const run = wide();
  const session = started(randomLevelDrop({ structure: 'units', low: 0.2, high: 0.6 }), run);
  const counts = Array.from({ length: 30 }, (_, step) => {
    const noise = noiseOf(session, run, 'fc1/kernel', step);
    const gone = noise.lastIndexOf(0) + 1;
    expect(noise.slice(0, gone).every((f) => f === 0)).toBe(true); // unit i has weight i + 1
    return gone;
  });
  expect(Math.min(...counts)).toBeGreaterThanOrEqual(40);
  expect(Math.max(...counts)).toBeLessThanOrEqual(120);
  expect(new Set(counts).size).toBeGreaterThan(15);
});

test('training under noise: nothing is pruned, batch-norm statistics are of the whole model', async () => {
  const build = (): Run =>
    new Run(
      graph([3], (x) => {
        x = on(layers.dense({ name: 'a', units: 6, kernelInitializer: layersInit(1) }), x);
        x = on(layers.batchNormalization({ name: 'bn' }), x);
        return on(layers.dense({ name: 'b', units: 1, kernelInitializer: layersInit(2) }), x);
      }),
      { seed: 9 },
    );
  const x = normal([16, 3], 1);
  const data = fixed(x, tf.sum(x, 1, true), 3);
  const options = { data, epochs: 2, loss: 'meanSquaredError' as const, learningRate: 1e-9 };
  const [quiet, noisy] = [build(), build()];
  await train(quiet, options);
  const plugin = bernoulliDrop({ structure: 'units', rate: 0.5 });
  const before = tf.memory().numTensors;
  const history = await train(noisy, { ...options, schedules: [{ plugin, parameters: 'a/kernel' }] });
  expect(tf.memory().numTensors).toBe(before);
  expect(history.every(({ sparsity }) => sparsity < 0.5)).toBe(true);
  expect(noisy.parameters.every((p) => noisy.mask(p) === undefined)).toBe(true);
  for (const name of ['bn/moving_mean', 'bn/moving_variance']) {
    const [q, n] = [weights(quiet, name), weights(noisy, name)];
    for (const [i, v] of q.entries()) expect(n[i]).toBeCloseTo(v, 5);
  }
});
