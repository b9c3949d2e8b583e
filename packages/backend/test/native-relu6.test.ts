import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { startBackend } from '../src/index.js';
import { hasNative } from './native.js';

describe.runIf(hasNative)('layers with ReLU6 on the native backend', () => {
  beforeAll(async () => {
    await startBackend({ prefer: 'native' });
  });

  const values = [-7, -0, 0, 1e-6, 2.5, 5.999, 6, 6.001, 1e9];

  it.each([
    ['a layer that ends at 6', () => tfl.layers.reLU({ maxValue: 6 }), 6, true],
    ['an activation', () => tfl.layers.activation({ activation: 'relu6' }), 6, true],
    ['a layer that ends elsewhere', () => tfl.layers.reLU({ maxValue: 4 }), 4, false],
    ['a layer without an end', () => tfl.layers.reLU({}), Number.POSITIVE_INFINITY, false],
  ])('%s', (_name, make, end, ours) => {
    const layer = make();
    const before = tf.memory().numTensors;
    const spy = vi.spyOn(tf.engine(), 'runKernel');
    const [x, slopes] = [tf.tensor1d(values), tf.tensor1d(values.map((_, i) => i + 1))];
    const y = layer.apply(x) as tf.Tensor;
    const dx = tf.grad((of: tf.Tensor) => layer.apply(of) as tf.Tensor)(x, slopes);
    const ran = spy.mock.calls.map(([kernel]) => kernel);
    spy.mockRestore();
    expect(ran.includes('Relu6Grad')).toBe(ours);
    expect(ran.includes('Maximum') || ran.includes('Minimum') || ran.includes('ClipByValue')).toBe(
      !ours && end === 4,
    );
    expect([...y.dataSync()]).toEqual(values.map((v) => Math.fround(Math.max(0, Math.min(end, v)))));
    expect([...dx.dataSync()]).toEqual(values.map((v, i) => (v > 0 && v < end ? i + 1 : 0)));
    tf.dispose([x, slopes, y, dx]);
    if (ours) expect(tf.memory().numTensors).toBe(before); // TF.js’s own layer leaves one behind.
  });
});
