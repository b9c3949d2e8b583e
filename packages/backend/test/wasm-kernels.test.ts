import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers'; // Registers TF.js's gradients, which the core alone does not.
import { beforeAll, describe, expect, it } from 'vitest';
import { startBackend } from '../src/index.js';
import { random } from './random.js';

type Shape4D = [number, number, number, number];

beforeAll(async () => {
  await startBackend({ prefer: 'cpu' });
  await startBackend({ prefer: 'wasm' });
});

/** Runs one kernel on both backends with the same numbers and compares the results. */
async function same(
  kernel: string,
  inputs: Record<string, tf.Tensor>,
  attrs: object,
  tolerance = 1e-4,
): Promise<void> {
  const results: Float32Array[] = [];
  const values = Object.entries(inputs).map(
    ([name, t]) => [name, t.shape, t.dtype, t.dataSync().slice()] as const,
  );
  for (const backend of ['cpu', 'wasm']) {
    await tf.setBackend(backend);
    const before = tf.memory().numTensors;
    const own = Object.fromEntries(
      values.map(([name, shape, dtype, data]) => [name, tf.tensor(data, shape, dtype)]),
    );
    const given = kernel === 'Einsum' ? (Object.values(own) as never) : own; // As tf.einsum calls it.
    const out = tf.engine().runKernel(kernel, given, attrs as tf.NamedAttrMap) as tf.Tensor;
    results.push(out.dataSync() as Float32Array);
    tf.dispose([own, out]);
    expect(tf.memory().numTensors).toBe(before);
  }
  const [expected, got] = results;
  expect(got.length).toBe(expected.length);
  let worst = 0;
  for (let i = 0; i < got.length; i++) {
    worst = Math.max(worst, Math.abs(got[i] - expected[i]) / Math.max(1, Math.abs(expected[i])));
  }
  expect(worst, `${kernel} ${JSON.stringify(attrs)}`).toBeLessThan(tolerance);
}

/** Random convolution cases: sizes, strides, paddings and (depthwise only) dilations. */
function* cases(count: number, seed: number, dilated: boolean) {
  const { int, pick } = random(seed);
  for (let i = 0; i < count; i++) {
    const dilation: [number, number] = dilated ? [int(1, 2), int(1, 2)] : [1, 1];
    const strides: [number, number] = dilation[0] * dilation[1] > 1 ? [1, 1] : [int(1, 3), int(1, 3)];
    const filter: [number, number] = [int(1, 4), int(1, 4)];
    const size = (k: number, d: number): number => int((k - 1) * d + 1, (k - 1) * d + 8);
    const input: Shape4D = [int(1, 3), size(filter[0], dilation[0]), size(filter[1], dilation[1]), int(1, 5)];
    yield { dilation, strides, filter, input, pad: pick(['valid', 'same', 1] as const), out: int(1, 4) };
  }
}

