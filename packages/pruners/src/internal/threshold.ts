import {
  type Moment,
  type Of,
  type Parameter,
  type PluginState,
  type Pruner,
  type Run,
  readNow,
} from '@espalier/core';
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

/** Weights by their parameters. */
export type Weights = ReadonlyMap<Parameter, Float32Array>;

/** How a pruner comes to its thresholds. */
export interface Thresholds {
  check(of: Of): void;
  /** The parameters whose weights have to be known for that. Default: none. */
  look?(of: Of): Of;
  /** `undefined` leaves a parameter as it is. */
  find(of: Of, at: Moment, weights: Weights): ReadonlyMap<Parameter, number | undefined>;
  readonly memory?: Memory;
}

/** A pruner that keeps |w| > threshold. */
export function thresholdPruner(name: string, { check, look, find, memory }: Thresholds): Pruner {
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
    masks(of, at, read = readNow) {
      const seen = look?.(of) ?? [];
      return read(
        () => seen.map(({ variable }) => variable),
        (numbers) => {
          const masks = new Map<Parameter, tf.Tensor>();
          const thresholds = find(of, at, new Map(seen.map((parameter, i) => [parameter, numbers[i]])));
          for (const [parameter, threshold] of thresholds) {
            if (threshold !== undefined) masks.set(parameter, above(parameter, threshold));
          }
          return masks;
        },
      );
    },
  };
}
