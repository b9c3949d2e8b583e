import { shown } from '@espalier/core';
import type { Names } from './names.js';
import type { Component, DistillerSchedule } from './parse.js';
import { listed } from './use.js';

export type Numbers = Readonly<Record<string, number>>;

/** What the converters of components work with. */
export interface Context {
  readonly schedule: DistillerSchedule;
  readonly names: Names;
}

/** The names under `weights`: a list, or one name, which Distiller also takes. */
export function weightsOf({ args, path }: Component, { schedule }: Context): string[] {
  const { weights } = args;
  const list = typeof weights === 'string' ? [weights] : weights;
  const good = Array.isArray(list) && list.length > 0 && list.every((name) => typeof name === 'string');
  if (!good) return schedule.refuse([...path, 'weights'], "'weights' is not a list of names.");
  return list as string[];
}

/** A number of an argument. */
export function numberOf(
  { args, path }: Component,
  key: string,
  { schedule }: Context,
  [low, high]: readonly [number, number] = [-Infinity, Infinity],
): number {
  const value = args[key];
  if (typeof value !== 'number' || !(value >= low && value <= high)) {
    const range = high === Infinity ? (low === -Infinity ? '' : ` >= ${low}`) : ` in [${low}, ${high}]`;
    return schedule.refuse([...path, key], `${key} is ${shown(value)}: a number${range} is wanted.`);
  }
  return value;
}

/** A map from weights to numbers as parameters and one number, or a map from parameters to numbers. */
export function perWeight(
  component: Component,
  key: string,
  values: unknown,
  { schedule, names }: Context,
): { parameters: string | readonly string[]; value: number | Numbers } {
  const path = [...component.path, key];
  const good =
    values !== null &&
    typeof values === 'object' &&
    Object.values(values).every((v) => typeof v === 'number');
  if (!good) return schedule.refuse(path, `'${key}' is not a map from weights to numbers.`, true);
  const { '*': rest, ...own } = values as Numbers;
  const found = Object.entries(own).map(([name, value]) => [names.parameter(name), value] as const);
  if (rest === undefined) {
    const one = found.every(([, value]) => value === found[0][1]);
    return {
      parameters: listed(found.map(([name]) => name)),
      value: one ? found[0][1] : Object.fromEntries(found),
    };
  }
  schedule.notes.add(
    'defect',
    [...path, '*'],
    "'*' is every weight of the model, biases and batch norm included, in Distiller and here.",
    true,
  );
  if (names.all === undefined) {
    schedule.notes.add(
      'changed',
      [...path, '*'],
      "here '**' takes the statistics of batch norm as well: add '!**/moving_mean' and '!**/moving_variance', or import with --model.",
      true,
    );
  }
  return {
    parameters: names.all ?? '**',
    value: found.length === 0 ? rest : { ...Object.fromEntries(found), '**': rest },
  };
}
