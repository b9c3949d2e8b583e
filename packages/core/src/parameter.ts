import type * as tf from '@tensorflow/tfjs-core';
import type { layers } from '@tensorflow/tfjs-layers';

/**
 * What a weight tensor is for. `kernel` multiplies activations (dense, convolution, pointwise, the input
 * kernel of a recurrent layer); `depthwise` convolves channel by channel; `recurrent` multiplies the state;
 * `scale`, `offset` and `statistic` belong to normalisation; `other` is a layer this library does not know.
 */
export type Role =
  | 'kernel'
  | 'depthwise'
  | 'recurrent'
  | 'embedding'
  | 'bias'
  | 'scale'
  | 'offset'
  | 'statistic'
  | 'other';

/** Which dimension of a weight tensor is which, in TF.js layouts (dense `[in, out]`, conv2d `[h, w, in, out]`). */
export interface Axes {
  /** Input channels or units. */
  readonly in?: number;
  /** Output channels or units. */
  readonly out?: number;
  /** Outputs per input channel of a depthwise kernel `[h, w, in, multiplier]`. */
  readonly multiplier?: number;
  /** Positions of the convolution window. */
  readonly spatial: readonly number[];
  /** Gates concatenated along `out`: 4 for LSTM (i, f, c, o), 3 for GRU (z, r, h), otherwise 1. */
  readonly gates: number;
}

/** One weight tensor, as every plugin sees it. */
export interface Parameter {
  /** Layer name / weight name, stable across save, load and thinning: `conv2d_1/kernel`, `encoder/dense_1/bias`. */
  readonly name: string;
  readonly role: Role;
  readonly axes: Axes;
  readonly shape: readonly number[];
  /** Number of elements. */
  readonly size: number;
  /** False for statistics and for weights of frozen layers. */
  readonly trainable: boolean;
  /** The layer that owns the weight (the innermost one, for nested models and wrappers). */
  readonly layer: layers.Layer;
  /** The weight's name in `model.save` artifacts. */
  readonly savedAs: string;
  readonly variable: tf.Variable;
}
