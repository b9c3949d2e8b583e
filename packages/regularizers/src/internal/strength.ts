import { EspalierError, type Of, type Parameter, perParameter } from '@espalier/core';

/**
 * How much a penalty weighs in the loss: one number for all parameters, or a map from names or globs to
 * numbers (a full name wins, then the first glob that matches). At least 0.
 */
export type Strength = number | Readonly<Record<string, number>>;

/** @throws EspalierError `invalid-option` */
export function checkStrength(owner: string, strength: unknown): void {
  const numbers: unknown[] =
    typeof strength === 'object' && strength !== null && !Array.isArray(strength)
      ? Object.values(strength)
      : [strength];
  if (numbers.every((n) => typeof n === 'number' && n >= 0 && Number.isFinite(n))) return;
  throw new EspalierError('invalid-option', `${owner}: strength is ${JSON.stringify(strength)}.`, {
    remedy: 'Give a number >= 0, or a map from parameter names to such numbers.',
  });
}

/**
 * A function that tells the strength of each parameter, worked out once per selection.
 *
 * @throws (the function) EspalierError `unknown-name`, `invalid-option` for a parameter without a strength
 */
export function strengths(owner: string, strength: Strength): (of: Of) => ReadonlyMap<Parameter, number> {
  const known = new WeakMap<Of, ReadonlyMap<Parameter, number>>();
  return (of) => {
    const ready = known.get(of);
    if (ready !== undefined) return ready;
    const found = perParameter(owner, 'strength', strength, of);
    known.set(of, found);
    return found;
  };
}