describe('convolution gradients on wasm equal those of the cpu backend', () => {
  it('Conv2DBackpropFilter and Conv2DBackpropInput', async () => {
    for (const { strides, filter, input, pad, out } of cases(40, 1, false)) {
      const filterShape: Shape4D = [filter[0], filter[1], input[3], out];
      const mode = pad === 1 ? 'floor' : undefined;
      const info = tf.backend_util.computeConv2DInfo(input, filterShape, strides, 1, pad, mode);
      const attrs = { strides, pad, dataFormat: 'NHWC', dimRoundingMode: mode };
      const x = tf.randomNormal(input, 0, 1, 'float32', 3);
      const dy = tf.randomNormal(info.outShape, 0, 1, 'float32', 4);
      const w = tf.randomNormal(filterShape, 0, 1, 'float32', 5);
      await same('Conv2DBackpropFilter', { x, dy }, { ...attrs, filterShape });
      await same('Conv2DBackpropInput', { dy, filter: w }, { ...attrs, inputShape: input });
      tf.dispose([x, dy, w]);
    }
  });

  // 2^18 values are unfolded at a time: 9 images of the first, 7 of the second, of which 8 would lie badly in the cache.
  it.each([
    [60, 16, 8],
    [20, 12, 20],
  ])(
    '%i images, which go in several rounds: the sum, or the row, of their halves',
    async (images, size, channels) => {
      await tf.setBackend('wasm');
      tf.tidy(() => {
        const x = tf.randomNormal([images, size, size, channels], 0, 1, 'float32', 3) as tf.Tensor4D;
        const dy = tf.randomNormal([images, size - 4, size - 4, 2], 0, 1, 'float32', 4) as tf.Tensor4D;
        const filter = tf.randomNormal([5, 5, channels, 2], 0, 1, 'float32', 5) as tf.Tensor4D;
        const attrs = { strides: [1, 1], pad: 'valid', dataFormat: 'NHWC' };
        const dw = (from: number, count: number): tf.Tensor =>
          tf
            .engine()
            .runKernel(
              'Conv2DBackpropFilter',
              { x: tf.slice(x, from, count), dy: tf.slice(dy, from, count) },
              { ...attrs, filterShape: filter.shape },
            ) as tf.Tensor;
        const dx = (from: number, count: number): tf.Tensor =>
          tf
            .engine()
            .runKernel(
              'Conv2DBackpropInput',
              { dy: tf.slice(dy, from, count), filter },
              { ...attrs, inputShape: [count, size, size, channels] },
            ) as tf.Tensor;
        const far = (a: tf.Tensor, b: tf.Tensor): number => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0];
        const half = images / 2;
        expect(far(dw(0, images), tf.add(dw(0, half), dw(half, half)))).toBeLessThan(0.01); // Entries are about 200.
        expect(far(dx(0, images), tf.concat([dx(0, half), dx(half, half)]))).toBeLessThan(1e-4);
      });
    },
  );

  it('both depthwise ones', async () => {
    for (const { strides, filter, input, pad, out } of cases(40, 2, false)) {
      const filterShape: Shape4D = [filter[0], filter[1], input[3], out];
      const mode = pad === 1 ? 'floor' : undefined;
      const info = tf.backend_util.computeConv2DInfo(input, filterShape, strides, 1, pad, mode, true);
      const attrs = { strides, pad, dilations: [1, 1], dimRoundingMode: mode };
      const x = tf.randomNormal(input, 0, 1, 'float32', 3);
      const dy = tf.randomNormal(info.outShape, 0, 1, 'float32', 4);
      const w = tf.randomNormal(filterShape, 0, 1, 'float32', 5);
      await same('DepthwiseConv2dNativeBackpropFilter', { x, dy }, { ...attrs, filterShape });
      await same('DepthwiseConv2dNativeBackpropInput', { dy, filter: w }, { ...attrs, inputShape: input });
      tf.dispose([x, dy, w]);
    }
  });

  it('both depthwise ones, dilated: they are the adjoints of the convolution', async () => {
    // The cpu backend ignores dilations here, so it is no judge: <dy, conv(x, w)> = <dw, w> = <dx, x>.
    await tf.setBackend('wasm');
    for (const { filter, input, dilation, out } of cases(30, 3, true)) {
      const pad = 'same';
      const filterShape: Shape4D = [filter[0], filter[1], input[3], out];
      const [x, w] = [
        tf.randomNormal(input, 0, 1, 'float32', 3),
        tf.randomNormal(filterShape, 0, 1, 'float32', 4),
      ];
      const y = tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, pad, 'NHWC', dilation);
      const dy = tf.randomNormal(y.shape, 0, 1, 'float32', 5);
      const attrs = { strides: 1, pad, dilations: dilation };
      const run = (kernel: string, inputs: tf.NamedTensorMap, more: object): tf.Tensor =>
        tf.engine().runKernel(`DepthwiseConv2dNativeBackprop${kernel}`, inputs, { ...attrs, ...more });
      const dw = run('Filter', { x, dy }, { filterShape });
      const dx = run('Input', { dy, filter: w }, { inputShape: input });
      const inner = (a: tf.Tensor, b: tf.Tensor): number => tf.tidy(() => tf.sum(tf.mul(a, b)).dataSync()[0]);
      const expected = inner(dy, y);
      expect(inner(dw, w)).toBeCloseTo(expected, 2);
      expect(inner(dx, x)).toBeCloseTo(expected, 2);
      tf.dispose([x, w, y, dy, dw, dx]);
    }
  });

  it('refuses NCHW with a typed error', async () => {
    await tf.setBackend('wasm');
    const x = tf.ones([1, 2, 4, 4]);
    const attrs = { strides: [1, 1], pad: 'valid', dataFormat: 'NCHW', filterShape: [2, 2, 2, 1] };
    expect(() => tf.engine().runKernel('Conv2DBackpropFilter', { x, dy: x }, attrs)).toThrow(/Use NHWC/);
    x.dispose();
  });
});

