import '@tensorflow/tfjs-backend-cpu';
import { type Data, hash, Run, randomUniform, type Schedule, seededModel, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { groupLasso, groupVariance, l1 } from '../src/index.js';

/** y = (2·x₀ - x₁, x₁); the inputs x₂ to x₅ have nothing to do with it. */
const data: Data = {
  size: 128,
  stepsPerEpoch: 8,
  *batches(epoch) {
    const draw = randomUniform(hash(1, epoch));
    for (let b = 0; b < 8; b++) {
      const rows = Array.from({ length: 16 }, () => Array.from({ length: 6 }, () => 2 * draw() - 1));
      yield { inputs: tf.tensor2d(rows), labels: tf.tensor2d(rows.map((x) => [2 * x[0] - x[1], x[1]])) };
    }
  },
};

async function trained(schedules: Schedule[]): Promise<{ rows: number[]; loss: number; leaked: number }> {
  const net = sequential({ layers: [layers.dense({ name: 'fc', units: 2, inputShape: [6] })] });
  const run = new Run(await seededModel(net, 3), { seed: 1 });
  const before = tf.memory().numTensors;
  const history = await train(run, {
    data,
    epochs: 40,
    loss: 'meanSquaredError',
    learningRate: 0.02,
    schedules,
  });
  const kernel = [...run.parameter('fc/kernel').variable.dataSync()];
  const rows = [0, 1, 2, 3, 4, 5].map((i) => Math.hypot(...kernel.slice(2 * i, 2 * i + 2)));
  run.dispose();
  return { rows, loss: history[39].loss - history[39].penalty, leaked: tf.memory().numTensors - before };
}

describe('regularizers in training', () => {
  it('group lasso finds the inputs that do not matter and removes them', async () => {
    const plugin = groupLasso({ strength: 0.01, structure: 'channels', threshold: 0.02 });
    const { rows, loss, leaked } = await trained([{ plugin, parameters: 'fc/kernel', start: 10 }]);
    expect(rows.map((norm) => norm > 0)).toEqual([true, true, false, false, false, false]);
    expect(loss).toBeLessThan(0.01);
    expect(leaked).toBe(0);
  });

  it('l1 with a threshold leaves fewer weights, at every step or every epoch', async () => {
    const plugin = l1({ strength: 0.005, threshold: 0.02 });
    const every = { steps: 4 };
    const { rows, loss, leaked } = await trained([{ plugin, parameters: 'fc/kernel', start: 10, every }]);
    expect(rows.slice(2)).toEqual([0, 0, 0, 0]);
    expect(loss).toBeLessThan(0.01);
    expect(leaked).toBe(0);
  });

  it('two penalties at once; without a threshold nothing is exactly 0', async () => {
    const { rows, leaked } = await trained([
      { plugin: groupLasso({ strength: 0.01, structure: 'channels' }), parameters: 'fc/kernel' },
      { plugin: groupVariance({ strength: 1e-4, structure: 'channels' }), parameters: 'fc/kernel' },
    ]);
    expect(Math.min(...rows)).toBeGreaterThan(0);
    expect(Math.max(...rows.slice(2))).toBeLessThan(0.1 * Math.min(rows[0], rows[1]));
    expect(leaked).toBe(0);
  });
});
