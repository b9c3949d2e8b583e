import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { Moments } from '../src/calibrate/moments.js';
import { intercept } from '../src/model/intercept.js';
import type { Layout } from '../src/trace/layout.js';
import { columnMajor, depthwise, rowMajor, sameLayout } from '../src/trace/layout.js';
import { type LinearCall, linearCall } from '../src/trace/linear-call.js';
import { noise } from './models.js';

beforeAll(() => tf.ready());

/** What the operation is as a linear call, what it gives, and its features, all positions of them. */
function watched(
  weight: tf.Tensor,
  action: () => tf.Tensor,
  most = 1e9,
): { found: LinearCall | undefined; sums: tf.Tensor; features: tf.Tensor3D | undefined } {
  let found: LinearCall | undefined;
  let features: tf.Tensor3D | undefined;
  const sums = intercept(
    {
      after: (call) => {
        const own = linearCall(call, (tensor) => tensor.dataId === weight.dataId);
        if (!own) return;
        found = own;
        features = tf.keep(own.features(most));
      },
    },
    action,
  );
  return { found, sums, features };
}

/** The sums that rows of features make with the weights where the layout says that they lie: `[groups, positions, columns]`. */
function sumsOf(
  values: Float32Array,
  { groups, rows, columns }: Layout,
  features: tf.Tensor3D,
): number[][][] {
  const positions = features.arraySync();
  return Array.from(groups, (group, g) =>
    (positions[g] as number[][]).map((own) =>
      Array.from(columns, (column) =>
        Array.from(rows).reduce(
          (sum, row, r) => sum + (own[r] as number) * (values[group + row + column] as number),
          0,
        ),
      ),
    ),
  );
}

const conv = (
  strides: number | [number, number],
  pad: 'same' | 'valid' | number,
  dilations: number | [number, number] = 1,
) => [strides, pad, 'NHWC', dilations] as const;

describe('a convolution is the sum of what its taps see, times the kernel', () => {
  test.each([
    ['same', [5, 6], [3, 3], conv(1, 'same')],
    ['valid', [5, 6], [3, 2], conv(1, 'valid')],
    ['strided', [7, 6], [3, 3], conv([2, 3], 'same')],
    ['dilated', [9, 8], [3, 2], conv(1, 'same', [2, 3])],
    ['dilated, without padding', [9, 8], [2, 3], conv(1, 'valid', [3, 2])],
    ['padded by hand', [5, 4], [3, 3], conv(2, 1)],
    ['of one tap', [4, 3], [1, 1], conv(1, 'same')],
  ])('%s', (_, [height, width], [h, w], options) => {
    const x = noise([2, height as number, width as number, 3], 1) as tf.Tensor4D;
    const kernel = noise([h as number, w as number, 3, 4], 2) as tf.Tensor4D;
    const { found, sums, features } = watched(kernel, () => tf.conv2d(x, kernel, ...options));
    expect(found?.layout).toEqual(rowMajor((h as number) * (w as number) * 3, 4));
    const [own] = sumsOf(kernel.dataSync() as Float32Array, found?.layout as Layout, features as tf.Tensor3D);
    const exact = tf.reshape(sums, [-1, 4]).arraySync() as number[][];
    expect(own?.length).toBe(exact.length);
    exact.forEach((row, p) => {
      row.forEach((sum, c) => {
        expect(own?.[p]?.[c]).toBeCloseTo(sum, 4);
      });
    });
    tf.dispose([x, kernel, sums, features as tf.Tensor]);
  });

  test.each([
    ['plain', 1, 'same', 1],
    ['strided', 2, 'same', 1],
    ['dilated', 1, 'valid', 2],
  ] as const)('depthwise, %s: each channel has its own', (_, strides, pad, dilations) => {
    const x = noise([2, 6, 7, 3], 1) as tf.Tensor4D;
    const kernel = noise([3, 2, 3, 2], 2) as tf.Tensor4D;
    const { found, sums, features } = watched(kernel, () =>
      tf.depthwiseConv2d(x, kernel, strides, pad, 'NHWC', dilations),
    );
    expect(found?.layout).toEqual(depthwise(6, 3, 2));
    const own = sumsOf(kernel.dataSync() as Float32Array, found?.layout as Layout, features as tf.Tensor3D);
    const exact = tf.reshape(sums, [-1, 3, 2]).arraySync() as number[][][];
    expect(own.map((positions) => positions.length)).toEqual([exact.length, exact.length, exact.length]);
    exact.forEach((channels, p) => {
      channels.forEach((row, g) => {
        row.forEach((sum, c) => {
          expect(own[g]?.[p]?.[c]).toBeCloseTo(sum, 4);
        });
      });
    });
    tf.dispose([x, kernel, sums, features as tf.Tensor]);
  });

  test('transposed: each input pixel makes all that its kernel reaches', () => {
    const x = noise([2, 3, 4, 5], 1) as tf.Tensor4D;
    const kernel = noise([2, 2, 3, 5], 2) as tf.Tensor4D;
    const { found, sums, features } = watched(kernel, () =>
      tf.conv2dTranspose(x, kernel, [2, 6, 8, 3], 2, 'valid'),
    );
    expect(found?.layout).toEqual(columnMajor(5, 12));
    const [own] = sumsOf(kernel.dataSync() as Float32Array, found?.layout as Layout, features as tf.Tensor3D);
    // With strides as large as the kernel, pixels do not overlap.
    const exact = sums.arraySync() as number[][][][];
    own?.forEach((row, p) => {
      const [image, i, j] = [Math.floor(p / 12), Math.floor(p / 4) % 3, p % 4];
      row.forEach((sum, c) => {
        const [tap, channel] = [Math.floor(c / 3), c % 3];
        const out = exact[image]?.[2 * i + (tap >> 1)]?.[2 * j + (tap & 1)]?.[channel];
        expect(sum).toBeCloseTo(out as number, 4);
      });
    });
    tf.dispose([x, kernel, sums, features as tf.Tensor]);
  });
});

