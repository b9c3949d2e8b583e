import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { BackendError, describe as describeBackend, startBackend } from '../src/index.js';
import { hasWebgpu } from './software-gpu.js';

const bench = fileURLToPath(new URL('../../../bench', import.meta.url));

/** Runs a module in a process of its own, on the built package. */
function runModule(code: string, env: NodeJS.ProcessEnv = {}): Promise<{ code: number | null; out: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      cwd: bench,
      env: { ...process.env, ...env },
      timeout: 120_000,
    });
    let out = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (out += chunk));
    child.on('close', (status) => resolve({ code: status, out }));
  });
}

describe.skipIf(!hasWebgpu)('webgpu', () => {
  it('starts when asked, names the adapter, and multiplies right', async () => {
    const lines: string[] = [];
    const backend = await startBackend({ prefer: 'webgpu', log: (line) => lines.push(line) });
    expect(backend).toMatchObject({ name: 'webgpu', tfjsName: 'webgpu', gpu: !backend.adapter!.software });
    expect(backend.adapter!.maxBuffersPerProgram).toBeGreaterThanOrEqual(8);
    expect(lines).toEqual([describeBackend(backend)]);
    expect(lines[0]).toContain(backend.adapter!.vendor);
    const product = tf.matMul(tf.ones([70, 90]), tf.fill([90, 3], 0.5));
    expect([...(await product.data())]).toEqual(Array(210).fill(45));
  });

  it('has no card where there is only a program that plays one, and says so', async () => {
    const { adapter } = await startBackend({ prefer: 'webgpu' });
    const gpu = await startBackend({ prefer: 'gpu' }).catch((error: unknown) => error);
    if (!adapter!.software) return expect(gpu).toMatchObject({ name: 'webgpu', gpu: true });
    expect(gpu).toMatchObject({ code: 'backend-unavailable' });
    expect((gpu as Error).message).toMatch(/no adapter but a software one.*libvulkan1.*npm|install/);
  });

  it('says that the device was lost, at the next program and the next read, and starts anew', async () => {
    await startBackend({ prefer: 'webgpu' });
    const held = tf.add(tf.ones([2000]), 1);
    const { device } = tf.backend() as unknown as { device: { destroy(): void; lost: Promise<unknown> } };
    device.destroy();
    const read = await held.data().catch((error: unknown) => error);
    expect(read).toBeInstanceOf(BackendError);
    expect(read).toMatchObject({ code: 'device-lost', remedy: expect.stringContaining('--resume') });
    await device.lost;
    expect(() => tf.add(tf.ones([2000]), 1)).toThrow(/GPU was lost/);
    await startBackend({ prefer: 'webgpu' });
    expect((await tf.add(tf.ones([2000]), 1).data())[1999]).toBe(2);
  });

  it('says what to do instead of reading without waiting', async () => {
    await startBackend({ prefer: 'webgpu' });
    const sum = tf.add(tf.ones([2000]), 1);
    expect(() => sum.dataSync()).toThrow(expect.objectContaining({ code: 'sync-read' }));
    expect(() => sum.dataSync()).toThrow(/await tensor\.data\(\)/);
    expect(tf.tensor1d([1, 2]).dataSync()).toEqual(Float32Array.of(1, 2)); // Still on the CPU.
  });

  it('lets the process end by itself', async () => {
    const { code, out } = await runModule(`
      import { startBackend } from '@espalier/backend';
      import * as tf from '@tensorflow/tfjs-core';
      import '@tensorflow/tfjs-layers'; // Brings the gradients.
      await startBackend({ prefer: 'webgpu' });
      const x = tf.variable(tf.ones([100]));
      tf.train.adam(0.5).minimize(() => tf.sum(tf.square(x)));
      console.log('x ' + (await x.data())[99].toFixed(3));
      tf.add(x, 1).data(); // Not waited for.
    `);
    expect(out).toContain('x 0.5');
    expect(code).toBe(0);
  });

  it('names the adapters there are for a name that none has', async () => {
    const { out } = await runModule(
      `import { startBackend } from '@espalier/backend';
       await startBackend({ prefer: 'webgpu' }).catch((error) => console.log(error.code, error.message));`,
      { ESPALIER_WEBGPU_ADAPTER: 'none-such' },
    );
    expect(out).toMatch(/no-adapter WebGPU finds no adapter of that name; there are: \S/);
  });

  it('says what to do without an adapter', async () => {
    const { out } = await runModule(
      `import { startBackend } from '@espalier/backend';
       await startBackend({ prefer: 'webgpu' }).catch((error) => console.log(error.code, error.message));`,
      { VK_DRIVER_FILES: '/none', VK_ICD_FILENAMES: '/none' },
    );
    expect(out).toMatch(/no-adapter WebGPU finds no adapter\. .*driver.*--backend auto/);
  });
});
