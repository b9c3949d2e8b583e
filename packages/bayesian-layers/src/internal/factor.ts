import { perStep } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';

/** By what a divergence is multiplied; a function where it grows from step to step. */
export type Factor = number | (() => number);

export const scalarOf = (factor: Factor): tf.Scalar =>
  (typeof factor === 'number' ? tf.scalar(factor) : perStep(() => Float32Array.of(factor()))) as tf.Scalar;