describe('a matrix product', () => {
  test.each([
    [true, false, false],
    [true, true, false],
    [true, false, true],
    [true, true, true],
    [false, false, false],
    [false, true, false],
    [false, false, true],
    [false, true, true],
  ])('weight on the right %s, turned %s and %s', (onRight, turnedA, turnedB) => {
    const turn = (shape: [number, number], turned: boolean): [number, number] =>
      turned ? [shape[1], shape[0]] : shape;
    const a = noise(turn([4, 3], turnedA), 1) as tf.Tensor2D;
    const b = noise(turn([3, 5], turnedB), 2) as tf.Tensor2D;
    const weight = onRight ? b : a;
    const { found, sums, features } = watched(weight, () => tf.matMul(a, b, turnedA, turnedB));
    const { layout } = found as LinearCall;
    expect([layout.groups.length, layout.rows.length, layout.columns.length]).toEqual([
      1,
      3,
      onRight ? 5 : 4,
    ]);
    const [own] = sumsOf(weight.dataSync() as Float32Array, layout, features as tf.Tensor3D);
    const exact = (onRight ? sums : tf.transpose(sums)).arraySync() as number[][];
    exact.forEach((row, p) => {
      row.forEach((sum, c) => {
        expect(own?.[p]?.[c]).toBeCloseTo(sum, 5);
      });
    });
    tf.dispose([a, b, sums, features as tf.Tensor]);
  });

  test('of many matrices with one; with as many weights it is none', () => {
    const x = noise([2, 4, 3], 1);
    const one = noise([1, 3, 5], 2);
    const { found, sums, features } = watched(one, () => tf.matMul(x, one));
    expect(found?.layout).toEqual(rowMajor(3, 5));
    const [own] = sumsOf(one.dataSync() as Float32Array, found?.layout as Layout, features as tf.Tensor3D);
    expect(own?.flat()).toEqual([...sums.dataSync()].map((v) => expect.closeTo(v, 5)));
    const many = noise([2, 3, 5], 2);
    expect(watched(many, () => tf.matMul(x, many)).found).toBeUndefined();
    tf.dispose([x, one, many, sums, features as tf.Tensor]);
  });

  test('has a bias and no activation of its own, as far as it is fused', () => {
    const [x, w, bias] = [noise([4, 3], 1), noise([3, 5], 2), noise([5], 3)];
    const fused = (activation?: 'relu' | 'linear') =>
      watched(w, () =>
        tf.fused.matMul({
          a: x as tf.Tensor2D,
          b: w as tf.Tensor2D,
          bias,
          ...(activation && { activation }),
        }),
      ).found;
    expect(fused('relu')).toMatchObject({ plain: false });
    expect(fused('linear')?.plain).toBe(true);
    expect(fused()?.bias?.dataId).toBe(bias.dataId);
    expect(watched(w, () => tf.add(w, bias)).found).toBeUndefined();
    tf.dispose([x, w, bias]);
  });
});

test('features are taken from about as many positions as asked for, of a depthwise kernel 2048 at most', () => {
  const x = noise([1, 64, 65, 2], 1) as tf.Tensor4D;
  const kernel = noise([1, 1, 2, 3], 2) as tf.Tensor4D;
  const count = (features: tf.Tensor3D | undefined): number => features?.shape[1] as number;
  const some = watched(kernel, () => tf.conv2d(x, kernel, 1, 'same'), 500);
  expect(count(some.features)).toBeLessThanOrEqual(500);
  expect(count(some.features)).toBeGreaterThan(400);
  const deep = watched(kernel, () => tf.depthwiseConv2d(x, kernel, 1, 'same'));
  expect(count(deep.features)).toBeLessThanOrEqual(2048);
  expect(count(deep.features)).toBeGreaterThan(1300);
  // Every third or so, and no others: their mean square is that of all.
  const [all, part] = [watched(kernel, () => tf.conv2d(x, kernel, 1, 'same')), some].map(({ features }) => {
    const moments = new Moments();
    moments.add(features as tf.Tensor3D);
    return moments.finish()?.moments[0] as number;
  });
  expect((part as number) / (all as number)).toBeCloseTo(1, 0);
});

test('layouts: where the elements of a weight lie, and which are the same', () => {
  const places = ({ groups, rows, columns }: Layout): number[] =>
    [...groups].flatMap((g) => [...rows].flatMap((r) => [...columns].map((c) => g + r + c)));
  expect(places(rowMajor(2, 3))).toEqual([0, 1, 2, 3, 4, 5]);
  expect(places(columnMajor(2, 3))).toEqual([0, 2, 4, 1, 3, 5]);
  // Taps, channels, multiplier: group, then tap, then column.
  expect(places(depthwise(2, 3, 2))).toEqual([0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11]);
  expect(sameLayout(rowMajor(4, 4), rowMajor(4, 4))).toBe(true);
  expect(sameLayout(rowMajor(4, 4), columnMajor(4, 4))).toBe(false);
  expect(sameLayout(rowMajor(4, 4), rowMajor(4, 5))).toBe(false);
  expect(sameLayout(rowMajor(4, 1), rowMajor(5, 1))).toBe(false);
  expect(sameLayout(depthwise(4, 2, 1), depthwise(4, 3, 1))).toBe(false);
});
