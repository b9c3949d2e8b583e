import * as tf from '@tensorflow/tfjs-core';

interface Engine {
  readonly state: {
    activeTape: { readonly saved?: readonly tf.Tensor[] }[] | null;
    readonly gradientDepth: number;
  };
}

/**
 * Calls `work`, which takes a gradient. When that fails, TF.js 4.22 keeps the tensors that it saved for the way back and
 * never frees them: they are freed here.
 */
export function withTape<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const { state } = tf.engine() as unknown as Engine;
    if (state.gradientDepth === 0) {
      for (const { saved = [] } of state.activeTape ?? []) tf.dispose([...saved]);
      state.activeTape = null;
    }
    throw error;
  }
}
