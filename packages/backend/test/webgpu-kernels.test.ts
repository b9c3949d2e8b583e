import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers'; // Brings the gradients.
import { beforeAll, describe, expect, it } from 'vitest';
import { softmaxCrossEntropy } from '../../core/src/loss.js';
import { startBackend } from '../src/index.js';
import { same, some } from './same.js';
import { hasWebgpu } from './software-gpu.js';

// A software adapter compiles slowly when it is not alone.
describe.skipIf(!hasWebgpu)('kernels on webgpu', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    await startBackend({ prefer: 'webgpu' });
  });

  it.each([
    [[7], undefined],
    [[5, 3], 0],
    [[5, 3], 1],
    [[3000, 5], 0],
    [[9000, 20], 0],
    [[20_000], 0],
    [[2, 700, 3], 1],
    [
      [2, 3, 4, 5],
      [1, 2],
    ],
    [
      [2, 3, 4, 5],
      [0, 1, 2],
    ],
    [[2, 3, 4, 5], [-1]],
    [
      [2, 3, 4, 5],
      [0, 2],
    ],
    [[6, 1, 130], [0]],
    [[2, 3], []],
    [[0, 3], 0],
  ] as [number[], number | number[] | undefined][])('sums and means of %j over %j', async (shape, axis) => {
    await same([some(shape)], ([x]) => [tf.sum(x, axis), tf.sum(x, axis, true)]);
    if (!shape.includes(0)) await same([some(shape)], ([x]) => [tf.mean(x, axis), tf.mean(x, axis, true)]);
  });

  it.each([
    [[4, 6], undefined],
    [[4, 6], 0],
    [
      [3, 4, 5, 2],
      [1, 2],
    ],
    [
      [3, 4, 5],
      [0, 2],
    ],
  ] as [number[], number[] | undefined][])(
    'the gradients of sums and means of %j over %j',
    async (shape, axis) => {
      await same([some(shape)], ([x]) => [
        tf.grad((v) => tf.sum(tf.square(tf.sum(v, axis))))(x),
        tf.grad((v) => tf.sum(tf.square(tf.mean(v, axis, true))))(x),
      ]);
    },
  );

  it('gradients of gradients', async () => {
    await same([some([7])], ([x]) => [
      tf.grad((v) => tf.sum(tf.square(tf.grad((w) => tf.sum(tf.mul(tf.tanh(w), tf.mean(tf.relu(w)))))(v))))(
        x,
      ),
    ]);
  });

  it.each([[[6, 3]], [[2, 4, 5, 8]]])('the gradients of a batch normalisation of %j', async (shape) => {
    await same(
      [some(shape), some(shape.slice(-1)), some(shape.slice(-1)), some(shape)],
      ([x, scale, offset, dy]) => {
        const axes = shape.slice(1).map((_, i) => i);
        const work = (v: tf.Tensor, a: tf.Tensor, b: tf.Tensor): tf.Tensor => {
          const { mean, variance } = tf.moments(v, axes);
          const [m, s, o, f] = [mean, variance, b, a] as tf.Tensor1D[];
          return tf.batchNorm(v, m, s, o, f, 1e-3);
        };
        return tf.grads(work)([x, scale, offset], dy);
      },
    );
  });

  it('sums whole numbers and truths as before', async () => {
    const x = tf.tensor2d(
      [
        [1, 0],
        [1, 1],
      ],
      [2, 2],
      'bool',
    );
    await same([x, tf.tensor1d([3, 4], 'int32')], ([a, b]) => [tf.sum(a, 0), tf.sum(b)]);
  });

  it.each([
    ['relu', tf.relu],
    ['relu6', tf.relu6],
    ['sigmoid', tf.sigmoid],
    ['tanh', tf.tanh],
    ['square', tf.square],
  ] as const)('the gradient of %s', async (_, activation) => {
    const x = tf.tidy(() => tf.mul(some([9, 11]), 8));
    await same([x, some([9, 11])], ([a, dy]) => [tf.grad((v) => activation(v))(a, dy)]);
    await same([some([6, 4]), some([6, 4])], ([a, dy]) => [tf.grad((v) => activation(v))(a, dy)]);
  });

  it.each([
    [1, 2],
    [3, 10],
    [70, 150],
  ])('softmax cross-entropy of %i rows of %i classes', async (rows, classes) => {
    const logits = tf.tidy(() => tf.mul(some([rows, classes]), 30));
    const labels = tf.tidy(() => tf.softmax(tf.mul(some([rows, classes]), 9)));
    await same([logits, labels], ([x, y]) => {
      const { value, grad } = tf.valueAndGrad((v) => softmaxCrossEntropy(y, v))(x);
      return [value, grad];
    });
  });

  it.each([
    [3, 5, 4, 'linear'],
    [70, 9, 130, 'relu'],
    [3, 2100, 7, 'relu6'], // A sum so long that it is cut.
    [3, 5, 4, 'sigmoid'],
    [2, 3, 5, 'elu'],
  ] as const)('a product of %i by %i by %i with bias and %s', async (m, k, n, activation) => {
    await same([some([m, k]), some([k, n]), some([n])], ([a, b, bias]) => [
      tf.fused.matMul({ a: a as tf.Tensor2D, b: b as tf.Tensor2D, bias, activation }),
    ]);
  });

  it.each([
    [70, 9, 33],
    [68, 12, 36],
  ])('products of transposed matrices, %i by %i by %i', async (m, k, n) => {
    await same([some([m, k]), some([k, m]), some([k, n]), some([n, k])], ([a, at, b, bt]) => [
      tf.matMul(a, b),
      tf.matMul(a, bt, false, true),
      tf.matMul(at, b, true, false),
      tf.matMul(at, bt, true, true),
    ]);
  });

  it('a convolution with bias and activation', async () => {
    await same([some([2, 6, 5, 3]), some([3, 3, 3, 5]), some([5])], ([x, filter, bias]) => [
      tf.fused.conv2d({
        x: x as tf.Tensor4D,
        filter: filter as tf.Tensor4D,
        strides: 1,
        pad: 'same',
        bias,
        activation: 'relu',
      }),
    ]);
  });

  it('takes whole numbers that TF.js has cast by name alone', async () => {
    const [logits, labels] = [some([3, 10]), tf.oneHot(tf.tensor1d([4, 0, 9], 'int32'), 10)];
    await same([logits, labels], ([x, y]) => {
      const floats = tf.cast(y, 'float32');
      const { value, grad } = tf.valueAndGrad((v) => softmaxCrossEntropy(floats, v))(x);
      return [
        value,
        grad,
        tf.sum(floats, 0),
        tf.matMul(x as tf.Tensor2D, floats as tf.Tensor2D, false, true),
      ];
    });
  });

  it('takes tensors of nothing, and they stay that', async () => {
    const none = tf.zeros([0]);
    const at = tf.zeros([0, 1], 'int32');
    expect([...(await tf.scatterND(at, none, [3]).data())]).toEqual([0, 0, 0]);
    expect([...(await tf.concat([none, tf.tensor1d([4, 5])]).data())]).toEqual([4, 5]);
    expect([...(await tf.gather(tf.tensor1d([4, 5]), tf.zeros([0], 'int32')).data())]).toEqual([]);
    expect([...(await tf.sum(none).data())]).toEqual([0]);
    expect(await none.data()).toHaveLength(0);
    expect(await at.data()).toHaveLength(0);
  });

  it('loses nothing to logits that are far apart (golden numbers)', async () => {
    const [x, y] = [tf.tensor2d([[1000, 0, -1000]]), tf.tensor2d([[0, 1, 0]])];
    const { value, grad } = tf.valueAndGrad((v) => softmaxCrossEntropy(y, v as tf.Tensor))(x);
    expect([...(await value.data())]).toEqual([1000]);
    expect([...(await grad.data())]).toEqual([1, -1, 0]);
  });
});
