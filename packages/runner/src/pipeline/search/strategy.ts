import { hash } from '@espalier/core';
import type { Search } from '../../recipe/schema.js';
import { type Aims, bestByBoth } from './front.js';
import type { Trial } from './rank.js';
import { eta, type Rung, rungsOf } from './rungs.js';
import { coordinateOf, type Values, valuesBy, valuesOf } from './space.js';
import { goodOf, type Point, tpe } from './tpe.js';

/** A trial that is asked for. */
export interface Asked {
  readonly trial: number;
  readonly rung: number;
  readonly values: Values;
  /** How many results were known then: all that it depends on. */
  readonly known: number;
}

/** What a strategy goes by: nothing else decides what comes next. */
export interface History {
  /** Results in the order in which they came. */
  readonly done: readonly Trial[];
  /** Asked for and not done, in the order they were asked for. */
  readonly pending: readonly Asked[];
}

/** The next trial; or results have to come first; or there is none. */
export type Next = Asked | 'wait' | 'end';

/** How a search chooses its trials. */
export interface Strategy {
  readonly rungs: readonly Rung[];
  /** Whether it looks at results for what it tries next. */
  readonly learns: boolean;
  next(history: History): Next;
}

/** What a strategy knows besides the history. */
export interface StrategyOptions {
  readonly search: Search;
  /** How many, in the first round. */
  readonly trials: number;
  readonly seed: number;
  /** From the best to the worst. */
  rank(trials: readonly Trial[]): Trial[];
  /** What is less is better, of a trial that did not fail: error or goal, and size. */
  aims(trial: Trial): Aims;
  /** Trials of searches before. */
  readonly earlier: readonly Trial[];
}

/** Trials that do not look at others, before a model of them is made. */
const first = 10;

/**
 * How a search goes on, as `espalier search` asks it: what is tried next, given what has come of the rest.
 *
 * @throws EspalierError nothing of its own: `checkSpace` has looked at the search
 *
 * @example
 * ```ts
 * import { type SearchResult, strategyOf } from '@espalier/runner';
 * const done: SearchResult[] = [];
 * const strategy = strategyOf({
 *   search: { strategy: 'tpe', paths: { x: { from: -1, to: 1 } } },
 *   trials: 30,
 *   seed: 1,
 *   rank: (trials) => [...trials].sort((a, b) => a.error - b.error),
 *   aims: ({ error, bytes }) => [error, bytes],
 *   earlier: [],
 * });
 * for (;;) {
 *   const asked = strategy.next({ done, pending: [] });
 *   if (typeof asked === 'string') break;
 *   done.push({ ...asked, error: (Number(asked.values.x) - 0.3) ** 2, bytes: 1, seconds: 0 });
 * }
 * if (Math.min(...done.map(({ error }) => error)) > 0.001) throw new Error('unexpected');
 * ```
 */
export function strategyOf(options: StrategyOptions): Strategy {
  const { search, trials } = options;
  const { strategy } = search;
  const rungs = rungsOf(strategy, trials);
  const values = strategy === 'tpe' ? byTpe(options) : byCoordinates(options);
  if (strategy === 'halving') return { rungs, learns: true, next: halving(options, rungs, values) };
  if (strategy === 'asynchronous-halving') {
    return { rungs, learns: true, next: asynchronous(options, rungs, values) };
  }
  return {
    rungs,
    learns: strategy === 'tpe',
    next(history) {
      const trial = askedFor(history, 0).size;
      return trial < trials ? asked(trial, 0, values(trial, history), history) : 'end';
    },
  };
}

type ValuesFor = (trial: number, history: History) => Values;

const byCoordinates =
  ({ search, seed }: StrategyOptions): ValuesFor =>
  (trial) =>
    valuesOf(search, trial, seed);

/** Trials of a round that were asked for, done or not. */
const askedFor = ({ done, pending }: History, rung: number): Set<number> =>
  new Set([...done, ...pending].filter((one) => one.rung === rung).map(({ trial }) => trial));

