import { perParameter as each, type Moment, type Of, type Parameter, type Range } from '@espalier/core';

/** An option that may differ between parameters, and from moment to moment. */
export type PerParameter<T extends number> =
  | T
  | Readonly<Record<string, T>>
  | ((parameter: Parameter, at: Moment) => T);

/** The value of an option for each parameter at a moment. @throws as core's `perParameter` */
export function perParameter<T extends number>(
  owner: string,
  option: string,
  value: PerParameter<T>,
  of: Of,
  at: Moment,
  range: Range,
): Map<Parameter, T> {
  return each(owner, option, typeof value === 'function' ? (p) => value(p, at) : value, of, range);
}
