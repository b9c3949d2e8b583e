import { hash, perStep } from '@espalier/core';
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
function normal(shape: readonly number[], seed: () => readonly [number, number]): tf.Tensor {
  const backend = tf.getBackend();
  if (tf.getKernel(kernelName, backend) === undefined) {
    return tf.randomNormal([...shape], 0, 1, 'float32', hash(...seed()) & 0x7fffffff);
  }
  // As a tensor it may be another one when the step is replayed.
  const given = backend === 'tensorflow' ? { seed: perStep(() => Int32Array.from(seed()), [2]) } : {};
  const attributes = { shape: [...shape], ...(backend !== 'tensorflow' && { seed: [...seed()] }) };
  return tf.engine().runKernel(kernelName, given, attributes) as tf.Tensor;
}

/**
 * A stream of normal numbers: what is drawn depends on the seed and on how often it was drawn before. Of an even
 * batch the second half gets the noise of the first with the other sign (antithetic variates): half the work, and
 * the gradients vary less.
 *
 * @param seed - Numbers that say which stream it is; those that are functions are asked at every draw.
 */
export function stream(...seed: readonly (number | (() => number))[]): Stream {
  const word = (): number => hash(...seed.map((part) => (typeof part === 'number' ? part : part()))) | 0;
  let count = 0;
  const draw = ([batch, ...rest]: readonly number[]): tf.Tensor => {
    const drawn = count++;
    const own = (): [number, number] => [word(), drawn];
    if (batch % 2 === 1) return normal([batch, ...rest], own);
    const half = normal([batch / 2, ...rest], own);
    return tf.concat([half, tf.neg(half)]);
  };
  return Object.assign(draw, {
    seed() {
      const drawn = count++;
      return perStep(() => Int32Array.of(word(), drawn), [2]);
    },
  });
}
