import { agpSparsity, once, progress } from '@espalier/core';
import { describe, expect, it } from 'vitest';
import { agp, baiduRnn, baiduThreshold, level } from '../src/index.js';
import { count, mask, moments, normalRun, runOf, saved, start, weights, write } from './models.js';

describe('agp', () => {
  it('follows Zhu & Gupta (2017), eq. 1, and ends at the final sparsity', () => {
    const run = normalRun(100, 100);
    const pruner = agp({ initial: 0.1, final: 0.9 });
    const at = moments(2, 12, 2);
    for (const [i, moment] of at.entries()) {
      run.prune(pruner, undefined, moment);
      const expected = 0.9 - 0.8 * (1 - i / 4) ** 3;
      expect(count(mask(run), 0)).toBe(Math.round(expected * 10_000));
      // What training would do: everything moves, also what is pruned.
      write(
        run.parameter('fc0/kernel'),
        weights(run).map((w, j) => w + 0.01 * Math.sin(j)),
      );
      run.applyMasks();
    }
    expect(progress(at[4])).toBe(1);
  });

  it('never brings a weight back', () => {
    const run = normalRun(30, 10);
    const pruner = agp({ final: 0.95, power: 1 });
    let before = mask(run);
    for (const at of moments(0, 9, 1)) {
      run.prune(pruner, undefined, at);
      const now = mask(run);
      expect(now.every((m, i) => m <= before[i])).toBe(true);
      before = now;
      write(
        run.parameter('fc0/kernel'),
        weights(run).map((w, i) => w * Math.cos(i + at.epoch)),
      );
    }
  });

  it('goes to the final sparsity when it fires once', () => {
    expect(agpSparsity(0.2, 0.7, 3, once())).toBe(0.7);
  });

  it('takes a final sparsity for each parameter, and a custom schedule by function', () => {
    const run = runOf([[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]], [[1, 2, 3, 4]]);
    run.prune(agp({ final: { 'fc0/*': 0.5, 'fc1/*': 0.25 } }));
    expect([count(mask(run), 0), count(mask(run, 'fc1/kernel'), 0)]).toEqual([5, 1]);
    const linear = runOf([[1, 2, 3, 4]]);
    const pruner = level({ sparsity: (_, at) => 0.5 * progress(at) });
    linear.prune(pruner, undefined, { ...once(), index: 1, count: 3 });
    expect(count(mask(linear), 0)).toBe(1);
  });
});

describe('baiduRnn', () => {
  it('rises from 0 to q, faster after the ramp', () => {
    const thresholds = moments(1, 12, 2).map((at) => baiduThreshold(0.7, 4, 1.5, at));
    // Heights 0, 2, 4, then 1.5 times as steep: 7, 10, 13 thirteenths of q.
    for (const [i, height] of [0, 2, 4, 7, 10, 13].entries()) {
      expect(thresholds[i]).toBeCloseTo((0.7 * height) / 13, 12);
    }
    expect(baiduThreshold(0.7, undefined, 1.5, once())).toBe(0.7);
  });

  it('measures q as a quantile of the first weights and keeps it across save and load', () => {
    const values = Array.from({ length: 100 }, (_, i) => (i + 1) * (i % 2 ? 1 : -1));
    const run = runOf([values]);
    const pruner = baiduRnn({ quantile: 0.9 });
    const [first, last] = moments(0, 2, 1);
    const running = start(run, pruner);
    running.fire(first);
    expect(count(mask(run), 0)).toBe(0);
    const resumed = start(run, pruner, saved(running));
    write(
      run.parameter('fc0/kernel'),
      values.map((w) => 0.95 * w),
    ); // q stays 90: 95 · 0.95 = 90.25 is kept
    resumed.fire(last);
    expect(count(mask(run), 1)).toBe(6);
  });

  it.each([
    [0.25, 3], // a quarter of 10 is at or below the third, not at or below the second
    [0.3, 3],
    [0.31, 4],
    [0.01, 1],
    [1, 10],
    [0, 0],
  ])('takes the smallest magnitude with a share of %d at or below it', (quantile, pruned) => {
    const run = runOf([[1, -2, 3, -4, 5, -6, 7, -8, 9, -10]]);
    run.prune(baiduRnn({ quantile }));
    expect(count(mask(run), 0)).toBe(pruned);
  });

  it('wants q or quantile', () => {
    expect(() => baiduRnn({})).toThrow('neither');
    expect(() => baiduRnn({ q: 1, quantile: 0.5 })).toThrow('both');
  });
});
