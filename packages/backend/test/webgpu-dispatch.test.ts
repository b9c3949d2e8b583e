import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers'; // Brings the gradients.
import { beforeAll, describe, expect, it } from 'vitest';
import { startBackend } from '../src/index.js';
import { type WebgpuBackend, webgpuBackend } from '../src/webgpu/backend.js';
import { BufferPool } from '../src/webgpu/dispatch/buffer-pool.js';
import type { GpuBuffer } from '../src/webgpu/gpu.js';
import { hasWebgpu } from './software-gpu.js';

/** Programs of TF.js alone, with uniforms of all kinds, uploads of all types and sizes, more than one submission. */
function work(): tf.Tensor[] {
  const x = tf.tensor2d(
    Float32Array.from({ length: 60 }, (_, i) => Math.sin(i)),
    [6, 10],
  );
  const results: tf.Tensor[] = [
    tf.softmax(x),
    tf.clipByValue(x, -0.5, 0.25),
    tf.clipByValue(tf.mul(x, 0), -0, 1),
    tf.fill([3], -0),
    tf.fill([3], 0),
    tf.fill([3], Number.NaN),
    tf.slice(x, [1, 2], [3, 4]),
    tf.transpose(x),
    tf.where(tf.tensor1d([true, false, true], 'bool'), tf.tensor1d([1, 2, 3]), tf.tensor1d([-0, -1, -2])),
    tf.gather(x, tf.tensor1d([5, 0], 'int32')),
    tf.pad(
      x,
      [
        [1, 0],
        [0, 2],
      ],
      0.5,
    ),
    tf.oneHot(tf.tensor1d([2, 0], 'int32'), 3),
    tf.maxPool(tf.reshape(x, [1, 6, 5, 2]) as tf.Tensor4D, 2, 1, 'same'),
    tf.add(x, tf.scalar(3, 'int32')),
  ];
  let y: tf.Tensor = x;
  for (let i = 0; i < 250; i++) y = tf.add(tf.mul(y, 1 - i / 1000), i % 7);
  return [...results, y];
}

async function bits(): Promise<number[][]> {
  const results = tf.tidy(work);
  const read: number[][] = [];
  for (const result of results) {
    const values = await result.data();
    read.push([
      ...new Uint32Array(
        values instanceof Uint8Array ? Int32Array.from(values).buffer : values.slice().buffer,
      ),
    ]);
  }
  tf.dispose(results);
  return read;
}

// A software adapter compiles slowly when it is not alone.
describe.skipIf(!hasWebgpu)('dispatch on webgpu', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    await startBackend({ prefer: 'webgpu' });
  });

  it('changes no bit of what TF.js computes', async () => {
    const ours = [await bits(), await bits()];
    const { device } = webgpuBackend();
    const Stock = Object.getPrototypeOf(webgpuBackend()).constructor as new (
      ...of: unknown[]
    ) => tf.KernelBackend;
    tf.registerBackend('webgpu-stock', () => new Stock(device, {}));
    tf.copyRegisteredKernels('webgpu', 'webgpu-stock');
    await tf.setBackend('webgpu-stock');
    const stock = await bits();
    await tf.setBackend('webgpu');
    expect(ours).toEqual([stock, stock]);
  });

  it('makes nothing anew for what it has run before, and memory stays', async () => {
    const backend: WebgpuBackend = webgpuBackend();
    const { device } = backend;
    for (let k = 0; k < 3; k++) await bits();
    const made: string[] = [];
    const count = (name: 'createBuffer' | 'createBindGroup' | 'createComputePipeline'): (() => void) => {
      const stock = device[name].bind(device) as (of: never) => never;
      device[name] = ((of: never) => {
        made.push(name);
        return stock(of);
      }) as never;
      return () => delete (device as unknown as Record<string, unknown>)[name];
    };
    const restore = [count('createBuffer'), count('createBindGroup'), count('createComputePipeline')];
    const before = tf.memory() as tf.MemoryInfo & { numBytesInGPU: number; numBytesAllocatedInGPU: number };
    for (let k = 0; k < 3; k++) await bits();
    for (const undo of restore) undo();
    expect(made).toEqual([]);
    expect(tf.memory()).toMatchObject({
      numTensors: before.numTensors,
      numBytesInGPU: before.numBytesInGPU,
      numBytesAllocatedInGPU: before.numBytesAllocatedInGPU,
    });
  });

  it('remembers only so much: many shapes and numbers leave memory where it was', async () => {
    for (let k = 0; k < 1100; k++) tf.dispose(tf.tidy(() => tf.add(tf.scalar(k), 0.5)));
    const before = webgpuBackend().bufferManager.numBytesAllocated;
    for (let k = 0; k < 4400; k++) tf.dispose(tf.tidy(() => tf.fill([2], k)));
    await tf.scalar(1).data();
    // 4,096 uniforms of 32 to 48 bytes are remembered, no more.
    expect(webgpuBackend().bufferManager.numBytesAllocated - before).toBeLessThan(4096 * 64);
    expect((await tf.fill([2], 7).data())[1]).toBe(7);
  });
});

describe('BufferPool', () => {
  it('gives the lowest number of a size first, and frees what nobody asks for once much lies free', () => {
    const alive = new Set<string>();
    let made = 0;
    const device = {
      createBuffer({ size, usage }: { size: number; usage: number }): GpuBuffer {
        const name = `${size}#${made++}`;
        alive.add(name);
        return { size, usage, destroy: () => alive.delete(name) };
      },
    };
    const pool = new BufferPool(device, 1000, 5);
    const [a, b] = [pool.acquireBuffer(100, 1), pool.acquireBuffer(100, 1)];
    pool.releaseBuffer(b);
    pool.releaseBuffer(a);
    expect(pool.acquireBuffer(100, 1)).toBe(a);
    expect(pool.acquireBuffer(100, 2)).not.toBe(b);
    for (const size of [200, 300, 400]) pool.releaseBuffer(pool.acquireBuffer(size, 1));
    expect(alive.size).toBe(6); // 1,000 bytes are free: not too much.
    // Then it is, and goes what was not asked for the last five times: b, 200, and 300, until it is not.
    for (let k = 0; k < 3; k++) pool.releaseBuffer(pool.acquireBuffer(350, 1));
    for (let k = 0; k < 3; k++) pool.releaseBuffer(pool.acquireBuffer(100, 1));
    expect([...alive].map((name) => name.split('#')[0])).toEqual(['100', '100', '400', '350', '100']);
    expect(pool.numBytesAllocated).toBe(1050);
    expect(pool.numBytesUsed).toBe(200);
    expect(pool.numFreeBuffers).toBe(3);
  });
});
