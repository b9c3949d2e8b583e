import { blocksOf } from '@espalier/core';
import { describe, expect, it } from 'vitest';
import * as pruners from '../src/index.js';
import { blockScores, spread } from '../src/internal/blocks.js';
import { distribution } from '../src/internal/moments.js';
import { mask, runOf } from './models.js';

const { agp, baiduRnn, level, magnitude, nm, random, sensitivity, splicing } = pruners;

describe('options', () => {
  /** Factories with options that are right, and values that are not, by option. */
  const all: [string, (options: never) => unknown, object, Record<string, readonly unknown[]>][] = [
    [
      'level',
      level,
      { sparsity: 0.5 },
      { sparsity: [-0.1, 1.1, undefined, Number.NaN, { a: 2 }], scope: ['all'] },
    ],
    [
      'agp',
      agp,
      { final: 0.5 },
      { final: [-0.1, 1.1, undefined], initial: [-0.1, 1.1], power: [0, -1], floor: [1], scope: ['all'] },
    ],
    [
      'random',
      random,
      { sparsity: 0.5 },
      { sparsity: [-0.1, 1.1, undefined], seed: [0.5], scope: ['all'], criterion: ['magnitude'] },
    ],
    ['magnitude', magnitude, { threshold: 1 }, { threshold: [-1, undefined, Number.POSITIVE_INFINITY] }],
    ['sensitivity', sensitivity, { sensitivity: 1 }, { sensitivity: [-1, undefined], measure: ['twice'] }],
    [
      'splicing',
      splicing,
      { sensitivity: 1 },
      { sensitivity: [undefined, Number.NaN], low: [-1], high: [0.5], growth: [-1] },
    ],
    [
      'baiduRnn',
      baiduRnn,
      { q: 1 },
      { q: [-1], quantile: [0.5], rampOffset: [-1], rampSlope: [0, -1], compat: ['torch'] },
    ],
    ['baiduRnn', baiduRnn, { quantile: 0.5 }, { quantile: [-0.1, 1.1] }],
    ['nm', nm, { n: 2, m: 4 }, { n: [0, 5, 1.5], m: [1, 4.5], criterion: ['best'], seed: [0.5] }],
  ];

  it.each(all)('%s refuses what is out of range, and what there is not', (_, make, right, wrong) => {
    expect(() => make(right as never)).not.toThrow();
    for (const [option, values] of Object.entries(wrong))
      for (const value of values) expect(() => make({ ...right, [option]: value } as never)).toThrow(option);
    expect(() => make({ ...right, sparsty: 1 } as never)).toThrow("no option 'sparsty'");
  });

  it('at the ends of their ranges are taken', () => {
    for (const sparsity of [0, 1]) {
      expect(() => level({ sparsity })).not.toThrow();
      expect(() => random({ sparsity })).not.toThrow();
      expect(() => agp({ initial: sparsity, final: sparsity })).not.toThrow();
      expect(() => baiduRnn({ quantile: sparsity })).not.toThrow();
    }
    expect(() => magnitude({ threshold: 0 })).not.toThrow();
    expect(() => sensitivity({ sensitivity: 0 })).not.toThrow();
    expect(() => splicing({ sensitivity: -3, low: 0, high: 0, growth: 0 })).not.toThrow();
    expect(() => baiduRnn({ q: 0, rampOffset: 0 })).not.toThrow();
  });

  it('that do not go together are refused by what is wrong with them', () => {
    const run = runOf([[1, 2]], [[3, 4]]);
    const groups = ['fc0/*'];
    expect(() => level({ sparsity: 0.5, scope: 'group' })).toThrow('but there are no groups');
    expect(() => level({ sparsity: 0.5, groups })).toThrow("groups are given but scope is 'tensor'");
    expect(() => run.prune(level({ sparsity: 0.5, scope: 'group', groups }))).toThrow(
      'fc1/kernel is in none of the groups',
    );
    expect(() => run.prune(level({ sparsity: 0.5, scope: 'group', groups: ['**', ...groups] }))).toThrow(
      'fc0/kernel is in two groups',
    );
    const sparsity = { 'fc0/kernel': 0.5, 'fc1/kernel': 0.25 };
    expect(() => run.prune(level({ sparsity, scope: 'global' }))).toThrow(
      'fc0/kernel and fc1/kernel are ranked together but have sparsities 0.5 and 0.25',
    );
    for (const along of [-1, 0.5, 'across' as 'in']) {
      expect(() => nm({ n: 1, m: 2, along })).toThrow('along is');
    }
  });

  it('floor: the best of a tensor stays, also where it comes first', () => {
    const run = runOf([[0.1, 0.05]], [[5, 6]]);
    run.prune(level({ sparsity: 0.5, scope: 'global', floor: 1 }));
    expect([mask(run, 'fc0/kernel'), mask(run, 'fc1/kernel')]).toEqual([
      [1, 0],
      [0, 1],
    ]);
  });

  it('along 0: n of m go along the first dimension', () => {
    const run = runOf([
      [1, 4],
      [3, 2],
    ]);
    run.prune(nm({ n: 1, m: 2, along: 0 }));
    expect(mask(run)).toEqual([0, 1, 1, 0]);
  });

  it('that are functions are held to their ranges when they are asked', () => {
    const run = runOf([[1, 2, 3]]);
    expect(() => run.prune(level({ sparsity: () => 1.5 }))).toThrow('sparsity of fc0/kernel is 1.5');
    expect(() => run.prune(random({ sparsity: () => 1.5 }))).toThrow('sparsity of fc0/kernel is 1.5');
    expect(() => run.prune(agp({ final: () => 1.5 }))).toThrow('final of fc0/kernel is 1.5');
    expect(() => run.prune(magnitude({ threshold: () => -1 }))).toThrow('threshold of fc0/kernel is -1');
    expect(() => run.prune(baiduRnn({ quantile: () => 1.5 }))).toThrow('quantile of fc0/kernel is 1.5');
  });
});

