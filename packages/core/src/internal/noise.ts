import * as tf from '@tensorflow/tfjs-core';
import type { Moment } from '../moment.js';
import type { Parameter } from '../parameter.js';
import type { NoiseSession } from '../session.js';
import { noiseFrom } from './answers.js';
import { type Bound, within } from './bound.js';

/** Weights under the noise of one step. */
export interface Disturbed {
  /** The gradient of the weight itself, from that of the weight under noise: d/dw f(n·w) = n · f'(n·w). */
  pull(parameter: Parameter, gradient: tf.Tensor): tf.Tensor;
  /** Puts the weights back as they were. */
  restore(): void;
}

/** Multiplies weights by the noise of the plugins that are active. Within a tidy. */
export function disturb(active: readonly Bound[], at: Moment): Disturbed {
  const factors = new Map<Parameter, tf.Tensor>();
  for (const { running, time } of active) {
    const session = running.as<NoiseSession>('noise');
    if (session === undefined) continue;
    for (const [parameter, noise] of noiseFrom(running.plugin, session.noise(within(time, at)))) {
      const others = factors.get(parameter);
      factors.set(parameter, others === undefined ? noise : tf.mul(others, noise));
    }
  }
  const before = [...factors].map(([{ variable }, factor]) => {
    const values = tf.clone(variable);
    variable.assign(tf.mul(values, factor));
    return [variable, values] as const;
  });
  return {
    pull: (parameter, gradient) => {
      const factor = factors.get(parameter);
      return factor === undefined ? gradient : tf.mul(gradient, factor);
    },
    restore() {
      for (const [variable, values] of before) variable.assign(values);
    },
  };
}
