import { checkOptions, checkRange, type Metric } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { pictures } from './fits.js';
import { meanOfExamples } from './mean.js';

/** What values of pictures are. */
export interface PictureOptions {
  /** The difference between white and black, > 0. Default 1; of bytes 255, of `scale: symmetric` 2. */
  readonly peak?: number;
}

function peakOf(name: string, options: PictureOptions): number {
  checkOptions(name, options, ['peak']);
  const { peak = 1 } = options;
  checkRange(name, 'peak', peak, Number.MIN_VALUE, Number.MAX_VALUE);
  return peak;
}

/**
 * Peak signal-to-noise ratio in dB, 10 log10(peak² / mean squared error) of each picture, and their mean.
 *
 * @example
 * ```ts
 * import { psnr, ssim } from '@espalier/metrics';
 * if (psnr().unit !== 'dB' || ssim().better !== 'higher') throw new Error('unexpected');
 * ```
 */
export function psnr(options: PictureOptions = {}): Metric {
  const peak = peakOf('psnr', options);
  return meanOfExamples({
    name: 'psnr',
    better: 'higher',
    unit: 'dB',
    refuses: pictures('psnr', 1),
    each: ({ labels, outputs }) => tf.squaredDifference(outputs, tf.reshape(labels, outputs.shape)),
    example: (mean) => 10 * Math.log10(peak ** 2 / mean),
  });
}

const side = 11;
const deviation = 1.5;

/** A Gaussian window for each channel, of sum 1: `[11, 11, channels, 1]`. */
function windowOf(channels: number): tf.Tensor4D {
  const line = Array.from({ length: side }, (_, i) =>
    Math.exp(-((i - (side - 1) / 2) ** 2) / (2 * deviation ** 2)),
  );
  const sum = line.reduce((a, b) => a + b);
  const values = line.flatMap((a) => line.flatMap((b) => Array(channels).fill((a * b) / sum ** 2)));
  return tf.tensor4d(values, [side, side, channels, 1]);
}

/**
 * Structural similarity (Wang et al. 2004, eq. 13), in Gaussian windows of 11 x 11 pixels that lie within the picture, deviation 1.5,
 * K = 0.01 and 0.03: the mean over windows, channels and pictures, at most 1.
 */
export function ssim(options: PictureOptions = {}): Metric {
  const peak = peakOf('ssim', options);
  const [c1, c2] = [(0.01 * peak) ** 2, (0.03 * peak) ** 2];
  return meanOfExamples({
    name: 'ssim',
    better: 'higher',
    refuses: pictures('ssim', side),
    each({ labels, outputs }) {
      const x = outputs;
      const y = tf.cast(tf.reshape(labels, outputs.shape), 'float32');
      const window = windowOf(x.shape[3]!);
      const smooth = (t: tf.Tensor): tf.Tensor => tf.depthwiseConv2d(t as tf.Tensor4D, window, 1, 'valid');
      const [meanX, meanY] = [smooth(x), smooth(y)];
      const product = tf.mul(meanX, meanY);
      const squares = tf.add(tf.square(meanX), tf.square(meanY));
      const covariance = tf.sub(smooth(tf.mul(x, y)), product);
      const variances = tf.sub(smooth(tf.add(tf.square(x), tf.square(y))), squares);
      const light = tf.div(tf.add(tf.mul(2, product), c1), tf.add(squares, c1));
      return tf.mul(light, tf.div(tf.add(tf.mul(2, covariance), c2), tf.add(variances, c2)));
    },
  });
}
