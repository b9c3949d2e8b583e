import type { Of, Pruner, Regularizer } from '@espalier/core';
import type * as tf from '@tensorflow/tfjs-core';

/** A regularizer that looks at the weights alone; with a threshold it is a pruner as well. */
export interface WeightPenalty extends Regularizer {
  penalty(of: Of): tf.Scalar;
  readonly masks?: Pruner['masks'];
}
