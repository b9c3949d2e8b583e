import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { expect, it } from 'vitest';
import { dense, linearOf } from '../src/internal/linear.js';

const { layers } = tfl;
const on1d = { filters: 3, inputShape: [8, 2] };
const on2d = { filters: 3, inputShape: [7, 6, 2] };
const depthwise = { depthMultiplier: 2, inputShape: [7, 6, 2] };

// What TF.js's layer makes of it, without its bias and its activation.
it.each([
  ['dense', layers.dense({ units: 3, inputShape: [4] })],
  ['dense over time', layers.dense({ units: 3, inputShape: [5, 4] })],
  ['dense over an image', layers.dense({ units: 3, inputShape: [2, 5, 4] })],
  ['conv1d', layers.conv1d({ ...on1d, kernelSize: 3 })],
  ['conv1d, padded', layers.conv1d({ ...on1d, kernelSize: 3, padding: 'same' })],
  ['conv1d, strides', layers.conv1d({ ...on1d, kernelSize: 2, strides: 2 })],
  ['conv1d, dilated', layers.conv1d({ ...on1d, kernelSize: 3, dilationRate: 2 })],
  ['conv2d', layers.conv2d({ ...on2d, kernelSize: [3, 2] })],
  ['conv2d, padded', layers.conv2d({ ...on2d, kernelSize: 3, padding: 'same' })],
  ['conv2d, strides', layers.conv2d({ ...on2d, kernelSize: 2, strides: [2, 3] })],
  ['conv2d, dilated', layers.conv2d({ ...on2d, kernelSize: 2, dilationRate: [2, 3] })],
  ['conv3d', layers.conv3d({ filters: 2, kernelSize: 2, inputShape: [4, 5, 3, 2] })],
  [
    'conv3d, strides',
    layers.conv3d({ filters: 2, kernelSize: 2, strides: [1, 2, 3], inputShape: [4, 5, 4, 2] }),
  ],
  [
    'conv3d, dilated',
    layers.conv3d({ filters: 2, kernelSize: 2, dilationRate: 2, inputShape: [4, 5, 4, 2] }),
  ],
  ['depthwise', layers.depthwiseConv2d({ ...depthwise, kernelSize: 3 })],
  ['depthwise, padded', layers.depthwiseConv2d({ ...depthwise, kernelSize: 3, padding: 'same' })],
  ['depthwise, strides', layers.depthwiseConv2d({ ...depthwise, kernelSize: 2, strides: [2, 2] })],
  ['depthwise, dilated', layers.depthwiseConv2d({ ...depthwise, kernelSize: 2, dilationRate: [2, 2] })],
])('the linear part of %s is what the layer does', (_, layer) => {
  const model = tfl.sequential({ layers: [layer] });
  const [kernel, bias] = layer.getWeights();
  expect([...bias.dataSync()].every((b) => b === 0)).toBe(true);
  const x = tf.randomNormal([2, ...(model.inputs[0].shape.slice(1) as number[])], 0, 1, 'float32', 1);
  const expected = model.predict(x) as tf.Tensor;
  const linear = linearOf(layer);
  if (typeof linear === 'string') throw new Error(linear);
  const found = linear(x, kernel);
  expect(found.shape).toEqual(expected.shape);
  const values = expected.dataSync();
  for (const [i, y] of found.dataSync().entries()) expect(y).toBeCloseTo(values[i], 4);
});

it.each([1, 2])('the linear part of a causal conv1d sees nothing to come, dilation %i', (dilationRate) => {
  const options = { filters: 3, kernelSize: 3, dilationRate, useBias: false };
  const layer = layers.conv1d({ ...options, padding: 'causal', inputShape: [8, 2] });
  tfl.sequential({ layers: [layer] });
  const valid = layers.conv1d({ ...options, inputShape: [8 + 2 * dilationRate, 2] });
  const padded = tfl.sequential({ layers: [valid] });
  valid.setWeights(layer.getWeights());
  const x = tf.randomNormal([2, 8, 2], 0, 1, 'float32', 1);
  const linear = linearOf(layer);
  if (typeof linear === 'string') throw new Error(linear);
  // TF.js has no layer for it: zeros come before.
  const before = tf.zeros([2, 2 * dilationRate, 2]);
  const expected = (padded.predict(tf.concat([before, x], 1)) as tf.Tensor).dataSync();
  const found = linear(x, layer.getWeights()[0]);
  expect(found.shape).toEqual([2, 8, 3]);
  for (const [i, y] of found.dataSync().entries()) expect(y).toBeCloseTo(expected[i], 4);
});

it('is none of other layers, nor where channels come first', () => {
  expect(linearOf(layers.conv2dTranspose({ filters: 1, kernelSize: 1 }))).toMatch(/Conv2DTranspose have no/);
  expect(linearOf(layers.flatten())).toMatch(/Flatten/);
  const first = layers.conv2d({ filters: 1, kernelSize: 1, dataFormat: 'channelsFirst' });
  expect(linearOf(first)).toMatch(/channels come first/);
  expect(linearOf(layers.dense({ units: 1 }))).toBe(dense);
});
