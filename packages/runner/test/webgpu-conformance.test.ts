import '@tensorflow/tfjs-backend-cpu';
import { startBackend } from '@espalier/backend';
import {
  createTrainer,
  type OptimizerFactories,
  type Plugin,
  packState,
  type Schedule,
  unpackState,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { hasWebgpu } from '../../backend/test/software-gpu.js';
import { dataOf, net, schedules } from './every-plugin.js';

vi.setConfig({ testTimeout: 120_000 });

/** Of weights and losses after six steps; both compute in float32 and add up in different orders. */
const tolerance = 2e-3;

/** Where the convolution's bias comes among the weights. */
const bias = 1;

interface Trained {
  readonly losses: number[];
  readonly weights: Float32Array[];
  /** The state as bytes. */
  readonly bytes: Uint8Array;
}

let optimizers: OptimizerFactories | undefined;

/** Three epochs of two steps, in one go or stopped after the first and resumed from bytes. */
async function train(make: () => Schedule<Plugin>, resumed = false): Promise<Trained> {
  const begin = async (state?: Uint8Array) => {
    const run = net();
    if (state !== undefined) run.load(unpackState(state));
    const schedule = make();
    const trainer = await createTrainer(run, {
      data: dataOf(2),
      epochs: 3,
      learningRate: 0.01,
      schedules: [schedule],
      ...(optimizers && { optimizers }),
    });
    return { run, schedule, trainer };
  };
  let now = await begin();
  if (resumed) {
    await now.trainer.nextEpoch();
    const [run, trainer] = [packState(await now.run.save()), packState(await now.trainer.save())];
    now.trainer.dispose();
    now.schedule.plugin.dispose?.();
    now.run.dispose();
    now.run.model.dispose();
    now = await begin(run);
    now.trainer.load(unpackState(trainer));
  }
  const { run, schedule, trainer } = now;
  while (!trainer.done) await trainer.nextEpoch();
  const bytes = packState(await run.save());
  const weights = await Promise.all(run.model.getWeights().map(async (w) => (await w.data()).slice()));
  const losses = trainer.history.map(({ loss }) => loss);
  await trainer.finish();
  schedule.plugin.dispose?.();
  run.dispose();
  run.model.dispose();
  return { losses, weights: weights as Float32Array[], bytes };
}

describe.skipIf(!hasWebgpu)('on webgpu', () => {
  beforeAll(async () => {
    ({ optimizers } = await startBackend({ prefer: 'webgpu' }));
  });

  it.each(Object.entries(schedules))(
    '%s trains to the numbers of the CPU, resumes to the same bytes and keeps nothing',
    async (_, make) => {
      const before = tf.memory().numTensors;
      const gpu = await train(make);
      const again = await train(make, true);
      expect(tf.memory().numTensors).toBe(before);
      expect(Buffer.compare(gpu.bytes, again.bytes)).toBe(0);
      const fused = optimizers;
      await tf.setBackend('cpu');
      optimizers = undefined;
      try {
        const cpu = await train(make);
        for (const [i, loss] of cpu.losses.entries()) expect(gpu.losses[i]).toBeCloseTo(loss, 3);
        for (const [t, values] of cpu.weights.entries()) {
          // A bias before a batch normalisation has no gradient but rounding, which Adam scales up.
          if (t === bias) continue;
          for (const [i, value] of values.entries()) {
            if (!(Math.abs(gpu.weights[t][i] - value) <= tolerance)) {
              expect.fail(`weight ${i} of tensor ${t} is ${gpu.weights[t][i]}, on the CPU ${value}`);
            }
          }
        }
      } finally {
        optimizers = fused;
        await tf.setBackend('webgpu');
      }
    },
  );

  it('takes no more of the device for more steps', async () => {
    const run = net();
    const trainer = await createTrainer(run, {
      data: dataOf(3),
      epochs: 8,
      schedules: [schedules.level()],
      ...(optimizers && { optimizers }),
    });
    const held = (): unknown => {
      const { numTensors, numBytesInGPU } = tf.memory() as tf.MemoryInfo & { numBytesInGPU: number };
      return { numTensors, numBytesInGPU };
    };
    for (let i = 0; i < 4; i++) await trainer.nextEpoch();
    const before = held();
    for (let i = 0; i < 4; i++) await trainer.nextEpoch();
    expect(held()).toEqual(before);
    await trainer.finish();
    run.dispose();
    run.model.dispose();
  });
});
