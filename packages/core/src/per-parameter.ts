import { EspalierError } from './errors.js';
import { type Moment, once } from './moment.js';
import type { Parameter } from './parameter.js';
import type { Of } from './plugin.js';
import { isNamedBy, selectParameters } from './selector.js';
import { shown } from './shown.js';

/**
 * An option that may differ between parameters: one value for all; a map from names or globs to values (a full
 * name wins, then the first glob that matches; `'**'` is the rest); or a function of the parameter and of the moment,
 where it is asked for again at every firing.
 */
export type PerParameter<T> = T | Readonly<Record<string, T>> | ((parameter: Parameter, at: Moment) => T);

/** The numbers that an option may take: from, to, both included. */
export type Range = readonly [number, number];

const anyNumber: Range = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];

const isMap = <T>(value: PerParameter<T> | undefined): value is Readonly<Record<string, T>> =>
  typeof value === 'object' && value !== null;

/**
 * What an option says of a parameter at a moment; undefined where it says nothing.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { checkNames, checkPerParameter, parametersOf, settingOf } from '@espalier/core';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ name: 'fc', units: 3, inputShape: [2] })] });
 * const [kernel, bias] = parametersOf(model);
 * const sparsity = { 'fc/kernel': 0.9 };
 * checkPerParameter('mine', 'sparsity', sparsity, [0, 1]);
 * checkNames(sparsity, [kernel, bias]);
 * if (settingOf(sparsity, kernel) !== 0.9 || settingOf(sparsity, bias) !== undefined) throw new Error('unexpected');
 * ```
 */
export function settingOf<T extends string | number>(
  value: PerParameter<T> | undefined,
  parameter: Parameter,
  at: Moment = once(),
): T | undefined {
  if (typeof value === 'function') return value(parameter, at);
  if (!isMap(value)) return value;
  if (Object.hasOwn(value, parameter.name)) return value[parameter.name];
  const key = Object.keys(value).find((pattern) => isNamedBy(pattern, parameter));
  return key === undefined ? undefined : value[key];
}

/** Every name and glob of an option must be of a parameter. @throws EspalierError `unknown-name` */
export function checkNames<T>(value: PerParameter<T> | undefined, of: Of): void {
  if (isMap(value)) for (const key of Object.keys(value)) selectParameters(of, key);
}

/**
 * The value of an option for each parameter of a schedule, at a moment of it.
 *
 * @throws EspalierError `unknown-name` for a key that matches no parameter of the schedule, `invalid-option`
 *   for a parameter that has no value or one outside `range`.
 *
 * @example
 * ```ts
 * import '@tensorflow/tfjs-backend-cpu';
 * import * as tfl from '@tensorflow/tfjs-layers';
 * import { parametersOf, perParameter } from '@espalier/core';
 * const model = tfl.sequential({ layers: [tfl.layers.dense({ name: 'fc', units: 3, inputShape: [2] })] });
 * const values = perParameter('mine', 'sparsity', { 'fc/kernel': 0.9, ['**']: 0 }, parametersOf(model), [0, 1]);
 * if ([...values.values()].join() !== '0.9,0') throw new Error('unexpected');
 * ```
 */
export function perParameter<T extends number>(
  owner: string,
  option: string,
  value: PerParameter<T>,
  of: Of,
  [low, high]: Range = anyNumber,
  at: Moment = once(),
): Map<Parameter, T> {
  checkNames(value, of);
  const values = new Map<Parameter, T>();
  for (const p of of) {
    const own = settingOf(value, p, at);
    if (own !== undefined) values.set(p, own);
    if (typeof own === 'number' && own >= low && own <= high) continue;
    throw own === undefined
      ? new EspalierError('invalid-option', `${owner}: ${option} has no value for ${p.name}.`, {
          remedy: `Add '${p.name}', or '**' for all the rest, or leave the parameter out of the schedule.`,
        })
      : new EspalierError('invalid-option', `${owner}: ${option} of ${p.name} is ${String(own)}.`, {
          remedy: `Give a number in [${low}, ${high}].`,
        });
  }
  return values;
}

/**
 * Checks what can be checked of such an option before the parameters are known.
 *
 * @throws EspalierError `invalid-option`
 */
export function checkPerParameter(owner: string, option: string, value: unknown, [low, high]: Range): void {
  if (typeof value === 'function') return;
  const values: unknown[] =
    typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.values(value) : [value];
  for (const own of values) {
    if (typeof own === 'number' && own >= low && own <= high && Number.isFinite(own)) continue;
    throw new EspalierError('invalid-option', `${owner}: ${option} is ${shown(value)}.`, {
      remedy: `Give a number in [${low}, ${high}], a map from parameter names to such numbers, or a function.`,
    });
  }
}
