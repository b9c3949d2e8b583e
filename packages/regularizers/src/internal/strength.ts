import {
  type Moment,
  type Of,
  once,
  type Parameter,
  type PerParameter,
  perParameter,
  type Range,
} from '@espalier/core';

/** What a strength may be. */
export const strengthRange: Range = [0, Number.MAX_VALUE];

/** The strength of each parameter at a moment. */
export type Strengths = (at?: Moment) => ReadonlyMap<Parameter, number>;

/**
 * The strengths of a selection. A function is asked at every step.
 *
 * @throws EspalierError `unknown-name`, `invalid-option` for a parameter without a strength
 */
export function strengthsOf(owner: string, strength: PerParameter<number>, of: Of): Strengths {
  const settings = (at: Moment): ReadonlyMap<Parameter, number> =>
    perParameter(owner, 'strength', strength, of, strengthRange, at);
  const first = settings(once());
  return typeof strength === 'function' ? (at = once()) => settings(at) : () => first;
}
