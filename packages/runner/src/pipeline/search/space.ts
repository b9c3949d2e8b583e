import { EspalierError, hash, nearestName } from '@espalier/core';
import type { Search } from '../../recipe/schema.js';

/** A point of the search space: the value for each path that counts there. */
export type Values = Readonly<Record<string, unknown>>;

/** The d-th root that generalises the golden ratio: x^(d+1) = x + 1. */
function ratio(dimensions: number): number {
  let x = 2;
  for (let i = 0; i < 40; i++) x = (1 + x) ** (1 / (dimensions + 1));
  return x;
}

/**
 * Coordinates in [0, 1) of a trial: independent draws, or the additive recurrence R_d (Roberts 2018), which
 * spreads any number of points evenly.
 */
export function coordinates(
  strategy: 'random' | 'quasi-random',
  dimensions: number,
  trial: number,
  seed: number,
): number[] {
  const g = ratio(dimensions);
  return Array.from({ length: dimensions }, (_, i) => {
    if (strategy === 'random') return hash(seed, trial, i) / 0x100000000;
    const start = hash(seed, i) / 0x100000000;
    return (start + (trial + 1) * g ** -(i + 1)) % 1;
  });
}

export type Range = Search['paths'][string];

function valueAt(range: Range, u: number): unknown {
  if ('choices' in range) return range.choices[Math.floor(u * range.choices.length)];
  const { from, to, scale = 'linear', integer = false } = range;
  const value =
    scale === 'log'
      ? from * (to / from) ** u
      : integer
        ? from + Math.floor(u * (to - from + 1))
        : from + u * (to - from);
  return integer ? Math.round(value) : Number(value.toPrecision(4));
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Where in [0, 1] of a range a value is: the middle of what becomes it. Undefined where it is not in the range. */
export function coordinateOf(range: Range, value: unknown): number | undefined {
  if ('choices' in range) {
    const at = range.choices.findIndex((choice) => same(choice, value));
    return at < 0 ? undefined : (at + 0.5) / range.choices.length;
  }
  const { from, to, scale = 'linear', integer = false } = range;
  if (typeof value !== 'number' || value < from || value > to) return undefined;
  if (scale === 'log') return Math.log(value / from) / Math.log(to / from);
  return integer ? (value - from + 0.5) / (to - from + 1) : (value - from) / (to - from);
}

/** Whether a path counts beside the values of others: the ones its condition names have one of the values it asks for. */
function counts({ when }: Range, values: Values): boolean {
  return Object.entries(when ?? {}).every(([path, wanted]) => {
    if (!Object.hasOwn(values, path)) return false;
    const any = Array.isArray(wanted) ? wanted : [wanted];
    return any.some((one) => same(one, values[path]));
  });
}

/**
 * Values for paths, each from what is before it; one whose condition does not hold is left out. Conditions are on paths that
 * stand before.
 */
export function valuesBy(paths: Search['paths'], coordinate: (path: string, i: number) => number): Values {
  const values: Record<string, unknown> = {};
  for (const [i, [path, range]] of Object.entries(paths).entries()) {
    if (counts(range, values)) values[path] = valueAt(range, Math.min(1 - 1e-12, coordinate(path, i)));
  }
  return values;
}

/** Refuses ranges that hold nothing, and conditions that cannot hold. @throws EspalierError `bad-recipe` */
export function checkSpace({ paths }: Pick<Search, 'paths'>): void {
  const entries = Object.entries(paths);
  if (entries.length === 0) {
    throw new EspalierError('bad-recipe', 'search.paths is empty.', { remedy: 'Say what is tried where.' });
  }
  const before: string[] = [];
  for (const [path, range] of entries) {
    checkCondition(path, range, before, paths);
    before.push(path);
    if ('choices' in range) continue;
    const { from, to, scale } = range;
    if (to > from && (scale !== 'log' || from > 0)) continue;
    throw new EspalierError('bad-recipe', `search.paths.${path}: from ${from} to ${to}.`, {
      remedy: scale === 'log' ? 'Give 0 < from < to.' : 'Give from < to.',
    });
  }
}

function checkCondition(
  path: string,
  { when = {} }: Range,
  before: readonly string[],
  paths: Search['paths'],
): void {
  for (const [other, wanted] of Object.entries(when)) {
    const at = `search.paths.${path}.when`;
    if (!before.includes(other)) {
      const near = nearestName(other, before);
      throw new EspalierError('bad-recipe', `${at}: no path before it is '${other}'.`, {
        remedy: near === undefined ? 'Put the path it depends on before it.' : `Did you mean '${near}'?`,
      });
    }
    const range = paths[other];
    const any = Array.isArray(wanted) ? wanted : [wanted];
    const never = any.find((one) => coordinateOf(range, one) === undefined);
    if (any.length > 0 && never === undefined) continue;
    throw new EspalierError('bad-recipe', `${at}: ${other} is never ${JSON.stringify(never ?? any)}.`, {
      remedy: 'Name values that it can have.',
    });
  }
}

/** What a trial tries that does not look at others. */
export function valuesOf({ paths, strategy }: Search, trial: number, seed: number): Values {
  const kind = strategy === 'random' ? 'random' : 'quasi-random';
  const u = coordinates(kind, Object.keys(paths).length, trial, seed);
  return valuesBy(paths, (_, i) => u[i]);
}
