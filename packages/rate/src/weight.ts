import { checkOptions, checkRange, type Moment } from '@espalier/core';

/** λ rises from one value to another, over a part of the stage. */
export interface WeightRamp {
  readonly from: number;
  readonly to: number;
  /** Share of the stage after which `to` is reached, in (0, 1]. Default 0.6. */
  readonly over?: number;
}

/** Steers λ to a size. */
export interface WeightAim {
  /** What the levels shall take, in bytes, > 0. */
  readonly bytes: number;
  /** λ of the first epoch, > 0. Default 0.1. */
  readonly from?: number;
}

/**
 * λ: what a bit costs, in nats per training example over N, of the loss. A number, a ramp, or what steers it to a size.
 */
export type RateWeight = number | WeightRamp | WeightAim;

const huge = Number.MAX_VALUE;

/** @throws EspalierError `invalid-option`, `unknown-option` */
export function checkWeight(owner: string, weight: RateWeight): void {
  if (typeof weight !== 'object' || weight === null) {
    checkRange(owner, 'weight', weight, 0, huge);
    return;
  }
  const own = `${owner}.weight`;
  if ('bytes' in weight) {
    checkOptions(own, weight, ['bytes', 'from']);
    checkRange(own, 'bytes', weight.bytes, Number.MIN_VALUE, huge);
    if (weight.from !== undefined) checkRange(own, 'from', weight.from, Number.MIN_VALUE, huge);
    return;
  }
  checkOptions(own, weight, ['from', 'to', 'over']);
  checkRange(own, 'from', weight.from, 0, huge);
  checkRange(own, 'to', weight.to, 0, huge);
  if (weight.over !== undefined) checkRange(own, 'over', weight.over, Number.MIN_VALUE, 1);
}

/** How much log λ moves in a whole stage, for each factor of e that the size is off. */
const gain = 30;
/** It is steered to so much of what it may take, so that it ends below. */
const under = 0.97;
/** λ moves by this factor in an epoch, at most. */
const most = 2;

/** Share of the stage in which the size is brought to its aim, on a straight line of its logarithm. */
const way = 0.6;

/** The size of the levels that a weight follows by itself. */
export function ownAim(weight: RateWeight): number | undefined {
  return typeof weight === 'object' && 'bytes' in weight ? weight.bytes : undefined;
}

const doneAt = ({ step, start, end, stepsPerEpoch }: Moment): number =>
  (step - start * stepsPerEpoch) / ((end - start) * stepsPerEpoch);

/** λ over time, of a session. */
export class Weight {
  readonly #weight: RateWeight;
  /** λ of the last step; one that is steered goes on from it. */
  present: number;
  /** The size at the end of the first epoch, in bytes, from which it is steered; undefined where it is not. */
  first: number | undefined;
  #last: Moment | undefined;

  /** @param known - Of the session before. */
  constructor(
    weight: RateWeight,
    known: { readonly weight?: number; readonly first?: number | undefined } = {},
  ) {
    this.#weight = weight;
    this.present = known.weight ?? (typeof weight === 'number' ? weight : (weight.from ?? 0.1));
    this.first = known.first;
  }

  /** The size of the levels that it follows, in bytes, if it does. */
  get bytes(): number | undefined {
    return ownAim(this.#weight);
  }

  /** λ of a step. */
  at(at: Moment): number {
    const weight = this.#weight;
    this.#last = at;
    if (this.first !== undefined) return this.present;
    if (typeof weight === 'number') this.present = weight;
    else if (!('bytes' in weight)) {
      const { from, to, over = 0.6 } = weight;
      this.present = from + (to - from) * Math.min(1, doneAt(at) / over);
    }
    return this.present;
  }

  /** Steers it, at the end of an epoch, from the size that there is to another one, both in bytes. */
  steer(size: number, aim: number): void {
    const at = this.#last;
    if (at === undefined) return;
    this.first ??= size;
    const left = Math.max(0, 1 - doneAt(at) / way);
    const wanted = under * aim * (this.first / (under * aim)) ** left;
    const moved = (gain * Math.log(Math.max(size, 1e-9) / wanted)) / (at.end - at.start);
    this.present *= Math.min(most, Math.max(1 / most, Math.exp(moved)));
  }
}
