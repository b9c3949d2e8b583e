import type { Moment, Of, Parameter, Pruner, Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';

/** The mask |w| > threshold of a parameter, in float32: ties go. The caller owns it. */
export function above(parameter: Parameter, threshold: number): tf.Tensor {
  return tf.tidy(() => tf.cast(tf.greater(tf.abs(parameter.variable), threshold), 'float32'));
}

/** A pruner that keeps |w| > threshold; `undefined` leaves a parameter as it is. */
export function thresholdPruner(
  name: string,
  thresholds: (of: Of, at: Moment) => ReadonlyMap<Parameter, number | undefined>,
  more: Omit<Partial<Pruner>, 'name' | 'masks'> & { start?(run: Run): void } = {},
): Pruner {
  return {
    name,
    ...more,
    masks(of, at) {
      const masks = new Map<Parameter, tf.Tensor>();
      for (const [parameter, threshold] of thresholds(of, at)) {
        if (threshold !== undefined) masks.set(parameter, above(parameter, threshold));
      }
      return masks;
    },
  };
}
