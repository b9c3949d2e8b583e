import { EspalierError, type Of, type Parameter, selectParameters } from '@espalier/core';

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
    const found = new Map<Parameter, number>();
    if (typeof strength === 'number') {
      for (const p of of) found.set(p, strength);
    } else {
      for (const [key, own] of Object.entries(strength)) {
        for (const p of selectParameters(of, key)) if (p.name === key || !found.has(p)) found.set(p, own);
      }
    }
    const missing = of.find((p) => !found.has(p));
    if (missing !== undefined) {
      throw new EspalierError('invalid-option', `${owner}: strength has no value for ${missing.name}.`, {
        remedy: `Add '${missing.name}', or '**' for all the rest, or leave the parameter out of the schedule.`,
      });
    }
    known.set(of, found);
    return found;
  };
}
