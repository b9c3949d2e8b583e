import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers'; // Brings the gradients.
import { beforeAll, describe, expect, it } from 'vitest';
import { startBackend } from '../src/index.js';
import { launcher } from '../src/webgpu/dispatch/kernel.js';
import { forward } from '../src/webgpu/kernels/conv2d.js';
import { multiply } from '../src/webgpu/kernels/gemm.js';
import { hasWebgpu } from './software-gpu.js';

type Four = [number, number, number, number];

const wave = (shape: Four, seed: number): Float32Array =>
  Float32Array.from(
    { length: tf.util.sizeFromShape(shape) },
    (_, i) => Math.sin(i * 1.37 + seed) + 0.1 * (i % 3),
  );

/** Result and both gradients of a convolution. */
async function convolve(
  x: Four,
  filter: Four,
  strides: [number, number],
  pad: 'same' | 'valid' | number,
): Promise<Float32Array[]> {
  const results = tf.tidy(() => {
    const a = tf.tensor4d(wave(x, 1), x);
    const b = tf.tensor4d(wave(filter, 2), filter);
    const work = (v: tf.Tensor, w: tf.Tensor): tf.Tensor =>
      tf.conv2d(v as tf.Tensor4D, w as tf.Tensor4D, strides, pad);
    const y = work(a, b);
    const dy = tf.tensor4d(wave(y.shape as Four, 3), y.shape as Four);
    return [y, ...tf.grads(work)([a, b], dy)];
  });
  const read: Float32Array[] = [];
  for (const result of results) read.push((await result.data()) as Float32Array);
  tf.dispose(results);
  return read;
}

// A software adapter compiles slowly when it is not alone.
describe.skipIf(!hasWebgpu)('convolutions on webgpu', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    await startBackend({ prefer: 'webgpu' });
  });

  it.each([
    [[1, 9, 8, 7], [4, 3, 7, 34], [2, 3], 1], // An odd stride, more channels than one block has.
    [[3, 9, 8, 8], [3, 2, 8, 12], [1, 2], 'same'], // Channels in fours.
    [[2, 26, 26, 4], [3, 3, 4, 5], [1, 1], 'valid'], // A sum so long that it is cut.
  ] as [Four, Four, [number, number], 'same' | 'valid' | number][])(
    'x %j, filter %j, strides %j, pad %j: as on the CPU, forward and both gradients',
    async (x, filter, strides, pad) => {
      const ours = await convolve(x, filter, strides, pad);
      const again = await convolve(x, filter, strides, pad);
      await tf.setBackend('cpu');
      const expected = await convolve(x, filter, strides, pad);
      await tf.setBackend('webgpu');
      for (const [k, values] of expected.entries()) {
        expect(ours[k]).toHaveLength(values.length);
        let [most, error, different] = [0, 0, 0];
        for (let i = 0; i < values.length; i++) {
          most = Math.max(most, Math.abs(values[i]));
          error = Math.max(error, Math.abs(values[i] - ours[k][i]));
          if (again[k][i] !== ours[k][i]) different++;
        }
        expect(error / most).toBeLessThan(3e-6);
        expect(different).toBe(0); // The same bits in every run.
      }
    },
  );

  it('takes eight rows a thread where there are very many, with the same result', async () => {
    const [x, filter] = [
      tf.tensor4d(wave([3, 9, 9, 2], 1), [3, 9, 9, 2]),
      tf.tensor4d(wave([2, 2, 2, 40], 2), [2, 2, 2, 40]),
    ];
    const product = forward(tf.backend_util.computeConv2DInfo(x.shape, filter.shape, 1, 1, 'valid'));
    const shape = [product.m, product.n];
    const [four, eight] = [undefined, { across: 16, down: 16, tall: 2 } as const].map((tile) =>
      tf.engine().makeTensorFromTensorInfo(multiply(launcher(), product, [x, filter], shape, { tile })),
    );
    expect(await eight.data()).toEqual(await four.data());
    tf.dispose([x, filter, four, eight]);
  });
});
