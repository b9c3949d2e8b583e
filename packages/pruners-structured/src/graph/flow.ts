import * as tf from '@tensorflow/tfjs-core';
import type { Activation, Shape } from './inside.js';

/** What is known of a tensor in the graph. */
export interface Flow {
  /** Without the batch dimension. */
  readonly shape: Shape;
  /** The atom of each channel (entry of the last dimension). */
  readonly atoms: Int32Array;
  /** The value of each channel where it is the same for all inputs and at all positions, otherwise NaN. */
  readonly constants: Float64Array;
}

/** No channel of `n` is known to be constant. */
export function unknown(n: number): Float64Array {
  return new Float64Array(n).fill(Number.NaN);
}

/** Gets the numbers of a tensor, made by a function that may be called later. */
export type Ask = (make: () => tf.Tensor) => ArrayLike<number>;

/** Constants through a function of each channel, given as the layer computes it on `[1, channels]`. */
export function mapConstants(
  constants: Float64Array,
  ask: Ask,
  apply: (x: tf.Tensor) => tf.Tensor,
): Float64Array {
  if (constants.every(Number.isNaN)) return constants;
  const values = ask(() => apply(tf.tensor2d(Float32Array.from(constants, known), [1, constants.length])));
  return constants.map((c, i) => (Number.isNaN(c) ? c : values[i]));
}

/** The number, or 0 where there is none. */
export function known(constant: number): number {
  return Number.isNaN(constant) ? 0 : constant;
}

/** Constants through a layer's activation function; without one they stay. */
export function activate(
  constants: Float64Array,
  ask: Ask,
  activation: Activation | undefined | null,
): Float64Array {
  if (activation == null || activation.getClassName() === 'linear') return constants;
  return mapConstants(constants, ask, (x) => activation.apply(x) as tf.Tensor);
}

/** Does the activation mix channels? */
export function isSoftmax(activation: Activation | undefined | null): boolean {
  return activation != null && /softmax/i.test(activation.getClassName());
}
