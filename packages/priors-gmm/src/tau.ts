import { checkOneOf, checkOptions, checkRange, type Moment } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';

/** τ that moves from one value to another over the stage. */
export interface TauRamp {
  readonly from: number;
  readonly to: number;
  /** Default `linear`; `geometric` grows by equal factors. */
  readonly shape?: 'linear' | 'cosine' | 'geometric';
  /** Over which part of the stage, in (0, 1]; then it stays. Default 1. */
  readonly over?: number;
}

/** τ that grows until the zero component has taken a share of the weights, and then stays. */
export interface TauUntil {
  readonly from: number;
  /** Share of the weights for which the zero component takes most responsibility, in (0, 1). */
  readonly zeros: number;
  /** Factor per epoch while there are fewer zeros than that, > 1. Default 1.3. */
  readonly growth?: number;
  /** τ never grows beyond. Default: 1000 × `from`. */
  readonly most?: number;
}

/** The weight of the prior in the loss: the penalty is τ/N × (-log p(weights) - log p(mixture)). */
export type Tau = number | TauRamp | TauUntil;

const shapes = {
  linear: (t: number, from: number, to: number) => from + t * (to - from),
  cosine: (t: number, from: number, to: number) => to + 0.5 * (from - to) * (1 + Math.cos(Math.PI * t)),
  geometric: (t: number, from: number, to: number) => from * (to / from) ** t,
} as const;

/** @throws EspalierError `invalid-option`, `unknown-option` */
export function checkTau(owner: string, tau: Tau): void {
  const limit = Number.MAX_VALUE;
  if (typeof tau !== 'object' || tau === null) {
    checkRange(owner, 'tau', tau, 0, limit);
    return;
  }
  if ('zeros' in tau) {
    checkOptions(`${owner}.tau`, tau, ['from', 'zeros', 'growth', 'most']);
    checkRange(`${owner}.tau`, 'from', tau.from, Number.MIN_VALUE, limit);
    checkRange(`${owner}.tau`, 'zeros', tau.zeros, Number.MIN_VALUE, 1);
    if (tau.growth !== undefined) checkRange(`${owner}.tau`, 'growth', tau.growth, 1, limit);
    if (tau.most !== undefined) checkRange(`${owner}.tau`, 'most', tau.most, tau.from, limit);
    return;
  }
  checkOptions(`${owner}.tau`, tau, ['from', 'to', 'shape', 'over']);
  const { from, to, shape = 'linear', over = 1 } = tau;
  const least = shape === 'geometric' ? Number.MIN_VALUE : 0;
  checkRange(`${owner}.tau`, 'from', from, least, limit);
  checkRange(`${owner}.tau`, 'to', to, least, limit);
  checkRange(`${owner}.tau`, 'over', over, Number.MIN_VALUE, 1);
  checkOneOf(`${owner}.tau`, 'shape', shape, Object.keys(shapes));
}

/** τ over time, of a session. It sees the share of zeros of the step before. */
export class TauSchedule {
  readonly #tau: Tau;
  #present: number;

  /** @param present - τ of the last step of the session before. */
  constructor(tau: Tau, present?: number) {
    this.#tau = tau;
    this.#present = present ?? (typeof tau === 'number' ? tau : tau.from);
  }

  /** The last value given; a schedule that grows resumes from it. */
  get present(): number {
    return this.#present;
  }

  set present(value: number) {
    this.#present = value;
  }

  /** τ of a step. `zeros` is the share of zeros at the step before, if there was one. */
  next(at: Moment, zeros: number | undefined): number {
    const tau = this.#tau;
    if (typeof tau === 'number') return tau;
    if ('zeros' in tau) {
      const { zeros: target, growth = 1.3, most = 1000 * tau.from } = tau;
      if (zeros !== undefined && zeros < target) {
        this.#present = Math.min(most, this.#present * growth ** (1 / at.stepsPerEpoch));
      }
      return this.#present;
    }
    const { from, to, shape = 'linear', over = 1 } = tau;
    const done = at.count > 1 ? at.index / (at.count - 1) : 1;
    this.#present = shapes[shape](Math.min(1, done / over), from, to);
    return this.#present;
  }

  /** Does τ depend on the zeros of the step before? Then they stay on the device, and so does τ. */
  get follows(): boolean {
    return typeof this.#tau !== 'number' && 'zeros' in this.#tau;
  }

  /** `next` on the device, for a τ that follows zeros. */
  grown(at: Moment, present: tf.Scalar, zeros: tf.Scalar): tf.Scalar {
    const { from, zeros: target, growth = 1.3, most = 1000 * from } = this.#tau as TauUntil;
    const more = tf.minimum(tf.mul(present, growth ** (1 / at.stepsPerEpoch)), most);
    return tf.where(tf.less(zeros, target), more, present) as tf.Scalar;
  }
}
