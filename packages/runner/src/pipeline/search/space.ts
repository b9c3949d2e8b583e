import { EspalierError, hash } from '@espalier/core';
import type { Search } from '../../recipe/schema.js';

/** A point of the search space: the value for each path. */
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

type Range = Search['paths'][string];

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

/** Refuses ranges that hold nothing. @throws EspalierError `bad-recipe` */
export function checkSpace({ paths }: Search): void {
  const entries = Object.entries(paths);
  if (entries.length === 0) {
    throw new EspalierError('bad-recipe', 'search.paths is empty.', { remedy: 'Say what is tried where.' });
  }
  for (const [path, range] of entries) {
    if ('choices' in range) continue;
    const { from, to, scale } = range;
    if (to > from && (scale !== 'log' || from > 0)) continue;
    throw new EspalierError('bad-recipe', `search.paths.${path}: from ${from} to ${to}.`, {
      remedy: scale === 'log' ? 'Give 0 < from < to.' : 'Give from < to.',
    });
  }
}

/** What a trial tries. */
export function valuesOf({ paths, strategy }: Search, trial: number, seed: number): Values {
  const entries = Object.entries(paths);
  const kind = strategy === 'random' ? 'random' : 'quasi-random';
  const u = coordinates(kind, entries.length, trial, seed);
  return Object.fromEntries(entries.map(([path, range], i) => [path, valueAt(range, u[i])]));
}
