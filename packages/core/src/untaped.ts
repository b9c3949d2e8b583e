import * as tf from '@tensorflow/tfjs-core';

/** The part of TF.js's engine that says whether it records: not within a kernel. */
interface Engine {
  readonly state: { kernelDepth: number };
}

/**
 * Calls `work` without recording what it does for differentiation, which costs a copy of almost every tensor on the way:
 * for what knows its gradients, as a penalty that brings them.
 *
 * @returns What `work` returns; to TF.js it is constant.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tf from '@tensorflow/tfjs-core';
 * import { untaped } from '@espalier/core';
 * const slope = tf.grad((x) => tf.add(tf.mul(x, 2), untaped(() => tf.square(x))))(tf.scalar(3));
 * if (slope.dataSync()[0] !== 2) throw new Error('the square is constant');
 * ```
 */
export function untaped<T>(work: () => T): T {
  const { state } = tf.engine() as unknown as Engine;
  state.kernelDepth++;
  try {
    return work();
  } finally {
    state.kernelDepth--;
  }
}
