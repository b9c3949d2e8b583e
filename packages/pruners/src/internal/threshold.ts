import type { Moment, Of, Parameter, PluginState, Pruner, Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';

/** The mask |w| > threshold of a parameter, in float32: ties go. The caller owns it. */
export function above(parameter: Parameter, threshold: number): tf.Tensor {
  return tf.tidy(() => tf.cast(tf.greater(tf.abs(parameter.variable), threshold), 'float32'));
}

/** What a pruner measured once and keeps. */
export interface Memory {
  forget(): void;
  save(): PluginState;
  load(state: PluginState): void;
}

/** A pruner that keeps |w| > threshold; `undefined` leaves a parameter as it is. */
export function thresholdPruner(
  name: string,
  check: (of: Of) => void,
  thresholds: (of: Of, at: Moment) => ReadonlyMap<Parameter, number | undefined>,
  memory?: Memory,
): Pruner {
  let last: Run | undefined;
  return {
    name,
    check: (_, of) => check(of),
    start(run, of) {
      check(of);
      // A plugin that two stages share goes on with what it measured in the first.
      if (run !== last) memory?.forget();
      last = run;
    },
    ...(memory !== undefined && { save: memory.save, load: memory.load }),
    masks(of, at) {
      const masks = new Map<Parameter, tf.Tensor>();
      for (const [parameter, threshold] of thresholds(of, at)) {
        if (threshold !== undefined) masks.set(parameter, above(parameter, threshold));
      }
      return masks;
    },
  };
}
