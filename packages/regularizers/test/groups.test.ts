import { type Parameter, type Pruner, Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import {
  groupLasso,
  groupVariance,
  type PenalisedStructure,
  type PenalisedStructureOptions,
  type WeightPenaltySession,
} from '../src/index.js';
import { checkGradient, gradientOf, penalising, penaltyOf, read, set, zoo } from './gradients.js';

/** The group of each element by its position, written down independently of the implementation. */
type Key = (position: readonly number[], parameter: Parameter) => string;

function positions(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (all, d) => all.flatMap((p) => Array.from({ length: d }, (_, i) => [...p, i])),
    [[]],
  );
}

/** Norms and sizes of the groups of these parameters. */
function groupsOf(of: readonly Parameter[], key: Key): { norm: number; size: number; elements: number[] }[] {
  const groups = new Map<string, number[]>();
  for (const p of of) {
    const values = read(p);
    for (const [i, position] of positions(p.shape).entries()) {
      const name = key(position, p);
      groups.set(name, [...(groups.get(name) ?? []), values[i]]);
    }
  }
  return [...groups.values()].map((elements) => ({
    norm: Math.sqrt(elements.reduce((sum, w) => sum + w * w, 0)),
    size: elements.length,
    elements,
  }));
}

const cases: [string, string | string[], PenalisedStructureOptions, Key][] = [
  ['filters of a convolution', 'conv/kernel', { structure: 'filters' }, ([, , , o]) => `${o}`],
  ['channels of a convolution', 'conv/kernel', { structure: 'channels' }, ([, , i]) => `${i}`],
  ['kernels of a convolution', 'conv/kernel', { structure: 'kernels' }, ([, , i, o]) => `${i},${o}`],
  ['filters of a transposed convolution', 'up/kernel', { structure: 'filters' }, ([, , o]) => `${o}`],
  ['channels of a transposed convolution', 'up/kernel', { structure: 'channels' }, ([, , , i]) => `${i}`],
  ['filters of a depthwise kernel', 'depth/*_kernel', { structure: 'filters' }, ([, , i, m]) => `${i},${m}`],
  ['channels of a depthwise kernel', 'depth/*_kernel', { structure: 'channels' }, ([, , i]) => `${i}`],
  ['rows of a matrix', 'fc/kernel', { structure: 'rows' }, ([i]) => `${i}`],
  ['columns of a matrix', 'fc/kernel', { structure: 'columns' }, ([, o]) => `${o}`],
  ['units of a dense layer with its bias', 'fc/*', { structure: 'units' }, (p) => `${p.at(-1)}`],
  ['units of an LSTM over its gates', 'lstm/*', { structure: 'units' }, (p) => `${p.at(-1)! % 2}`],
  ['filters of an LSTM', 'lstm/kernel', { structure: 'filters' }, ([, o]) => `${o}`],
  ['whole layers', ['fc/kernel', 'conv/kernel'], { structure: 'layer' }, (_, p) => p.name],
  ['single weights', 'fc/kernel', { structure: 'elements' }, (p) => `${p}`],
  [
    'blocks that fit',
    'lstm/kernel',
    { structure: 'blocks', block: [3, 4] },
    ([i, o]) => `${(i / 3) | 0},${(o / 4) | 0}`,
  ],
  [
    'blocks cut off at the edge',
    'fc/kernel',
    { structure: 'blocks', block: [2, 2] },
    ([i, o]) => `${i >> 1},${o >> 1}`,
  ],
  [
    'blocks of a convolution',
    'conv/kernel',
    { structure: 'blocks', block: [2, 2] },
    ([y, x, i, o]) => `${y},${x},${i >> 1},${o >> 1}`,
  ],
];

