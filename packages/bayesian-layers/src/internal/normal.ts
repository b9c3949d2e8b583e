import { hash } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import type { Normal } from '../math/scale-priors.js';

/** Draws standard normal numbers of a shape. */
export interface Stream extends Normal {
  /** The next draw's seed instead, [2] of int32, for ops that draw by themselves. */
  seed(): tf.Tensor;
}

const kernelName = 'StatelessRandomNormal';

/**
 * Standard normal numbers that depend on the two words of the seed alone. The native backend and
 * WebGPU of `@espalier/backend` have a kernel for it; elsewhere TF.js draws them in JavaScript.
 */
function normal(shape: readonly number[], seed: readonly [number, number]): tf.Tensor {
  if (tf.getKernel(kernelName, tf.getBackend()) !== undefined) {
    return tf.engine().runKernel(kernelName, {}, { shape: [...shape], seed: [...seed] }) as tf.Tensor;
  }
  return tf.randomNormal([...shape], 0, 1, 'float32', hash(...seed) & 0x7fffffff);
}

/**
 * A stream of normal numbers: what is drawn depends on the seed and on how often it was drawn before. Of an even
 * batch the second half gets the noise of the first with the other sign (antithetic variates): half the work, and
 * the gradients vary less.
 */
export function stream(...seed: readonly number[]): Stream {
  const word = hash(...seed) | 0;
  let count = 0;
  const draw = ([batch, ...rest]: readonly number[]): tf.Tensor => {
    const own: [number, number] = [word, count++];
    if (batch % 2 === 1) return normal([batch, ...rest], own);
    const half = normal([batch / 2, ...rest], own);
    return tf.concat([half, tf.neg(half)]);
  };
  return Object.assign(draw, { seed: () => tf.tensor1d([word, count++], 'int32') });
}
