import * as tf from '@tensorflow/tfjs-core';
import type { KernelCall } from '../model/intercept.js';
import { columnMajor, depthwise, type Layout, rowMajor } from './layout.js';

/** A call of an operation that is linear in a weight. */
export interface LinearCall {
  readonly weight: tf.Tensor;
  readonly bias: tf.Tensor | undefined;
  readonly layout: Layout;
  /** Is what comes out the sum itself, without an activation behind it? */
  readonly plain: boolean;
  /** What each row was multiplied with: `[groups, positions, rows]`, about `most` positions of them. */
  features(most: number): tf.Tensor3D;
}

type Pair = [number, number];
const pair = (value: unknown): Pair => (typeof value === 'number' ? [value, value] : (value as Pair));

/** The call as a linear operation whose weight `isWeight` accepts; undefined if it is none. */
export function linearCall(
  { kernel, inputs, attrs }: KernelCall,
  isWeight: (tensor: tf.Tensor) => boolean,
): LinearCall | undefined {
  const { activation } = attrs;
  const common = {
    bias: inputs.bias,
    plain: activation === undefined || activation === null || activation === 'linear',
  };
  switch (kernel) {
    case 'Conv2D':
    case 'FusedConv2D': {
      const { x, filter } = inputs;
      const [h, w, channels, columns] = filter.shape;
      if (!isWeight(filter) || attrs.dataFormat === 'NCHW' || x.shape[3] !== channels) return undefined;
      return {
        ...common,
        weight: filter,
        layout: rowMajor(h * w * channels, columns),
        features: (most) => {
          const taps = patches(
            x as tf.Tensor4D,
            filter.shape as [number, number, number, number],
            attrs,
            most,
          );
          return tf.reshape(tf.concat(taps, 1), [1, -1, h * w * channels]);
        },
      };
    }
    case 'DepthwiseConv2dNative':
    case 'FusedDepthwiseConv2D': {
      const { x, filter } = inputs;
      const [h, w, channels, multiplier] = filter.shape;
      if (!isWeight(filter) || attrs.dataFormat === 'NCHW') return undefined;
      return {
        ...common,
        weight: filter,
        layout: depthwise(h * w, channels, multiplier),
        features: (most) => {
          const shape = filter.shape as [number, number, number, number];
          const taps = patches(x as tf.Tensor4D, shape, attrs, Math.min(most, 2048), true);
          return tf.transpose(tf.stack(taps, 2), [1, 0, 2]) as tf.Tensor3D;
        },
      };
    }
    case 'Conv2DBackpropInput': {
      const { dy, filter } = inputs;
      const inside = filter.shape[3] as number;
      if (!isWeight(filter) || attrs.dataFormat === 'NCHW') return undefined;
      return {
        ...common,
        weight: filter,
        layout: columnMajor(inside, filter.size / inside),
        features: (most) =>
          tf.reshape(sampled(tf.reshape(dy, [-1, inside]) as tf.Tensor2D, most), [1, -1, inside]),
      };
    }
    case '_FusedMatMul':
    case 'BatchMatMul':
      return matrixCall(inputs, attrs, common, isWeight);
    default:
      return undefined;
  }
}

function matrixCall(
  { a, b }: KernelCall['inputs'],
  { transposeA = false, transposeB = false }: KernelCall['attrs'],
  common: Pick<LinearCall, 'bias' | 'plain'>,
  isWeight: (tensor: tf.Tensor) => boolean,
): LinearCall | undefined {
  const onRight = isWeight(b);
  if (!onRight && !isWeight(a)) return undefined;
  const [weight, other] = onRight ? [b, a] : [a, b];
  const [m, n] = weight.shape.slice(-2);
  if (m * n !== weight.size) return undefined;
  // Rows are the features that are summed over.
  const rowsFirst = onRight ? !transposeB : Boolean(transposeA);
  const rows = rowsFirst ? m : n;
  const featuresLast = onRight ? !transposeA : Boolean(transposeB);
  return {
    ...common,
    weight,
    layout: rowsFirst ? rowMajor(m, n) : columnMajor(n, m),
    features: (most) => {
      const axes = other.shape.map((_, i) => i);
      const turned = [...axes.slice(0, -2), ...axes.slice(-2).reverse()];
      const last: tf.Tensor = featuresLast ? other : tf.transpose(other, turned);
      return tf.reshape(sampled(tf.reshape(last, [-1, rows]) as tf.Tensor2D, most), [1, -1, rows]);
    },
  };
}

/**
 * At most `most` rows, evenly spread. The distance has no factor in common with their number: where rows are pixels, it
 * would else meet the same columns of every picture, those at its edge among them.
 */
export function sampled(matrix: tf.Tensor2D, most: number): tf.Tensor2D {
  const [rows, columns] = matrix.shape;
  const every = distance(rows, most);
  if (every <= 1) return matrix;
  return tf.stridedSlice(matrix, [0, 0], [rows, columns], [every, 1]) as tf.Tensor2D;
}

/** From one that is taken to the next. */
function distance(rows: number, most: number): number {
  let every = Math.ceil(rows / most);
  while (every > 1 && commonFactor(rows, every) > 1) every++;
  return Math.max(1, every);
}

/** Euclid's. */
function commonFactor(a: number, b: number): number {
  return b === 0 ? a : commonFactor(b, a % b);
}

/** The input as each tap of a kernel sees it: `[positions, channels]` per tap. */
function patches(
  x: tf.Tensor4D,
  filter: [number, number, number, number],
  { strides, dilations, pad, dimRoundingMode }: KernelCall['attrs'],
  most: number,
  isDepthwise = false,
): tf.Tensor2D[] {
  const info = tf.backend_util.computeConv2DInfo(
    x.shape,
    filter,
    pair(strides),
    pair(dilations ?? 1),
    pad as 'same',
    dimRoundingMode as 'floor' | undefined,
    isDepthwise,
  );
  const { inHeight, inWidth, outHeight, outWidth, batchSize, padInfo } = info;
  const { top, left, bottom, right } = padInfo;
  const padded = tf.pad(x, [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ]);
  const [height, width] = [inHeight + top + bottom, inWidth + left + right];
  const pixels = tf.reshape(padded, [-1, x.shape[3]]) as tf.Tensor2D;
  // Where each position's first tap lies among the pixels.
  const every = distance(batchSize * outHeight * outWidth, most);
  const first = new Int32Array(Math.ceil((batchSize * outHeight * outWidth) / every));
  for (let p = 0, at = 0; p < first.length; p++, at += every) {
    const [row, column] = [Math.floor(at / outWidth), at % outWidth];
    const [image, y] = [Math.floor(row / outHeight), row % outHeight];
    first[p] = (image * height + y * info.strideHeight) * width + column * info.strideWidth;
  }
  const taps: tf.Tensor2D[] = [];
  for (let i = 0; i < filter[0]; i++) {
    for (let j = 0; j < filter[1]; j++) {
      const offset = i * info.dilationHeight * width + j * info.dilationWidth;
      taps.push(
        tf.gather(
          pixels,
          tf.tensor1d(
            first.map((at) => at + offset),
            'int32',
          ),
        ),
      );
    }
  }
  return taps;
}
