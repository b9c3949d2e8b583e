import { once } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { magnitude, sensitivity } from '../src/index.js';
import { count, mask, normalRun, runOf, saved, start, weights, write } from './models.js';

describe('magnitude', () => {
  it('keeps |w| > threshold; what is pruned stays pruned', () => {
    const run = runOf([[0.5, -0.5, 0.6, -0.1, 2]], [[0.5, 3]]);
    run.prune(magnitude({ threshold: { '**': 0.5, 'fc1/kernel': 0.1 } }));
    expect(mask(run)).toEqual([0, 0, 1, 0, 1]);
    expect(mask(run, 'fc1/kernel')).toEqual([1, 1]);
    write(run.parameter('fc0/kernel'), [0, 0, 0.4, 0, 2]);
    run.prune(magnitude({ threshold: { '**': 0.5, 'fc1/kernel': 0.1 } }));
    expect(mask(run)).toEqual([0, 0, 0, 0, 1]);
  });

  it('freezes the zeros of a sparse model with threshold 0', () => {
    const run = runOf([[0, 1e-30, -2, 0]]);
    run.prune(magnitude({ threshold: 0 }));
    expect(mask(run)).toEqual([0, 1, 1, 0]);
  });

  it('refuses a negative threshold', () => {
    expect(() => magnitude({ threshold: -1 })).toThrow('threshold is -1');
    expect(() => magnitude({ threshold: { a: -1 } })).toThrow('threshold is {"a":-1}');
  });
});

describe('sensitivity', () => {
  it('prunes about 68 % of normal weights at s = 1', () => {
    const run = normalRun(100, 100);
    run.prune(sensitivity({ sensitivity: 1 }));
    expect(Math.abs(count(mask(run), 0) / 10_000 - 0.6827)).toBeLessThan(0.02);
  });

  it('measures σ once, and goes on with the σ it measured', () => {
    const run = normalRun(50, 50);
    const pruner = sensitivity({ sensitivity: 0.5 });
    const running = start(run, pruner);
    running.fire();
    const first = mask(run);
    running.fire();
    expect(mask(run)).toEqual(first); // the same threshold on the same weights
    const resumed = start(run, pruner, saved(running));
    expect(saved(resumed)).toEqual(saved(running));
    write(
      run.parameter('fc0/kernel'),
      weights(run).map((w) => w / 2),
    );
    const [a, b] = [running, resumed].map(({ session }) => {
      const masks = session.masks(once()) as Map<unknown, tf.Tensor>;
      return [...masks.values()][0].dataSync();
    });
    expect(a).toEqual(b);
    expect(count([...a], 0)).toBeGreaterThan(count(first, 0)); // weights that shrank are caught
  });

  it('measures anew in each session that is given no state', () => {
    const run = runOf([[1, -1, 3, -3]]);
    const pruner = sensitivity({ sensitivity: { 'fc0/*': 0.5 } }); // σ = 2.58
    const running = start(run, pruner);
    running.fire();
    expect(mask(run)).toEqual([0, 0, 1, 1]);
    const state = saved(running);
    write(run.parameter('fc0/kernel'), [0, 0, 1.2, -3]);
    start(run, pruner, state).fire();
    expect(mask(run)).toEqual([0, 0, 0, 1]);
    const other = runOf([[0.1, -0.1, 0.3, -0.3]]);
    other.prune(pruner);
    expect(mask(other)).toEqual([0, 0, 1, 1]);
    const named = sensitivity({ sensitivity: { 'fc1/*': 0.5 } });
    expect(() => named.check?.(run, run.select())).toThrow("no parameter 'fc1/*'");
  });

  it.each([
    ['another pruner', { json: { q: { 'fc0/kernel': 1 } } }],
    ['no numbers', { json: { sigmas: { 'fc0/kernel': 'wide' } } }],
    ['nothing', {}],
  ])('refuses a state of %s', (_, state) => {
    expect(() => start(runOf([[1, 2]]), sensitivity({ sensitivity: 1 }), state)).toThrow(
      expect.objectContaining({ code: 'bad-state' }),
    );
  });

  it("measures σ again at every firing, on the survivors: Han's iterative pruning", () => {
    const run = normalRun(100, 100);
    const pruner = sensitivity({ sensitivity: 0.5, measure: 'always' });
    const counts = [0, 1, 2].map(() => {
      const left = weights(run).filter((w) => w !== 0);
      const mean = left.reduce((a, b) => a + b) / left.length;
      const sigma = Math.sqrt(left.reduce((a, w) => a + (w - mean) ** 2, 0) / (left.length - 1));
      const expected = weights(run).filter((w) => Math.abs(w) <= 0.5 * sigma).length;
      run.prune(pruner);
      expect(count(mask(run), 0)).toBe(expected);
      return expected;
    });
    expect(counts[0]).toBeLessThan(counts[1]);
    expect(counts[1]).toBeLessThan(counts[2]);
  });

  it('tells NaN weights and leaks nothing', () => {
    const run = runOf([[1, 2, 3]]);
    run.prune(sensitivity({ sensitivity: 0.1 }));
    const before = tf.memory().numTensors;
    run.prune(sensitivity({ sensitivity: 0.1 }));
    expect(tf.memory().numTensors).toBe(before);
    write(run.parameter('fc0/kernel'), [1, Number.NaN, 3]);
    expect(() => run.prune(sensitivity({ sensitivity: 1 }))).toThrow('not finite');
    expect(() => sensitivity({ sensitivity: 1, measure: 'twice' as never })).toThrow("no measure 'twice'");
  });
});
