import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  BackendError,
  describe as describeBackend,
  doctor,
  formatDoctor,
  setup,
  startBackend,
} from '../src/index.js';
import { hasNative } from './native.js';

describe('startBackend', () => {
  it('starts cpu and wasm when asked, and says so in one line', async () => {
    for (const prefer of ['cpu', 'wasm'] as const) {
      const lines: string[] = [];
      const backend = await startBackend({ prefer, log: (line) => lines.push(line) });
      expect(tf.getBackend()).toBe(prefer);
      expect(backend).toMatchObject({ name: prefer, tfjsName: prefer, why: 'asked for', gpu: false });
      expect(backend.optimizers).toBeUndefined();
      expect(backend.versions).toMatchObject({ node: process.versions.node, tfjs: '4.22.0' });
      expect(lines).toEqual([describeBackend(backend)]);
      expect(lines[0]).toMatch(
        /^backend \w+: @tensorflow\/tfjs-backend-\w+ 4\.22\.0, 1 thread \(asked for\)$/,
      );
    }
  });

  it.runIf(hasNative)('takes native by itself, and says why not the GPU', async () => {
    const backend = await startBackend();
    expect(backend).toMatchObject({ name: 'native', tfjsName: 'tensorflow' });
    expect(backend.why).toBe('the fastest that works; @tensorflow/tfjs-node-gpu is not installed');
    expect(backend.versions.tensorflow).toMatch(/^\d+\.\d+/);
    expect(backend.optimizers).toBeDefined();
    expect(tf.getBackend()).toBe('tensorflow');
    expect([...tf.tidy(() => tf.matMul(tf.ones([2, 3]), tf.ones([3, 1])).dataSync())]).toEqual([3, 3]);
  });

  it('refuses what it cannot have, with a remedy', async () => {
    await expect(startBackend({ prefer: 'webgl' as 'cpu' })).rejects.toMatchObject({
      code: 'backend-unknown',
      message: 'there is no backend "webgl". Use one of auto, gpu, webgpu, native, wasm, cpu.',
    });
    const gpu = await startBackend({ prefer: 'gpu' }).catch((error: unknown) => error);
    expect(gpu).toBeInstanceOf(BackendError);
    expect(gpu).toMatchObject({ code: 'backend-unavailable' });
    expect((gpu as Error).message).toMatch(
      /tfjs-node-gpu is not installed.*espalier setup --gpu.*nvidia-smi/,
    );
  });
});

describe('doctor', () => {
  it('has a row for each backend, with what to do where one is missing', async () => {
    const rows = await doctor();
    expect(rows.map((row) => row.backend)).toEqual(['gpu', 'webgpu', 'native', 'wasm', 'cpu']);
    const [gpu, webgpu, native, wasm, cpu] = rows;
    expect(webgpu).toMatchObject({
      package: '@tensorflow/tfjs-backend-webgpu',
      version: '4.22.0, Dawn 0.6.2',
    });
    if (webgpu.found === 'works') expect(webgpu.adapter?.maxTensorBytes).toBeGreaterThan(2 ** 26);
    else expect(webgpu.advice).toMatch(/driver.*--backend auto/);
    expect(gpu).toMatchObject({ found: 'missing', version: '' });
    expect(gpu.advice).toMatch(/npm install --ignore-scripts .*espalier setup --gpu/);
    if (hasNative) expect(native).toMatchObject({ found: 'works', gpu: false, advice: '' });
    else expect(native.advice).toMatch(/espalier setup/);
    expect(wasm).toMatchObject({ found: 'works', version: '4.22.0' });
    expect(cpu).toMatchObject({ found: 'works', version: '4.22.0' });
    const table = formatDoctor(rows).split('\n');
    expect(table).toHaveLength(webgpu.adapter ? 8 : 7);
    expect(table[0]).toMatch(/^backend +package +found +version +gpu +what to do$/);
    expect(table[5]).toMatch(/^wasm +@tensorflow\/tfjs-backend-wasm +works +4\.22\.0 +no +-$/);
  });
});

describe('setup', () => {
  it.runIf(hasNative)('is quick when everything is there', async () => {
    await setup();
    const start = performance.now();
    const result = await setup();
    expect(performance.now() - start).toBeLessThan(1000);
    expect(result).toMatchObject({ backend: 'native', how: 'ready' });
  });

  it('says what to install where the package is missing', async () => {
    const said: string[] = [];
    const setUp = setup({ gpu: true, log: (line) => said.push(line) });
    await expect(setUp).rejects.toMatchObject({
      code: 'package-missing',
      message: expect.stringContaining('--backend webgpu'),
    });
    expect(said.join()).toMatch(/CUDA: .*never run.*WebGPU.*H200/);
  });
});
