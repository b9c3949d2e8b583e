import { describe, expect, it } from 'vitest';
import { agp, baiduRnn, level, sensitivity } from '../src/index.js';
import { count, mask, moments, normalRun, runOf, weights } from './models.js';

/** Weights 0.0001, 0.0002, …, 1: the sparsity tells the threshold and the other way round. */
const ramp = (n = 10_000): number[][] => [Array.from({ length: n }, (_, i) => (i + 1) / n)];

describe('compat: distiller', () => {
  it('level: floor(s·n), and every tie with the last one goes', () => {
    const ones = runOf([new Array(10).fill(1)]);
    ones.prune(level({ sparsity: 0.3, compat: 'distiller' }));
    expect(count(mask(ones), 0)).toBe(10);
    const floor = normalRun(100, 1);
    floor.prune(level({ sparsity: 0.29, compat: 'distiller' })); // 0.29 * 100 = 28.999…
    expect(count(mask(floor), 0)).toBe(28);
    const none = normalRun(10, 1);
    none.prune(level({ sparsity: 0.05, compat: 'distiller' }));
    expect(count(mask(none), 0)).toBe(0);
  });

  it('level: |w| > the k-th smallest, on any weights', () => {
    const run = runOf(
      Array.from({ length: 40 }, (_, i) => [Math.sin(i * i), Math.round(3 * Math.cos(i)) / 2]),
    );
    const magnitudes = weights(run).map(Math.abs);
    const threshold = [...magnitudes].sort((a, b) => a - b)[Math.floor(0.45 * 80) - 1];
    run.prune(level({ sparsity: 0.45, compat: 'distiller' }));
    expect(mask(run)).toEqual(magnitudes.map((w) => Number(w > threshold)));
  });

  // Sequences recorded from AgpPruningRate (Distiller d859fc8).
  it.each([
    [
      0.05,
      0.85,
      0,
      38,
      2,
      '.05 .1761 .2881 .387 .4736 .5486 .613 .6674 .7128 .75 .7798 .8029 .8204 .8329 .8412 .8463 .8489 .8499 .85',
    ],
    [0.05, 0.85, 0, 12, 5, '.05 .75 .85'],
  ])('agp from %d to %d, epochs %d to %d by %d', (initial, final, from, end, every, expected) => {
    const run = runOf(ramp());
    const pruner = agp({ initial, final, compat: 'distiller' });
    const sparsity = moments(from, end, every).map((at) => {
      run.prune(pruner, undefined, at);
      return count(mask(run), 0) / 10_000;
    });
    const golden = expected.split(' ').map(Number);
    expect(sparsity.length).toBe(golden.length);
    for (const [i, s] of golden.entries()) expect(Math.abs(sparsity[i] - s)).toBeLessThanOrEqual(1.001e-4);
  });

  // Recorded from BaiduRNNPruner; the second is the schedule it was published with.
  it.each([
    [0.4, 3, 2, 5, 16, 1, '.0267 .0533 .08 .16 .2133 .2667 .32 .3733 .4267 .48 .5333'],
    [0.17, 3, 2, 4, 21, 3, '.0071 .0425 .085 .1275 .17 .2125'],
  ])('baiduRnn with q %d, ramp %d, slope %d, epochs %d to %d by %d', (...row) => {
    const [q, rampOffset, rampSlope, from, end, every, expected] = row;
    const run = runOf(ramp());
    const pruner = baiduRnn({ q, rampOffset, rampSlope, compat: 'distiller' });
    const thresholds = moments(from, end, every).map((at) => {
      run.prune(pruner, undefined, at);
      return count(mask(run), 0) / 10_000; // weights are 1e-4 apart
    });
    const golden = expected.split(' ').map(Number);
    expect(thresholds.length).toBe(golden.length);
    for (const [i, t] of golden.entries()) expect(Math.abs(thresholds[i] - t)).toBeLessThanOrEqual(1.5e-4);
  });

  it('sensitivity: σ is unbiased, measured once, |w| <= s·σ goes', () => {
    const run = runOf([[1, -1, 2, -2, 4]]);
    const mean = 4 / 5;
    const sigma = Math.sqrt([1, -1, 2, -2, 4].reduce((total, w) => total + (w - mean) ** 2, 0) / 4);
    const pruner = sensitivity({ sensitivity: 2 / sigma });
    run.prune(pruner);
    expect(weights(run)).toEqual([0, 0, 0, 0, 4]);
  });
});