describe('other kernels on wasm equal those of the cpu backend', () => {
  it('MaxPoolGrad, with ties: the first maximum gets the gradient', async () => {
    const { int, pick } = random(5);
    for (let i = 0; i < 30; i++) {
      const filterSize: [number, number] = [int(1, 3), int(1, 3)];
      const strides: [number, number] = [int(1, 3), int(1, 3)];
      const pad = pick(['valid', 'same'] as const);
      const shape: Shape4D = [int(1, 3), int(3, 9), int(3, 9), int(1, 5)];
      const info = tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad);
      const input = tf.round(tf.randomUniform(shape, -1, 2, 'float32', i + 1)); // -1, 0, 1, 2: full of ties.
      const output = tf.maxPool(input as tf.Tensor4D, filterSize, strides, pad);
      const dy = tf.randomNormal(info.outShape, 0, 1, 'float32', i + 2);
      await same('MaxPoolGrad', { dy, input, output }, { filterSize, strides, pad });
      tf.dispose([input, output, dy]);
    }
  });

  it('MaxPoolGrad of windows side by side, with ties, and with pixels that are in none', async () => {
    for (const [height, width, filterSize] of [
      [8, 6, [2, 2]],
      [9, 7, [2, 3]],
      [6, 9, [3, 3]],
      [5, 4, [5, 1]],
    ] as const) {
      const shape: Shape4D = [3, height, width, 5];
      const input = tf.round(tf.randomUniform(shape, -1, 2, 'float32', height)); // Full of ties.
      const output = tf.maxPool(input as tf.Tensor4D, [...filterSize], [...filterSize], 'valid');
      const dy = tf.randomNormal(output.shape, 0, 1, 'float32', 2);
      await same('MaxPoolGrad', { dy, input, output }, { filterSize, strides: filterSize, pad: 'valid' });
      tf.dispose([input, output, dy]);
    }
  });

  it.each([
    [[70, 3], [0]],
    [[67, 5], [0]],
    [
      [5, 4, 4, 7],
      [0, 1, 2],
    ],
    [
      [5, 4, 4, 7],
      [2, 0, 1],
    ],
    [
      [3, 2, 3],
      [0, 1],
    ], // Few: the stock kernel's.
    [
      [5, 4, 4, 7],
      [1, 2],
    ],
    [
      [5, 4, 4, 7],
      [1, 2, 3],
    ],
    [[80], [0]],
    [
      [100, 2, 1],
      [-3, -2],
    ],
    [[0, 3], [0]],
  ])('Sum of %j over %j', async (shape, axis) => {
    for (const keepDims of [false, true]) {
      const x = tf.randomNormal(shape, 0, 1, 'float32', 1);
      await same('Sum', { x }, { axis, keepDims }, 1e-5);
      tf.dispose(x);
    }
    const whole = tf.cast(tf.range(0, 200), 'int32');
    await same('Sum', { x: tf.reshape(whole, [100, 2]) }, { axis: [0], keepDims: false });
  });

  it('a sum over many rows is exact to float32', async () => {
    await tf.setBackend('wasm');
    const x = tf.fill([100_003, 2], 0.1);
    for (const sum of tf.sum(x, 0).dataSync()) expect(sum).toBe(Math.fround(100_003 * Math.fround(0.1)));
    x.dispose();
  });

  it('a clone, and a cast to the same type, are there as long as they are wanted', async () => {
    await tf.setBackend('wasm');
    const variable = tf.variable(tf.tensor1d([1, 2, 3]));
    const clone = tf.clone(variable as tf.Tensor1D);
    const cast = tf.cast(variable, 'float32');
    variable.assign(tf.tensor1d([7, 8, 9]));
    const again = tf.clone(clone);
    clone.dispose();
    expect([...variable.dataSync(), ...cast.dataSync(), ...again.dataSync()]).toEqual([
      7, 8, 9, 1, 2, 3, 1, 2, 3,
    ]);
    expect(tf.cast(tf.tensor1d([1.7, 0]), 'int32').arraySync()).toEqual([1, 0]);
    expect(tf.cast(tf.tensor1d([3, 0]), 'bool').arraySync()).toEqual([1, 0]);
    tf.dispose([variable, cast, again]);
  });

  it('BatchMatMul with every combination of transposes and batches', async () => {
    for (const batch of [[], [1], [3], [2, 3]]) {
      for (const transposeA of [false, true]) {
        for (const transposeB of [false, true]) {
          const a = tf.randomNormal([...batch, ...(transposeA ? [5, 7] : [7, 5])], 0, 1, 'float32', 1);
          const b = tf.randomNormal([...batch, ...(transposeB ? [4, 5] : [5, 4])], 0, 1, 'float32', 2);
          await same('BatchMatMul', { a, b }, { transposeA, transposeB });
          tf.dispose([a, b]);
        }
      }
    }
  });

  it.each([
    ['ij,jk->ik', [2, 3], [3, 4]],
    ['bij,bjk->bik', [5, 2, 3], [5, 3, 4]],
    ['abc,cde->abde', [2, 3, 4], [4, 2, 5]],
    ['aecd,abcd->acbe', [2, 3, 4, 5], [2, 6, 4, 5]], // Attention scores of TF.js's MultiHeadAttention.
    ['i,i->', [4], [4]],
    ['i,j->ij', [4], [3]],
    ['ijk,jl->il', [2, 3, 4], [3, 5]],
    ['ij->ji', [2, 3]],
    ['ijk->j', [2, 3, 4]],
  ])('Einsum %s', async (equation, ...shapes) => {
    const inputs = Object.fromEntries(
      shapes.map((shape, i) => [i, tf.randomNormal(shape as number[], 0, 1, 'float32', i + 1)]),
    );
    await same('Einsum', inputs, { equation });
    tf.dispose(inputs);
  });

  it('UnsortedSegmentSum', async () => {
    for (const rest of [[], [4], [2, 3]]) {
      const x = tf.randomNormal([6, ...rest], 0, 1, 'float32', 1);
      const segmentIds = tf.tensor1d([2, 0, 2, 4, 0, 2], 'int32');
      await same('UnsortedSegmentSum', { x, segmentIds }, { numSegments: 5 });
      tf.dispose([x, segmentIds]);
    }
  });

  it('UnsortedSegmentSum adds integers exactly and leaves out ids that are out of range', async () => {
    await tf.setBackend('wasm');
    const sums = tf.tidy(() =>
      tf.unsortedSegmentSum(tf.tensor1d([1, 20, 300, 4000], 'int32'), tf.tensor1d([1, -1, 1, 7], 'int32'), 3),
    );
    expect([...sums.dataSync()]).toEqual([0, 301, 0]);
    sums.dispose();
  });
});

