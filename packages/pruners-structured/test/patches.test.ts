import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { inside } from '../src/graph/inside.js';
import { patches } from '../src/reconstruct/patches.js';
import { normal } from './models.js';

const conv2d = { filters: 2, useBias: false, inputShape: [7, 8, 3] };
const conv1d = { filters: 2, useBias: false, inputShape: [9, 3] };

describe('patches', () => {
  // At every position that a convolution has, in their order: what it multiplies its kernel with there.
  it.each([
    ['a window', layers.conv2d({ ...conv2d, kernelSize: [3, 2] })],
    ['padding', layers.conv2d({ ...conv2d, kernelSize: [3, 2], padding: 'same' })],
    ['padding of an even window', layers.conv2d({ ...conv2d, kernelSize: [4, 4], padding: 'same' })],
    ['strides', layers.conv2d({ ...conv2d, kernelSize: [3, 2], strides: [2, 3] })],
    [
      'strides and padding',
      layers.conv2d({ ...conv2d, kernelSize: [3, 4], strides: [3, 2], padding: 'same' }),
    ],
    [
      'strides beyond the window',
      layers.conv2d({ ...conv2d, kernelSize: 1, strides: [3, 5], padding: 'same' }),
    ],
    ['dilation', layers.conv2d({ ...conv2d, kernelSize: [3, 2], dilationRate: [2, 3] })],
    [
      'dilation and padding',
      layers.conv2d({ ...conv2d, kernelSize: 2, dilationRate: [3, 2], padding: 'same' }),
    ],
    ['one dimension', layers.conv1d({ ...conv1d, kernelSize: 3 })],
    [
      'one dimension, strides and padding',
      layers.conv1d({ ...conv1d, kernelSize: 4, strides: 2, padding: 'same' }),
    ],
    [
      'one dimension, dilation',
      layers.conv1d({ ...conv1d, kernelSize: 3, dilationRate: 2, padding: 'same' }),
    ],
  ])('times the kernel are outputs: %s', (_, layer) => {
    const shape = (layer as unknown as { batchInputShape: number[] }).batchInputShape.slice(1);
    const x = normal([2, ...shape], 1);
    const output = layer.apply(x) as tf.Tensor;
    const [, height, width] =
      output.rank === 3 ? [0, output.shape[1] as number, 1] : (output.shape as number[]);
    const places = Array.from({ length: height * width }, (_, i) => [Math.floor(i / width), i % width]);
    const draws = places.flatMap(([y, z]) => [(y + 0.5) / height, (z + 0.5) / width]);
    const rows = patches(inside(layer), x, places.length, () => draws.shift()!);
    expect(draws).toEqual([]);
    const [kernel] = layer.getWeights();
    const products = tf.matMul(rows, tf.reshape(kernel, [-1, 2]) as tf.Tensor2D);
    // Positions first, then examples.
    const expected = tf.transpose(tf.reshape(output, [2, -1, 2]), [1, 0, 2]).dataSync();
    expect(products.size).toBe(expected.length);
    for (const [i, y] of products.dataSync().entries()) expect(y).toBeCloseTo(expected[i], 4);
  });

  it('of a dense layer are all that it reads', () => {
    const x = normal([2, 3, 4], 2);
    const rows = patches(inside(layers.dense({ units: 1 })), x, 1, () => 0);
    expect(rows.shape).toEqual([6, 4]);
    expect(rows.dataSync()).toEqual(x.dataSync());
  });
});
