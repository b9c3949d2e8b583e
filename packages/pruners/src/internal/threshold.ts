import type { Moment, Of, Parameter, PluginState, Pruner } from '@espalier/core';
import { readNow } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';

/** Weights by their parameters. */
export type Weights = ReadonlyMap<Parameter, Float32Array>;

/** What a session goes by. */
export interface Finder {
  /** The parameters whose weights have to be known for the next thresholds. Default: none. */
  look?(): Of;
  /** `undefined` leaves a parameter as it is. */
  find(at: Moment, weights: Weights): ReadonlyMap<Parameter, number | undefined>;
  /** What it has measured and keeps. */
  save?(): PluginState;
}

/** How a pruner comes to its thresholds. */
export interface Thresholds {
  check(of: Of): void;
  start(of: Of, state: PluginState | undefined): Finder;
}

/** The mask |w| > threshold of a parameter, in float32: ties go. The caller owns it. */
function above(parameter: Parameter, threshold: number): tf.Tensor {
  return tf.tidy(() => tf.cast(tf.greater(tf.abs(parameter.variable), threshold), 'float32'));
}

/** A pruner that keeps |w| > threshold. */
export function thresholdPruner(name: string, { check, start }: Thresholds): Pruner {
  return {
    name,
    kinds: ['pruner'],
    check: (_, of) => check(of),
    start(_, of, state) {
      check(of);
      const finder = start(of, state);
      return {
        masks(at, read = readNow) {
          const seen = finder.look?.() ?? [];
          return read(
            () => seen.map(({ variable }) => variable),
            (numbers) => {
              const masks = new Map<Parameter, tf.Tensor>();
              const weights = new Map(seen.map((parameter, i) => [parameter, numbers[i]]));
              for (const [parameter, threshold] of finder.find(at, weights)) {
                if (threshold !== undefined) masks.set(parameter, above(parameter, threshold));
              }
              return masks;
            },
          );
        },
        ...(finder.save && { save: () => finder.save!() }),
      };
    },
  };
}
