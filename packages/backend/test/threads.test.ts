import * as tf from '@tensorflow/tfjs-core';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { type BackendTrial, startBackend } from '../src/index.js';
import { nativeBackend } from '../src/native/ops.js';
import { hasNative } from './native.js';

const cores = vi.hoisted(() => ({ count: 2 }));
vi.mock('node:os', async (original) => ({
  ...(await original<typeof import('node:os')>()),
  availableParallelism: () => cores.count,
}));

const before = hasNative ? await startBackend({ prefer: 'native' }) : undefined;
const canSet = hasNative && nativeBackend().binding.setThreads !== undefined;

/** A trial whose steps take so many milliseconds with one thread, with two, … */
function trialOf(milliseconds: readonly number[]): { trial: BackendTrial; asked: number[] } {
  const asked: number[] = [];
  const trial: BackendTrial = async ({ threads }) => {
    asked.push(threads);
    return {
      step: () => new Promise((resolve) => setTimeout(resolve, milliseconds[threads - 1])),
      dispose() {},
    };
  };
  return { trial, asked };
}

describe.runIf(canSet)('the threads of native TensorFlow', () => {
  const said = process.env.TF_NUM_INTRAOP_THREADS;
  afterAll(() => {
    if (said === undefined) delete process.env.TF_NUM_INTRAOP_THREADS;
    else process.env.TF_NUM_INTRAOP_THREADS = said;
    nativeBackend().binding.setThreads!(before!.threads);
  });

  it('are as many as are asked for; tensors that were there keep their values', async () => {
    const x = tf.tensor2d([1, 2, 3, 4], [2, 2]);
    const product = tf.matMul(x, x);
    for (const threads of [1, 3, 1]) {
      const backend = await startBackend({ prefer: 'native', threads });
      expect(backend.threads).toBe(threads);
      expect([...product.dataSync()]).toEqual([7, 10, 15, 22]);
      const again = tf.matMul(product, x);
      expect([...again.dataSync()]).toEqual([37, 54, 81, 118]);
      again.dispose();
    }
    tf.dispose([x, product]);
  });

  it.each([0, -1, 1.5, Number.NaN])('%d of them are refused', async (threads) => {
    await expect(startBackend({ prefer: 'native', threads })).rejects.toThrow(`threads is ${threads}`);
  });

  it('stay one where a second one does not make a step clearly faster, and that is said', async () => {
    delete process.env.TF_NUM_INTRAOP_THREADS;
    const { trial, asked } = trialOf([4, 500]);
    const backend = await startBackend({ prefer: 'native', threads: 'measured', trial });
    expect(backend.threads).toBe(1);
    expect(backend.why).toMatch(/a step takes [\d.]+ ms with 1, [\d.]+ with 2/);
    expect(new Set(asked)).toEqual(new Set([1, 2]));
  });

  it('are more where that makes a step faster', async () => {
    delete process.env.TF_NUM_INTRAOP_THREADS;
    const backend = await startBackend({ prefer: 'native', threads: 'measured', ...trialOf([600, 5]) });
    expect(backend.threads).toBe(2);
  });

  it('are those of the environment, which nothing measures', async () => {
    process.env.TF_NUM_INTRAOP_THREADS = '1';
    const { trial, asked } = trialOf([4, 4]);
    await startBackend({ prefer: 'native', threads: 'measured', trial });
    expect(asked).toEqual([]);
  });

  it('are as they were where the trial fails: who trains will find out why', async () => {
    delete process.env.TF_NUM_INTRAOP_THREADS;
    const trial: BackendTrial = () => Promise.reject(new Error('no data'));
    const backend = await startBackend({ prefer: 'native', threads: 'measured', trial });
    expect(backend.threads).toBe(cores.count);
  });
});
