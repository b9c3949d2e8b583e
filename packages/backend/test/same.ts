import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { expect } from 'vitest';
import { random } from './random.js';

const draw = random(5);

/** A tensor of numbers in [-1, 1). */
export function some(shape: readonly number[]): tf.Tensor {
  const values = Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, () => draw.next() * 2 - 1);
  return tf.tensor(values, [...shape]);
}

type Work = (x: tf.Tensor[]) => tf.Tensor[];

/** The results of `work` on a backend, from the same inputs. */
async function on(backend: string, inputs: tf.Tensor[], work: Work): Promise<number[][]> {
  const values = await Promise.all(inputs.map((x) => x.data()));
  await tf.setBackend(backend);
  const results = tf.tidy(() => work(inputs.map((x, i) => tf.tensor(values[i].slice(), x.shape, x.dtype))));
  const read: number[][] = [];
  for (const result of results) read.push([...(await result.data())]);
  tf.dispose(results);
  return read;
}

/** Holds webgpu's results against those of the CPU, relative to the largest; the inputs are disposed of. */
export async function same(inputs: tf.Tensor[], work: Work, tolerance = 1e-5): Promise<void> {
  const ours = await on('webgpu', inputs, work);
  const expected = await on('cpu', inputs, work);
  await tf.setBackend('webgpu');
  tf.dispose(inputs);
  for (const [k, values] of expected.entries()) {
    expect(ours[k]).toHaveLength(values.length);
    const most = Math.max(1, ...values.map(Math.abs));
    const error = Math.max(0, ...values.map((value, i) => Math.abs(value - ours[k][i])));
    expect(error).toBeLessThan(tolerance * most);
  }
}
