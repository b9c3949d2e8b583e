import { describe, expect, it } from 'vitest';
import { bestByBoth, frontOf, hypervolume } from '../src/pipeline/search/front.js';
import { ranked, type Trial } from '../src/pipeline/search/rank.js';
import { checkSpace, coordinateOf, valuesOf } from '../src/pipeline/search/space.js';
import { type Asked, type History, strategyOf } from '../src/pipeline/search/strategy.js';
import type { Search } from '../src/recipe/schema.js';

const strategy = (search: Search, trials: number, earlier: Trial[] = []) =>
  strategyOf({
    search,
    trials,
    seed: 5,
    rank: (some) => ranked(some, search.maxError),
    aims: ({ error, bytes }) => [error, Math.log(bytes)],
    earlier,
  });

const result = (asked: Asked, error: number, bytes = 100): Trial => ({ ...asked, error, bytes, seconds: 1 });

/** Runs a strategy with so many hands; `pick` says which of those on their way is done next. */
function play(
  search: Search,
  trials: number,
  cost: (values: Asked['values'], rung: number) => [error: number, bytes: number],
  { width = 1, pick = (): number => 0, earlier = [] as Trial[] } = {},
): Trial[] {
  const { next } = strategy(search, trials, earlier);
  const history: { done: Trial[]; pending: Asked[] } = { done: [], pending: [] };
  for (let n = 0; ; n++) {
    const one = history.pending.length < width ? next(history) : 'wait';
    if (one === 'end' && history.pending.length === 0) return history.done;
    if (typeof one !== 'string') history.pending.push(one);
    else {
      const [asked] = history.pending.splice(pick() % history.pending.length, 1);
      history.done.push(result(asked, ...cost(asked.values, asked.rung)));
    }
    if (n > 100_000) throw new Error('it does not end');
  }
}

const paths = { x: { from: 0, to: 1 }, y: { from: 0, to: 1 } };
const bowl = ({ x, y }: Asked['values']): [number, number] => [
  0.1 + ((x as number) - 0.3) ** 2 + ((y as number) - 0.8) ** 2,
  100,
];

describe('tree-structured Parzen estimators', () => {
  it('come nearer than points that do not look at each other', () => {
    const five = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [name, { from: 0, to: 1 }]));
    const cost = (values: Asked['values']): [number, number] => [
      Object.values(values).reduce((sum: number, x, i) => sum + ((x as number) - 0.15 * (i + 1)) ** 2, 0) / 5,
      100,
    ];
    const best = (of: Search['strategy']): number =>
      Math.min(...play({ strategy: of, paths: five }, 100, cost).map(({ error }) => error));
    expect(best('tpe')).toBeLessThan(best('quasi-random') / 3);
    expect(best('tpe')).toBeLessThan(best('random') / 3);
  });

  it('try the same where the same is known: the record alone decides', () => {
    let state = 9;
    const pick = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state >>> 8;
    };
    const done = play({ strategy: 'tpe', paths }, 40, bowl, { width: 4, pick });
    expect(new Set(done.map(({ trial }) => trial)).size).toBe(40);
    const { next } = strategy({ strategy: 'tpe', paths }, 40);
    for (const trial of done) {
      const known = done.slice(0, trial.known);
      const before = [...done].sort((a, b) => a.trial - b.trial).filter((one) => one.trial < trial.trial);
      const pending = before.filter((one) => !known.includes(one)) as unknown as Asked[];
      expect(next({ done: known, pending })).toMatchObject({ trial: trial.trial, values: trial.values });
    }
  });

  it('begin with what earlier searches know', () => {
    const earlier = play({ strategy: 'quasi-random', paths }, 40, bowl);
    const errors = (of: Trial[]): number => Math.min(...of.map(({ error }) => error)) - 0.1;
    const few = play({ strategy: 'tpe', paths }, 8, bowl, { earlier });
    expect(errors(few)).toBeLessThan(errors(play({ strategy: 'quasi-random', paths }, 8, bowl)) / 2);
    expect(few[0].values).not.toEqual(valuesOf({ paths }, 0, 5));
  });

  it('find a front of two aims that is larger than that of even points', () => {
    // The front is x = 0.5: there y trades the one for the other.
    const cost = ({ x, y }: Asked['values']): [number, number] => {
      const off = ((x as number) - 0.5) ** 2;
      return [(y as number) + 4 * off, Math.exp(1 - (y as number) + 4 * off)];
    };
    const area = (search: Search): number =>
      hypervolume(
        play(search, 80, cost).map(({ error, bytes }) => [error, Math.log(bytes)] as const),
        [2, 2],
      );
    const both = area({ strategy: 'tpe', front: true, paths });
    expect(both).toBeGreaterThan(area({ strategy: 'quasi-random', paths }));
    expect(both).toBeGreaterThan(area({ strategy: 'tpe', paths }));
  });

  it('learn of a path under a condition from the trials in which it counts', () => {
    const space: Search['paths'] = {
      kind: { choices: ['plain', 'deep'] },
      depth: { from: 1, to: 100, integer: true, when: { kind: 'deep' } },
    };
    const done = play({ strategy: 'tpe', paths: space }, 60, ({ kind, depth }) => [
      kind === 'plain' ? 0.5 : Math.abs((depth as number) - 70) / 100,
      100,
    ]);
    for (const { values } of done) expect('depth' in values).toBe(values.kind === 'deep');
    expect(done.filter(({ values }) => values.kind === 'plain').length).toBeGreaterThan(0);
    const last = done.slice(40).filter(({ values }) => values.kind === 'deep');
    expect(last.length).toBeGreaterThan(12);
    expect(Math.min(...last.map(({ error }) => error))).toBeLessThan(0.03);
  });
});

