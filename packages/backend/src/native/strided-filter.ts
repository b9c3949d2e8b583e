import * as tf from '@tensorflow/tfjs-core';
import { replaceKernel } from './kernels.js';
import { nativeBackend } from './ops.js';

/** Channels from which on oneDNN computes it in another way, which is right. */
const ENOUGH = 16;

/**
 * TensorFlow's gradient of a filter. Of one place that moves on by several over pictures of few channels, TensorFlow 2.21 with
 * oneDNN writes past its memory where the last rows and columns are met by no place of the output (1 x 1, stride 2, 8 channels of
 * 60 x 60 pixels end the process), so they are cut off before, which changes no number.
 */
export function cutToUsed(stock: tf.KernelFunc): tf.KernelFunc {
  return (args) => {
    const { x, dy } = args.inputs as { x: tf.Tensor4D; dy: tf.Tensor4D };
    const { filterShape, dataFormat, strides, pad } = args.attrs as unknown as {
      filterShape: readonly number[];
      dataFormat: string;
      strides: number | readonly [number, number];
      pad: unknown;
    };
    const [down, right] = typeof strides === 'number' ? [strides, strides] : strides;
    const [tall, wide] = [(dy.shape[1] - 1) * down + 1, (dy.shape[2] - 1) * right + 1];
    const plain = dataFormat === 'NHWC' && (pad === 'same' || pad === 'valid' || pad === 0);
    const onePlace = filterShape[0] === 1 && filterShape[1] === 1 && filterShape[2] < ENOUGH;
    const all = tall >= x.shape[1] && wide >= x.shape[2];
    if (!plain || !onePlace || all || tall < 1 || wide < 1) return stock(args);
    const used = tf.slice(x, [0, 0, 0, 0], [x.shape[0], tall, wide, x.shape[3]]);
    const result = stock({ ...args, inputs: { x: used, dy } });
    used.dispose();
    return result;
  };
}

/** Puts it in TensorFlow's place, where no op of ours is. */
export function registerFilterGradient(): void {
  if (!nativeBackend().isUsingGpuDevice) replaceKernel('Conv2DBackpropFilter', cutToUsed);
}
