import '@tensorflow/tfjs-backend-cpu';
import { createTrainer, type Data, isPruner, Run, type Schedule, train, uniform } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { obd } from 'espalier-pruner-obd';
import { describe, expect, it } from 'vitest';

/**
 * y = x₀ + x₁ with inputs of very different scale: x₀ is a thousand times x₁'s size, x₂ is noise of x₁'s size
 * that does not matter. The weight on x₀ is by far the most important, however small it is.
 */
const scales = [10, 0.01, 0.01];
const data: Data = {
  size: 64,
  stepsPerEpoch: 8,
  *batches(epoch) {
    const draw = uniform(epoch);
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
    plugin.dispose?.();
    run.dispose();
  });

  it('estimates ½·E[g²]·w²', () => {
    const run = fresh();
    const [kernel] = run.select();
    const plugin = obd({ sparsity: 1 / 3, decay: 0 });
    plugin.start?.(run, [kernel]);
    const gradient = tf.tensor2d([[2], [0.1], [0.2]]); // g²w²: 0.36, 0.09, 0.16
    const step = { gradient: () => gradient } as never;
    tf.tidy(() => plugin.observe?.(step));
    const at = { epoch: 1, step: 1, stepsPerEpoch: 1, start: 0, end: 2, every: 1, index: 1, count: 2 };
    run.prune(plugin, undefined, at);
    expect(weights(run).map((w) => w !== 0)).toEqual([true, false, true]);
    plugin.dispose?.();
  });

  it('resumes bit for bit', async () => {
    const result = async (interrupted: boolean): Promise<number[]> => {
      let run = fresh();
      const schedules = (): Schedule[] => [{ plugin: obd({ sparsity: 1 / 3 }) }];
      let trainer = await createTrainer(run, { ...options, schedules: schedules() });
      while (!trainer.done) {
        await trainer.nextEpoch();
        if (!interrupted || trainer.epoch !== 2) continue;
        const saved = [await run.save(), await trainer.save()];
        run = fresh();
        run.load(saved[0]);
        trainer = await createTrainer(run, { ...options, schedules: schedules() });
        trainer.load(saved[1]);
      }
      return weights(run);
    };
    expect(await result(true)).toEqual(await result(false));
  });

  it('frees what it allocates and refuses what it cannot honour', async () => {
    const run = fresh();
    const plugin = obd({ sparsity: 0.5 });
    const before = tf.memory().numTensors;
    await train(run, { ...options, schedules: [{ plugin }] });
    plugin.dispose?.();
    run.dispose();
    expect(tf.memory().numTensors).toBe(before);
    expect(() => obd({ sparsity: 2 })).toThrow('sparsity is 2');
    expect(() => obd({ sparsity: 0.5, decai: 0.9 } as never)).toThrow("Did you mean 'decay'?");
    const once = train(fresh(), { ...options, schedules: [{ plugin: obd({ sparsity: 0.5 }), end: 1 }] });
    await expect(once).rejects.toThrow('before it has seen a gradient');
  });
});
