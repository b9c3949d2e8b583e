import * as tf from '@tensorflow/tfjs-core';
import type { layers } from '@tensorflow/tfjs-layers';

/** The linear part of a layer: no bias, no activation. */
export type Linear = (x: tf.Tensor, kernel: tf.Tensor) => tf.Tensor;

/** What TF.js layers keep and their declarations hide. */
export interface Inner {
  readonly name: string;
  /** Of convolutions, one for each dimension. */
  readonly strides: readonly number[];
  readonly padding?: string;
  readonly dilationRate: readonly number[];
  readonly dataFormat?: string;
  /** The identity where the layer has none. */
  readonly activation: { apply(x: tf.Tensor): tf.Tensor };
  getClassName(): string;
}

type Pair = [number, number];
type Triple = [number, number, number];
type Padding = 'same' | 'valid';

/** x · kernel, on the last axis of x. */
export function dense(x: tf.Tensor, kernel: tf.Tensor): tf.Tensor {
  const [inputs, units] = kernel.shape;
  if (x.rank === 2) return tf.matMul(x as tf.Tensor2D, kernel as tf.Tensor2D);
  const product = tf.matMul(tf.reshape(x, [-1, inputs]) as tf.Tensor2D, kernel as tf.Tensor2D);
  return tf.reshape(product, [...x.shape.slice(0, -1), units]);
}

const convolutions: Readonly<Record<string, (layer: Inner) => Linear>> = {
  Conv1D: ({ strides, padding, dilationRate }) => {
    const [[stride], [dilation]] = [strides, dilationRate];
    if (padding !== 'causal') {
      return (x, kernel) =>
        tf.conv1d(x as tf.Tensor3D, kernel as tf.Tensor3D, stride, padding as Padding, 'NWC', dilation);
    }
    return (x, kernel) => {
      const padded = tf.pad(x, [
        [0, 0],
        [dilation * (kernel.shape[0] - 1), 0],
        [0, 0],
      ]);
      return tf.conv1d(padded as tf.Tensor3D, kernel as tf.Tensor3D, stride, 'valid', 'NWC', dilation);
    };
  },
  Conv2D: ({ strides, padding, dilationRate }) => {
    const [stride, dilation] = [strides as Pair, dilationRate as Pair];
    return (x, kernel) =>
      tf.conv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, stride, padding as Padding, 'NHWC', dilation);
  },
  Conv3D: ({ strides, padding, dilationRate }) => {
    const [stride, dilation] = [strides as Triple, dilationRate as Triple];
    return (x, kernel) =>
      tf.conv3d(x as tf.Tensor5D, kernel as tf.Tensor5D, stride, padding as Padding, 'NDHWC', dilation);
  },
  // TF.js computes this layer without dilation, whatever its dilation rate.
  DepthwiseConv2D:
    ({ strides, padding }) =>
    (x, kernel) =>
      tf.depthwiseConv2d(x as tf.Tensor4D, kernel as tf.Tensor4D, strides as Pair, padding as Padding),
};

/** The layers that have a Bayesian form, by TF.js class name. */
export const supported: readonly string[] = ['Dense', ...Object.keys(convolutions)];

/** The linear part of a layer, or why it has none that we know. */
export function linearOf(layer: layers.Layer): Linear | string {
  const inner = layer as unknown as Inner;
  const className = inner.getClassName().replace(/^Bayesian/, '');
  if (className === 'Dense') return dense;
  const make = convolutions[className];
  if (make === undefined) return `layers of class ${className} have no Bayesian form`;
  if (inner.dataFormat === 'channelsFirst') return 'its channels come first';
  return make(inner);
}