const asked = (trial: number, rung: number, values: Values, { done }: History): Asked => ({
  trial,
  rung,
  values,
  known: done.length,
});

/** Tree-structured Parzen estimators over the trials of this search and of earlier ones. */
function byTpe({ search, seed, rank, aims, earlier }: StrategyOptions): ValuesFor {
  const ranges = Object.values(search.paths);
  const paths = Object.keys(search.paths);
  const dimensions = ranges.map((range) => ('choices' in range ? { choices: range.choices.length } : {}));
  const pointOf = (values: Values): Point =>
    paths.map((path, i) => (Object.hasOwn(values, path) ? coordinateOf(ranges[i], values[path]) : undefined));
  return (trial, { done, pending }) => {
    const known = [...earlier, ...done];
    if (known.length + pending.length < first) return valuesOf(search, trial, seed);
    const going = known.filter(({ failed }) => failed === undefined);
    const count = goodOf(known.length);
    const good = new Set(
      search.front ? bestByBoth(going.map(aims), count).map((i) => going[i]) : rank(going).slice(0, count),
    );
    // What is on its way counts as poor, so that machines side by side do not all try the same.
    const rest = [...known.filter((one) => !good.has(one)), ...pending];
    const points = (of: readonly { readonly values: Values }[]): Point[] =>
      of.map(({ values }) => pointOf(values));
    const u = tpe(dimensions, points(known.filter((one) => good.has(one))), points(rest), hash(seed, trial));
    return valuesBy(search.paths, (_, i) => u[i]);
  };
}

/** Round by round: a round begins when the one before is done. */
function halving({ rank }: StrategyOptions, rungs: readonly Rung[], values: ValuesFor): Strategy['next'] {
  return (history) => {
    let chosen = Array.from({ length: rungs[0].trials }, (_, trial) => trial);
    for (const rung of rungs.keys()) {
      const there = askedFor(history, rung);
      const trial = chosen.find((one) => !there.has(one));
      if (trial !== undefined) return asked(trial, rung, valuesAgain(history, trial, values), history);
      if (history.pending.some((one) => one.rung === rung)) return 'wait';
      const done = rank(history.done.filter((one) => one.rung === rung && chosen.includes(one.trial)));
      chosen = done.slice(0, rungs[rung + 1]?.trials ?? 0).map(({ trial }) => trial);
    }
    return 'end';
  };
}

/** The values that a trial had in the round before, or its first ones. */
function valuesAgain({ done }: History, trial: number, values: ValuesFor): Values {
  return done.find((one) => one.trial === trial)?.values ?? values(trial, { done, pending: [] });
}

/**
 * Asynchronous successive halving (Li et al. 2020): who is among the best third of those that are done in its round goes on to the
 * next, without waiting for the others; else a new one begins.
 */
function asynchronous(
  { rank, trials }: StrategyOptions,
  rungs: readonly Rung[],
  values: ValuesFor,
): Strategy['next'] {
  const top = rungs.length - 1;
  const best = (history: History, rung: number, least: number): Trial | undefined => {
    const done = rank(history.done.filter((one) => one.rung === rung));
    const there = askedFor(history, rung + 1);
    const going = done.slice(0, Math.max(least, Math.floor(done.length / eta)));
    return going.find(({ trial, failed }) => failed === undefined && !there.has(trial));
  };
  return (history) => {
    for (let rung = top - 1; rung >= 0; rung--) {
      const found = best(history, rung, 0);
      if (found !== undefined) return asked(found.trial, rung + 1, found.values, history);
    }
    const trial = askedFor(history, 0).size;
    if (trial < trials) return asked(trial, 0, values(trial, history), history);
    if (history.pending.length > 0) return 'wait';
    if (askedFor(history, top).size > 0) return 'end';
    // So few that no third is one: the best of the highest round there is goes on all the same.
    for (let rung = top - 1; rung >= 0; rung--) {
      const found = best(history, rung, 1);
      if (found !== undefined) return asked(found.trial, rung + 1, found.values, history);
    }
    return 'end';
  };
}
