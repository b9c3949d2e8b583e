import * as tf from '@tensorflow/tfjs-core';
import type { Inside } from '../graph/inside.js';

interface Conv extends Inside {
  readonly strides: readonly number[];
  readonly dilationRate: readonly number[];
}

/** Zeros before, window and stride of one dimension, and how many outputs there are (TensorFlow's padding). */
function dimension(
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
  same: boolean,
): { before: number; after: number; span: number; outputs: number } {
  const span = (kernel - 1) * dilation + 1;
  if (!same) return { before: 0, after: 0, span, outputs: Math.floor((size - span) / stride) + 1 };
  const outputs = Math.ceil(size / stride);
  const total = Math.max(0, (outputs - 1) * stride + span - size);
  return { before: Math.floor(total / 2), after: total - Math.floor(total / 2), span, outputs };
}

/**
 * What a dense layer or convolution multiplies its kernel with, as rows `[examples, window · in]`: all positions
 * of a dense layer; of a convolution a few at random, the same ones for all examples.
 */
export function patches(layer: Inside, x: tf.Tensor, positions: number, random: () => number): tf.Tensor2D {
  if (layer.getClassName() === 'Dense') return tf.reshape(x, [-1, x.shape[x.rank - 1]]);
  const { kernelSize = [], strides, dilationRate, padding } = layer as Conv;
  const flat = kernelSize.length === 1;
  const image = (flat ? tf.expandDims(x, 2) : x) as tf.Tensor4D;
  const [batch, height, width, channels] = image.shape;
  const same = padding === 'same';
  const at = (list: readonly number[] | undefined, i: number): number =>
    flat && i === 1 ? 1 : (list?.[i] ?? 1);
  const rows = dimension(height, at(kernelSize, 0), at(strides, 0), at(dilationRate, 0), same);
  const columns = dimension(width, at(kernelSize, 1), at(strides, 1), at(dilationRate, 1), same);
  const padded = tf.pad(image, [
    [0, 0],
    [rows.before, rows.after],
    [columns.before, columns.after],
    [0, 0],
  ]);
  const found: tf.Tensor2D[] = [];
  for (let i = 0; i < positions; i++) {
    const y = Math.floor(random() * rows.outputs) * at(strides, 0);
    const z = Math.floor(random() * columns.outputs) * at(strides, 1);
    const window = tf.stridedSlice(
      padded,
      [0, y, z, 0],
      [batch, y + rows.span, z + columns.span, channels],
      [1, at(dilationRate, 0), at(dilationRate, 1), 1],
    );
    found.push(tf.reshape(window, [batch, -1]));
  }
  return tf.concat(found, 0);
}
