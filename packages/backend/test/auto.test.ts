import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { faster, timeSteps } from '../src/auto.js';
import { type BackendTrial, type Started, startBackend } from '../src/index.js';
import { hasWebgpu } from './software-gpu.js';

const [cpu, gpu] = ['native', 'webgpu'].map((name) => ({ name }) as unknown as Started);

describe('the faster backend', () => {
  it('is the one whose step takes less time, with both figures; of equals the CPU', () => {
    const chosen = faster({ backend: cpu, milliseconds: 8.44 }, { backend: gpu, milliseconds: 3.12 });
    expect(chosen.backend).toBe(gpu);
    expect(chosen.why).toBe('the fastest for this model: a step takes 3.1 ms on webgpu, 8.4 ms on native');
    expect(faster({ backend: cpu, milliseconds: 2 }, { backend: gpu, milliseconds: 9 }).backend).toBe(cpu);
    expect(faster({ backend: cpu, milliseconds: 2 }, { backend: gpu, milliseconds: 2 }).backend).toBe(cpu);
  });

  it('is timed by the middle of a few steps after a warm-up, on that backend, and cleans up', async () => {
    const { optimizers: _, ...started } = await startBackend({ prefer: 'cpu' });
    let steps = 0;
    let disposed = false;
    const trial: BackendTrial = async () => ({
      async step() {
        expect(tf.getBackend()).toBe('cpu');
        steps++;
        await new Promise((resolve) => setTimeout(resolve, steps <= 3 ? 600 : 5));
      },
      dispose: () => {
        disposed = true;
      },
    });
    const { milliseconds } = await timeSteps({ ...started, optimizers: undefined }, trial);
    expect(milliseconds).toBeGreaterThan(3);
    expect(milliseconds).toBeLessThan(500);
    expect(steps).toBeGreaterThan(3);
    expect(disposed).toBe(true);
  });

  it.runIf(hasWebgpu)('is not looked for on a program that plays a card, and that is said', async () => {
    const { adapter } = await startBackend({ prefer: 'webgpu' });
    if (!adapter!.software) return;
    const backend = await startBackend({
      trial: () => {
        throw new Error('not to be called');
      },
    });
    expect(backend.name).not.toBe('webgpu');
    expect(backend.why).toMatch(/the fastest that works; WebGPU finds no adapter but a software one/);
    expect(tf.getBackend()).toBe(backend.tfjsName);
  });
});