describe('gradients through whole operations on wasm equal finite differences', () => {
  it('conv2d, depthwise conv, max pooling and gather in one function', async () => {
    await tf.setBackend('wasm');
    const table = tf.randomNormal([5, 36], 0, 1, 'float32', 1);
    const filter = tf.randomNormal([3, 3, 1, 2], 0, 1, 'float32', 2);
    const depth = tf.randomNormal([2, 2, 2, 1], 0, 1, 'float32', 3);
    const f = (t: tf.Tensor, w: tf.Tensor, d: tf.Tensor): tf.Scalar =>
      tf.tidy(() => {
        const x = tf.reshape(tf.gather(t, tf.tensor1d([1, 3, 1], 'int32')), [3, 6, 6, 1]) as tf.Tensor4D;
        const y = tf.maxPool(tf.conv2d(x, w as tf.Tensor4D, 1, 'same'), 2, 2, 'valid');
        return tf.sum(tf.square(tf.depthwiseConv2d(y, d as tf.Tensor4D, 1, 'valid'))) as tf.Scalar;
      });
    const gradients = tf.grads(f as never)([table, filter, depth]) as tf.Tensor[];
    const epsilon = 1e-2;
    for (const [i, at] of [
      [0, 40],
      [0, 110],
      [1, 7],
      [2, 3],
    ]) {
      const args = [table, filter, depth];
      const shifted = (by: number): number => {
        const values = args[i].dataSync().slice();
        values[at] += by;
        const moved = args.map((t, j) => (j === i ? tf.tensor(values, t.shape) : t));
        const result = f(moved[0], moved[1], moved[2]);
        const value = result.dataSync()[0];
        tf.dispose([moved[i], result]);
        return value;
      };
      const expected = (shifted(epsilon) - shifted(-epsilon)) / (2 * epsilon);
      expect(gradients[i].dataSync()[at]).toBeCloseTo(expected, 0);
      expect(Math.abs(gradients[i].dataSync()[at] - expected)).toBeLessThan(0.02 * Math.abs(expected) + 0.05);
    }
    tf.dispose([table, filter, depth, gradients]);
  });
});