describe.each(cases)('%s', (_, selector, grouping, key) => {
  const run = zoo();
  const of = run.select(selector);
  const groups = groupsOf(of, key);

  it('group lasso: value and gradient', () => {
    const plain = groups.reduce((sum, { norm }) => sum + norm, 0);
    const bySize = groups.reduce((sum, { norm, size }) => sum + Math.sqrt(size) * norm, 0);
    const session = penalising(groupLasso({ strength: 0.4, ...grouping }), of);
    expect(penaltyOf(session)).toBeCloseTo(0.4 * bySize, 4);
    checkGradient(session, of);
    const unweighted = penalising(groupLasso({ strength: 0.4, weighted: false, ...grouping }), of);
    expect(penaltyOf(unweighted)).toBeCloseTo(0.4 * plain, 4);
    checkGradient(unweighted, of);
  });

  it('thresholds: prunes whole groups by the mean or the maximum of |w|', () => {
    for (const criterion of ['meanAbs', 'max'] as const) {
      const magnitude = ({ elements }: { elements: number[] }): number =>
        criterion === 'max'
          ? Math.max(...elements.map(Math.abs))
          : elements.reduce((sum, w) => sum + Math.abs(w), 0) / elements.length;
      const sorted = groups.map(magnitude).sort((a, b) => a - b);
      const middle = Math.max(0, Math.floor(sorted.length / 2) - 1);
      const threshold = sorted.length === 1 ? sorted[0] / 2 : (sorted[middle] + sorted[middle + 1]) / 2;
      const plugin = groupLasso({ strength: 1, threshold, criterion, ...grouping });
      const session = plugin.start(run, of) as WeightPenaltySession;
      const before = tf.memory().numTensors;
      const masks = session.masks!();
      const kept = [...masks.values()].reduce(
        (sum, mask) => sum + [...mask.dataSync()].filter((m) => m === 1).length,
        0,
      );
      const expected = groups
        .filter((g) => magnitude(g) > threshold)
        .reduce((sum, { size }) => sum + size, 0);
      expect(kept).toBe(expected);
      expect([...masks].map(([p, mask]) => `${p.name} ${mask.shape}`)).toEqual(
        of.map((p) => `${p.name} ${p.shape}`),
      );
      tf.dispose([...masks.values()]);
      expect(tf.memory().numTensors).toBe(before);
    }
  });
});