describe('distribution', () => {
  const of = (values: readonly number[]) => distribution('w', values, (w) => (w === 0 ? undefined : w));

  it('is the mean and the unbiased deviation of what counts', () => {
    expect(of([1, 2, 3, 4])).toEqual({ mean: 2.5, deviation: Math.sqrt(5 / 3) });
    expect(of([0, 1, 0, 3])).toEqual({ mean: 2, deviation: Math.sqrt(2) });
    expect(of([5])).toEqual({ mean: 5, deviation: 0 });
    expect(of([0, 7])).toEqual({ mean: 7, deviation: 0 });
    expect(of([0])).toEqual({ mean: 0, deviation: 0 });
    expect(of([1e9 + 1, 1e9 + 2, 1e9 + 3])).toEqual({ mean: 1e9 + 2, deviation: 1 });
  });

  it('is not known of what is not finite', () => {
    expect(() => of([1, Number.POSITIVE_INFINITY])).toThrow('w has weights that are not finite');
    expect(() => of([Number.NaN])).toThrow('not finite');
  });
});

describe('scores of blocks', () => {
  const kernel = runOf([
    [0, 0, 0],
    [0, 0, 0],
  ]).parameter('fc0/kernel');

  it('are means over what they have, with nothing for what is gone', () => {
    const blocks = blocksOf('x', kernel, [1, 2]); // pairs of a row, and its last one
    const gone = Number.NEGATIVE_INFINITY;
    expect([...blockScores(blocks, Float32Array.of(1, 3, 5, gone, 4, gone))]).toEqual([2, 5, 2, gone]);
    expect([...blockScores(blocks, Float32Array.of(gone, gone, 0, -1, -3, 1))]).toEqual([gone, 0, -2, 1]);
    expect([...spread(blocks, Float32Array.of(0, 1, 1, 0))]).toEqual([0, 0, 1, 1, 1, 0]);
  });
});
