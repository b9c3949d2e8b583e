import '@tensorflow/tfjs-backend-cpu';
import { type Data, isPruner, once, Run, randomUniform, train } from '@espalier/core';
import { conformance } from '@espalier/core/conformance';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { obd } from 'espalier-pruner-obd';
import { describe, expect, it } from 'vitest';
import { kills, type TwoStages, weightsAfter } from '../../../packages/core/test/two-stages.js';

/**
 * y = x₀ + x₁ with inputs of very different scale: x₀ is a thousand times x₁'s size, x₂ is noise of x₁'s size
 * that does not matter. The weight on x₀ is by far the most important, however small it is.
 */
const scales = [10, 0.01, 0.01];
const data: Data = {
  size: 64,
  stepsPerEpoch: 8,
  *batches(epoch) {
    const draw = randomUniform(epoch);
    for (let b = 0; b < 8; b++) {
      const rows = Array.from({ length: 8 }, () => scales.map((scale) => scale * (2 * draw() - 1)));
      const labels = rows.map(([a, b]) => [0.3 * a + 3 * b]);
      yield { inputs: tf.tensor2d(rows), labels: tf.tensor2d(labels) };
    }
  },
};

function fresh(): Run {
  const net = sequential({
    layers: [layers.dense({ name: 'fc', units: 1, inputShape: [3], useBias: false })],
  });
  net.setWeights([tf.tensor2d([[0.3], [3], [2]])]);
  return new Run(net);
}

const options = { data, epochs: 4, learningRate: 1e-4, loss: 'meanSquaredError' } as const;
const weights = (run: Run): number[] => [...run.parameter('fc/kernel').variable.dataSync()];

describe('espalier-pruner-obd', () => {
  it('keeps the weight the loss needs, which is not the largest', async () => {
    const run = fresh();
    const plugin = obd({ sparsity: 2 / 3 });
    expect(isPruner(plugin)).toBe(true);
    await train(run, { ...options, schedules: [{ plugin }] });
    expect(weights(run).map((w) => w !== 0)).toEqual([true, false, false]);
    run.dispose();
  });

  it('estimates ½·E[g²]·w²', async () => {
    const run = fresh();
    const running = await run.start(obd({ sparsity: 1 / 3, decay: 0 }));
    const gradient = tf.tensor2d([[2], [0.1], [0.2]]); // g²w²: 0.36, 0.09, 0.16
    const step = { gradient: () => gradient } as never;
    tf.tidy(() => running.session.observe?.(step));
    await running.fire({ ...once(), index: 1, count: 2 });
    expect(weights(run).map((w) => w !== 0)).toEqual([true, false, true]);
    running.dispose();
  });

  it('goes on bit for bit, whenever it is killed, and in a second stage', async () => {
    const stages: TwoStages = { run: fresh, plugin: () => obd({ sparsity: 1 / 3 }), options };
    const whole = await weightsAfter(stages);
    for (const kill of kills(stages)) expect([kill, await weightsAfter(stages, kill)]).toEqual([kill, whole]);
  });

  it('passes what it has seen to a second stage, which leaves pruned what is', async () => {
    const run = fresh();
    const gradient = tf.tensor2d([[2], [0.1], [0.2]]);
    const first = await run.start(obd({ sparsity: 1 / 3, decay: 0 }));
    tf.tidy(() => first.session.observe?.({ gradient: () => gradient } as never));
    const last = { ...once(), index: 1, count: 2 };
    await first.fire(last);
    const state = await first.save();
    first.dispose();
    const second = await run.start(obd({ sparsity: 2 / 3, decay: 0 }), { state });
    await second.fire({ ...last, index: 0 }); // sparsity 0: nothing comes back
    expect(weights(run).map((w) => w !== 0)).toEqual([true, false, true]);
    await second.fire(last);
    expect(weights(run).map((w) => w !== 0)).toEqual([true, false, false]);
    second.dispose();
    // Without the state it would have seen nothing.
    const third = await run.start(obd({ sparsity: 2 / 3 }));
    expect(() => third.fire(last)).toThrow('before it has seen a gradient');
  });

  it('is as plugins are', async () => {
    await conformance(obd({ sparsity: 0.6 }), { factory: obd });
  });

  it('refuses what it cannot honour', async () => {
    expect(() => obd({ sparsity: 2 })).toThrow('sparsity is 2');
    expect(() => obd({ sparsity: 0.5, decai: 0.9 } as never)).toThrow("Did you mean 'decay'?");
    const fired = train(fresh(), { ...options, schedules: [{ plugin: obd({ sparsity: 0.5 }), end: 1 }] });
    await expect(fired).rejects.toThrow('before it has seen a gradient');
  });
});