describe('group lasso', () => {
  it('has gradient 0, not NaN, in groups that are 0', () => {
    const [p] = zoo().select('fc/kernel');
    set(p, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
    const [g] = gradientOf(penalising(groupLasso({ strength: 1, structure: 'columns' }), [p]), [p]);
    expect(g.every(Number.isFinite)).toBe(true);
    expect([g[0], g[5], g[10]]).toEqual([0, 0, 0]);
  });

  it('refuses what it cannot honour', () => {
    const run = zoo();
    const make = (structure: PenalisedStructure) => groupLasso({ strength: 1, structure });
    expect(() => make('filter' as never)).toThrow("Did you mean 'filters'?");
    expect(() => make('blocks')).toThrow('block is undefined');
    expect(() => groupLasso({ strength: 1, structure: 'rows', block: [2] })).toThrow("structure is 'rows'");
    expect(() => groupLasso({ strength: 1, structure: 'rows', criterion: 'max' })).toThrow(
      'without a threshold',
    );
    expect(() => penalising(make('rows'), run.select('conv/kernel'))).toThrow(
      'conv/kernel of shape [2,2,2,3] has no rows',
    );
    expect(() => penalising(make('kernels'), run.select('fc/kernel'))).toThrow('has no kernels');
    expect(() => penalising(make('channels'), run.select('fc/bias'))).toThrow('has no channels');
    const blocks = groupLasso({ strength: 1, structure: 'blocks', block: [1, 2, 2] });
    expect(() => penalising(blocks, run.select('fc/kernel'))).toThrow('does not fit fc/kernel');
    expect(() => make('rows').check?.(run, run.select('conv/kernel'))).toThrow('has no rows');
    expect(() => make('rows').start(run, run.select('conv/kernel'))).toThrow('has no rows');
    const unknown = { ...run.parameter('fc/kernel'), axes: { spatial: [], gates: 1 } };
    expect(() => penalising(make('filters'), [unknown])).toThrow('has no filters');
    const cubes = groupLasso({ strength: 1, structure: 'blocks', block: [1, 2, 2, 2] });
    expect(() => penalising(cubes, run.select('conv/kernel'))).toThrow('have 7 dimensions');
    const strength = { 'fc/kernel': 1, 'fc/bias': 2 };
    expect(() => penalising(groupLasso({ strength, structure: 'units' }), run.select('fc/*'))).toThrow(
      'differ in strength',
    );
  });
});

it.each([
  [{ strength: 1, structure: 'rows', treshold: 1 }, "'threshold'"],
  [{ strength: -1, structure: 'rows' }, 'strength is -1'],
  [{ strength: { '**': 'much' }, structure: 'rows' }, 'strength'],
  [{ strength: 1, structure: 'rows', threshold: -0.1 }, 'threshold is -0.1'],
  [{ strength: 1, structure: 'rows', threshold: 0.1, criterion: 'mean' }, "no criterion 'mean'"],
])('group lasso and variance refuse %j', (options, message) => {
  expect(() => groupLasso(options as never)).toThrow(message);
  expect(() => groupVariance(options as never)).toThrow(message);
});

it('units are those of tensors that have as many', () => {
  const separable = tfl.layers.separableConv2d({
    name: 'sep',
    filters: 3,
    kernelSize: 2,
    inputShape: [4, 4, 2],
  });
  const run = new Run(tfl.sequential({ layers: [separable] }));
  expect(() =>
    penalising(groupLasso({ strength: 1, structure: 'units' }), run.select('sep/*kernel')),
  ).toThrow('sep/depthwise_kernel has 2 units but sep/pointwise_kernel has 3');
  run.dispose();
});

describe('thresholds', () => {
  it('leave what a stage before has pruned pruned, whatever its groups were', () => {
    const run = zoo();
    const [p] = run.select('fc/kernel');
    const before = tf.memory().numTensors;
    set(p, [0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1]);
    for (const structure of ['columns', 'rows'] as const) {
      run.prune(groupLasso({ strength: 1, structure, threshold: 0.5 }) as Pruner, p.name);
    }
    set(p, new Array(15).fill(1));
    run.applyMasks();
    expect(read(p)).toEqual([0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1, 1, 1]);
    run.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('group variance', () => {
  it.each([
    ['conv/kernel', { structure: 'channels' }, ([, , i]: readonly number[]) => `${i}`],
    ['conv/kernel', { structure: 'filters' }, ([, , , o]: readonly number[]) => `${o}`],
    ['lstm/*', { structure: 'units' }, (p: readonly number[]) => `${p.at(-1)! % 2}`],
  ] as const)('of %s, %j: λ over the unbiased variance of the norms', (selector, grouping, key) => {
    const of = zoo().select(selector);
    const norms = groupsOf(of, key).map(({ norm }) => norm);
    const mean = norms.reduce((a, b) => a + b) / norms.length;
    const variance = norms.reduce((sum, n) => sum + (n - mean) ** 2, 0) / (norms.length - 1);
    const session = penalising(groupVariance({ strength: 0.01, ...grouping }), of);
    expect(penaltyOf(session) / (0.01 / variance)).toBeCloseTo(1, 3);
  });

  it('has the gradient of its formula, and stays finite when all norms are equal', () => {
    const [p] = zoo().select('fc/kernel');
    set(p, [1, 0.2, 0.5, -0.7, 0.9, 0.3, -0.2, 0.4, 0.1, 0.8, -1, 0.6, 0.5, 0.7, 0.25]);
    checkGradient(penalising(groupVariance({ strength: 0.1, structure: 'columns' }), [p]), [p]);
    set(p, new Array(15).fill(0.5));
    const [g] = gradientOf(penalising(groupVariance({ strength: 0.1, structure: 'columns' }), [p]), [p]);
    expect(g.every(Number.isFinite)).toBe(true);
    const single = groupVariance({ strength: 1, structure: 'layer' });
    expect(() => single.check?.(zoo(), [p])).toThrow('a single group');
    expect(() => single.start(zoo(), [p])).toThrow('a single group');
  });
});
