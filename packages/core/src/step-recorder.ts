import * as tf from '@tensorflow/tfjs-core';

/** Steps that are alike, recorded and then replayed by a backend. */
export interface StepRecording {
  /**
   * Takes a step: by replaying those before, or by calling `step`, which says why it cannot be replayed, or nothing.
   *
   * @param inputs - All that the step is given; the same shapes each time.
   */
  take(inputs: readonly tf.Tensor[], step: () => string | undefined): void;
  /**
   * A plugin has done something since: the next step may be another one than those before. Where it is `values`, the step is the
   * same, and only values that stay from step to step (masks) are others, each in its variable.
   */
  doubt(of?: 'step' | 'values'): void;
  /** Why steps are not replayed; undefined while nothing is against it. */
  readonly reason: string | undefined;
  /** Steps that were replayed. */
  readonly replayed: number;
  dispose(): void;
}

/** What a backend has to replay steps of training: `startBackend().recorder` of `@espalier/backend`. */
export interface StepRecorder {
  start(): StepRecording;
}

/** `@espalier/backend` knows numbers that are marked with this. */
const mark: unique symbol = Symbol.for('espalier.perStep') as never;

let making = 0;

/** Whether `perStep` is making numbers just now. */
export const isMaking = (): boolean => making > 0;

/**
 * A tensor of numbers that are others at every step: a rate, a seed, a factor that grows. A step that is recorded and
 * replayed asks for them anew, where those of other tensors are taken to stay.
 *
 * @param make - The numbers of the step that is being taken, in the tensor's shape. It may look at the moment that the
 *   hook was given, which tells it the number of that step.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import { hash, perStep, type Moment } from '@espalier/core';
 * const seedOf = (at: Moment) => perStep(() => Int32Array.of(hash(7, at.step)), [1]);
 * if (seedOf({ step: 3 } as Moment).dtype !== 'int32') throw new Error('whole numbers');
 * ```
 */
export function perStep(make: () => Float32Array | Int32Array, shape: readonly number[] = []): tf.Tensor {
  const numbers = (): Float32Array | Int32Array => {
    making++;
    try {
      return make();
    } finally {
      making--;
    }
  };
  const values = Object.defineProperty(numbers(), mark, { value: numbers });
  return tf.tensor(values, [...shape], values instanceof Int32Array ? 'int32' : 'float32');
}