describe('asynchronous successive halving', () => {
  const search: Search = { strategy: 'asynchronous-halving', paths };

  it('lets the best third of those that are done go on, with any number of hands', () => {
    for (const width of [1, 3, 8]) {
      let turn = 0;
      const done = play(search, 27, (values) => bowl(values), { width, pick: () => turn++ * 7 });
      const at = (rung: number): Trial[] => done.filter((one) => one.rung === rung);
      expect(at(0)).toHaveLength(27);
      expect(at(2).length).toBeGreaterThan(0);
      for (const rung of [1, 2]) {
        for (const one of at(rung)) {
          // When it was asked for, it was among the best third of what was known of the round before.
          const before = done.slice(0, one.known).filter((other) => other.rung === rung - 1);
          const third = ranked(before).slice(0, Math.floor(before.length / 3));
          expect(third.map(({ trial }) => trial)).toContain(one.trial);
          expect(one.values).toEqual(at(0).find(({ trial }) => trial === one.trial)?.values);
        }
      }
    }
  });

  it('begins new trials while others are on their way, and ends with one that had all epochs', () => {
    const { next } = strategy(search, 9);
    const pending: Asked[] = [];
    for (let i = 0; i < 9; i++) pending.push(next({ done: [], pending } as History) as Asked);
    expect(pending.map(({ trial }) => trial)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(next({ done: [], pending })).toBe('wait');
    const done = play(search, 4, (values) => bowl(values));
    expect(Math.max(...done.map(({ rung }) => rung))).toBe(strategy(search, 4).rungs.length - 1);
  });
});

describe('two aims', () => {
  const points = [
    [1, 4],
    [2, 2],
    [4, 1],
    [3, 3],
    [5, 5],
  ] as const;
  it('have a front, and an area by hand', () => {
    expect(frontOf(points)).toEqual([0, 1, 2]);
    expect(frontOf([...points, [2, 2]])).toEqual([0, 1, 2, 5]);
    // (5-1)*1 + (5-2)*2 + (5-4)*1
    expect(hypervolume(points, [5, 5])).toBe(11);
    expect(hypervolume([], [5, 5])).toBe(0);
  });
  it('choose front after front, and of one what spreads', () => {
    expect(bestByBoth(points, 3).sort()).toEqual([0, 1, 2]);
    expect(bestByBoth(points, 4)).toContain(3);
    expect(bestByBoth(points, 1)).toEqual([1]); // The middle one has most area by itself.
  });
});

describe('conditions', () => {
  it.each([
    [{ b: { from: 0, to: 1, when: { a: 1 } } }, /no path before it is 'a'/],
    [{ alpha: { choices: [1, 2] }, b: { from: 0, to: 1, when: { alphas: 1 } } }, /Did you mean 'alpha'/],
    [{ a: { choices: [1, 2] }, b: { from: 0, to: 1, when: { a: 3 } } }, /a is never 3/],
    [{ a: { choices: [1, 2] }, b: { from: 0, to: 1, when: { a: [] } } }, /a is never/],
  ])('that cannot hold are refused: %j', (space, message) => {
    expect(() => checkSpace({ paths: space as Search['paths'] })).toThrow(message);
  });

  it('on what does not count itself do not hold', () => {
    const space: Search['paths'] = {
      a: { choices: [1, 2] },
      b: { choices: [1, 2], when: { a: 2 } },
      c: { from: 0, to: 1, when: { b: [1, 2] } },
    };
    checkSpace({ paths: space });
    for (let trial = 0; trial < 30; trial++) {
      const values = valuesOf({ paths: space }, trial, 1);
      expect('b' in values).toBe(values.a === 2);
      expect('c' in values).toBe('b' in values);
    }
  });
});

it('a value is where its coordinate is', () => {
  const space: Search['paths'] = {
    l: { from: 1e-4, to: 1, scale: 'log' },
    i: { from: 2, to: 5, integer: true },
    n: { from: 8, to: 512, integer: true, scale: 'log' },
    c: { choices: ['a', { b: 1 }, [2]] },
  };
  for (let trial = 0; trial < 50; trial++) {
    const values = valuesOf({ paths: space }, trial, 2);
    for (const [path, range] of Object.entries(space)) {
      const u = coordinateOf(range, values[path]) as number;
      const again = valuesOf({ paths: { [path]: range } }, 0, 0); // of another place
      expect(u).toBeGreaterThanOrEqual(0);
      expect(u).toBeLessThanOrEqual(1);
      expect(coordinateOf(range, again[path])).toBeDefined();
    }
  }
  expect(coordinateOf(space.l, 0.01)).toBeCloseTo(0.5, 6);
  expect(coordinateOf(space.i, 2)).toBeCloseTo(0.125, 6);
  expect(coordinateOf(space.c, { b: 1 })).toBeCloseTo(0.5, 6);
  expect([coordinateOf(space.l, 2), coordinateOf(space.c, 'd')]).toEqual([undefined, undefined]);
});
