import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { agp, level } from '../src/index.js';
import { count, mask, normalRun, runOf, weights, write } from './models.js';

describe('level', () => {
  it('prunes round(s·n) weights, halves to even', () => {
    for (const [n, sparsity, pruned] of [
      [5, 0.5, 2],
      [7, 0.5, 4],
      [10, 0.25, 2],
      [10, 0.35, 4],
      [35, 0.3, 10],
      [1, 0.5, 0],
    ] as const) {
      const run = normalRun(n, 1);
      run.prune(level({ sparsity }));
      expect(count(mask(run), 0)).toBe(pruned);
    }
  });

  it('takes the smallest magnitudes', () => {
    const run = normalRun(50, 40);
    const before = weights(run).map(Math.abs);
    run.prune(level({ sparsity: 0.7 }));
    const kept = mask(run);
    const largestPruned = Math.max(...before.filter((_, i) => kept[i] === 0));
    const smallestKept = Math.min(...before.filter((_, i) => kept[i] === 1));
    expect(count(kept, 0)).toBe(1400);
    expect(largestPruned).toBeLessThan(smallestKept);
  });

  it('breaks ties by index and keeps the count exact', () => {
    const run = runOf([[1, -1, 1, 1, -1, 1, 1, 1, 1, 1]]);
    run.prune(level({ sparsity: 0.3 }));
    expect(mask(run)).toEqual([0, 0, 0, 1, 1, 1, 1, 1, 1, 1]);
  });

  it('keeps what is pruned pruned, even among weights that are 0 by chance', () => {
    const run = runOf([[5, 0.1, 0.2, 3]]);
    run.prune(level({ sparsity: 0.5 }));
    write(run.parameter('fc0/kernel'), [0, 0, 0, 3]);
    run.prune(level({ sparsity: 0.5 }));
    expect(mask(run)).toEqual([1, 0, 0, 1]);
    run.prune(level({ sparsity: 0.25 }));
    expect(mask(run)).toEqual([1, 0, 0, 1]);
  });

  it('ranks globally, with a floor for each tensor', () => {
    const large = [[10, 11, 12, 13, 14, 15, 16, 17]];
    const small = [[1, 2, 3, 4]];
    const without = runOf(large, small);
    without.prune(level({ sparsity: 0.5, scope: 'global', floor: 0 }));
    expect(mask(without)).toEqual([0, 0, 1, 1, 1, 1, 1, 1]);
    expect(mask(without, 'fc1/kernel')).toEqual([0, 0, 0, 0]);
    const withFloor = runOf(large, small);
    withFloor.prune(level({ sparsity: 0.5, scope: 'global', floor: 0.5 }));
    expect(mask(withFloor, 'fc1/kernel')).toEqual([0, 0, 1, 1]);
    expect(count(mask(withFloor), 0)).toBe(4);
    const byDefault = runOf(large, small);
    byDefault.prune(level({ sparsity: 0.5, scope: 'global' }));
    expect(mask(byDefault, 'fc1/kernel')).toEqual([0, 0, 0, 1]);
  });

  it('honours floors the same for one tensor as for two', () => {
    const ten = [[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]];
    for (const run of [runOf(ten), runOf(ten, ten)]) {
      // 0.9 leaves 1 of 10, the floor wants 5 of each: refused, before anything is trained.
      const much = level({ sparsity: 0.9, scope: 'global', floor: 0.5 });
      const message = 'but their floors need';
      expect(() => much.check?.(run, run.select())).toThrow(message);
      expect(() => run.start(much)).toThrow(message);
      const gradual = agp({ final: 0.9, scope: 'global', floor: 0.5 });
      expect(() => gradual.check?.(run, run.select())).toThrow(message);
      // Unasked for, the floor is one weight: 0.97 would leave none.
      expect(() => run.prune(level({ sparsity: 0.97, scope: 'global' }))).toThrow(message);
      run.prune(level({ sparsity: 0.5, scope: 'global', floor: 0.5 }));
      expect(run.select().map(({ name }) => count(mask(run, name), 1))).toEqual(run.select().map(() => 5));
      run.prune(level({ sparsity: 0.97, scope: 'global', floor: 0 }));
      expect(
        run
          .select()
          .flatMap(({ name }) => mask(run, name))
          .filter(Boolean).length,
      ).toBe(run.select().length - 1);
    }
  });

  it('takes floor 0 for no floor: a tensor of small weights goes as a whole', () => {
    const run = runOf([[1, 2]], [[3, 4]]);
    run.prune(level({ sparsity: 0.5, scope: 'global', floor: 0 }));
    expect([mask(run), mask(run, 'fc1/kernel')]).toEqual([
      [0, 0],
      [1, 1],
    ]);
    const all = runOf([[1, 2]], [[3, 4]]);
    all.prune(level({ sparsity: 1, scope: 'global' }));
    expect([...mask(all), ...mask(all, 'fc1/kernel')]).toEqual([0, 0, 0, 0]);
  });

  it('ranks tensors of different scale by layer-normalised scores', () => {
    const a = normalRun(30, 20, 3);
    const big = weights(a).map((w) => [100 * w]);
    const small = weights(a).map((w) => [w]);
    const run = runOf(big, small);
    run.prune(level({ sparsity: 0.6, scope: 'global', criterion: 'layer-normalised' }));
    expect(count(mask(run), 0)).toBe(360);
    expect(count(mask(run, 'fc1/kernel'), 0)).toBe(360);
  });

  it('ranks groups, each on its own', () => {
    const run = runOf([[1, 2, 3, 4]], [[5, 6, 7, 8]], [[1, 2, 3, 4]]);
    const groups = ['fc2/*', ['fc0/*', 'fc1/*']];
    run.prune(level({ sparsity: 0.5, scope: 'group', groups, floor: 0 }));
    expect(mask(run)).toEqual([0, 0, 0, 0]);
    expect(mask(run, 'fc1/kernel')).toEqual([1, 1, 1, 1]);
    expect(mask(run, 'fc2/kernel')).toEqual([0, 0, 1, 1]);
  });

  it('takes a sparsity for each parameter', () => {
    const run = runOf([[1, 2, 3, 4]], [[1, 2, 3, 4]], [[1, 2, 3, 4]]);
    run.prune(level({ sparsity: { '**': 0.5, 'fc1/kernel': 0.25, 'fc2/*': 0.75 } }));
    // The first matching glob counts, a full name goes before any.
    expect(count(mask(run), 0)).toBe(2);
    expect(count(mask(run, 'fc1/kernel'), 0)).toBe(1);
    expect(count(mask(run, 'fc2/kernel'), 0)).toBe(2);
    const byFunction = runOf([[1, 2, 3, 4]]);
    byFunction.prune(level({ sparsity: (p, at) => p.size / 8 / at.count }));
    expect(count(mask(byFunction), 0)).toBe(2);
  });

  it('leaves no tensors behind but the masks', () => {
    const run = normalRun(20, 10);
    const pruner = level({ sparsity: 0.5, block: [2, 2] });
    run.prune(pruner);
    const before = tf.memory().numTensors;
    for (let i = 0; i < 3; i++) run.prune(pruner);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses what it cannot honour', () => {
    const run = runOf([[1, 2]], [[3, 4]]);
    const code = (work: () => unknown): string => {
      try {
        work();
      } catch (error) {
        return (error as { code: string }).code;
      }
      return 'none';
    };
    expect(() => level({ sparsty: 0.5 } as never)).toThrow("Did you mean 'sparsity'?");
    expect(code(() => level({ sparsity: 1.5 }))).toBe('invalid-option');
    expect(code(() => level({} as never))).toBe('invalid-option');
    expect(() => level({ sparsity: 0.5, criterion: 'magnitud' as never })).toThrow(
      "Did you mean 'magnitude'?",
    );
    expect(code(() => level({ sparsity: 0.5, scope: 'group' }))).toBe('invalid-option');
    expect(code(() => level({ sparsity: 0.5, floor: 0.1 }))).toBe('invalid-option');
    expect(code(() => level({ sparsity: 0.5, block: [0] }))).toBe('invalid-option');
    expect(code(() => level({ sparsity: 0.5, compat: 'distiller', scope: 'global' }))).toBe('invalid-option');
    expect(() => run.prune(level({ sparsity: { 'fc0/kernl': 0.5 } }))).toThrow("Did you mean 'fc0/kernel'?");
    expect(() => run.prune(level({ sparsity: { 'fc0/kernel': 0.5 } }))).toThrow('no value for fc1/kernel');
    expect(() => run.prune(level({ sparsity: 0.9, scope: 'global', floor: 1 }))).toThrow('floors need 2');
    const both = { 'fc0/*': 0.1, 'fc1/*': 0.2 };
    expect(() => run.prune(level({ sparsity: both, scope: 'global' }))).toThrow('ranked together');
    const overlapping = { scope: 'group' as const, groups: ['fc0/*', '**'] };
    expect(() => run.prune(level({ sparsity: 0.5, ...overlapping }))).toThrow('in two groups');
    // The same before anything is trained.
    for (const pruner of [
      level({ sparsity: both, scope: 'global' }),
      level({ sparsity: 0.5, ...overlapping }),
    ]) {
      expect(code(() => pruner.check?.(run, run.select()))).toBe('invalid-option');
      expect(code(() => run.start(pruner))).toBe('invalid-option');
    }
    expect(code(() => level({ sparsity: 0.5, block: [1, 1, 1] }).check?.(run, run.select()))).toBe(
      'invalid-option',
    );
    write(run.parameter('fc0/kernel'), [Number.NaN, 1]);
    expect(code(() => run.prune(level({ sparsity: 0.5 })))).toBe('not-finite');
  });
});
