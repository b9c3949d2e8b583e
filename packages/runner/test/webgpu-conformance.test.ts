import '@tensorflow/tfjs-backend-cpu';
import { startBackend } from '@espalier/backend';
import { createTrainer, type OptimizerFactories } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { hasWebgpu } from '../../backend/test/software-gpu.js';
import { dataOf, net, posteriors, schedules } from './every-plugin.js';
import { difference, train } from './train-tiny.js';

vi.setConfig({ testTimeout: 300_000 });

let optimizers: OptimizerFactories | undefined;

describe.skipIf(!hasWebgpu)('on webgpu', () => {
  beforeAll(async () => {
    ({ optimizers } = await startBackend({ prefer: 'webgpu' }));
  });

  it.each(Object.entries(schedules))(
    '%s trains to the numbers of the CPU, resumes to the same bytes and keeps nothing',
    async (_, make) => {
      const before = tf.memory().numTensors;
      const gpu = await train(make, optimizers);
      const again = await train(make, optimizers, true);
      expect(tf.memory().numTensors).toBe(before);
      expect(Buffer.compare(gpu.bytes, again.bytes)).toBe(0);
      await tf.setBackend('cpu');
      try {
        expect(difference(gpu, await train(make, undefined))).toBeUndefined();
      } finally {
        await tf.setBackend('webgpu');
      }
    },
  );

  it.each(Object.entries(posteriors))(
    '%s resumes to the same bytes and keeps nothing, and trains to the numbers of the CPU from the same noise',
    async (_, make) => {
      const before = tf.memory().numTensors;
      const gpu = await train(make, optimizers);
      const again = await train(make, optimizers, true);
      expect(tf.memory().numTensors).toBe(before);
      expect(Buffer.compare(gpu.bytes, again.bytes)).toBe(0);
      // Without a generator on the device, noise is drawn in JavaScript on every backend.
      const generator = tf.getKernel('StatelessRandomNormal', 'webgpu');
      tf.unregisterKernel(generator.kernelName, generator.backendName);
      try {
        const same = await train(make, optimizers);
        await tf.setBackend('cpu');
        expect(difference(same, await train(make, undefined))).toBeUndefined();
      } finally {
        await tf.setBackend('webgpu');
        tf.registerKernel(generator);
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
