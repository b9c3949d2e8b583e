import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { splicing } from '../src/index.js';
import { count, mask, moments, normalRun, runOf, saved, start, weights } from './models.js';

/** Moves the dense copy, as an optimizer would. */
function move(run: ReturnType<typeof runOf>, to: readonly number[]): void {
  const dense = run.dense(run.parameter('fc0/kernel'));
  if (dense === undefined) throw new Error('there is no dense copy');
  const tensor = tf.tensor(Float32Array.from(to), dense.shape);
  dense.assign(tensor);
  tensor.dispose();
}

describe('splicing', () => {
  it('prunes below the band, revives above it, keeps what is inside (Guo et al. 2016, eq. 3)', () => {
    const run = runOf([[1, 2, 3, 4]]); // mean 2.5, σ of |w| 1.29
    const running = start(run, splicing({ sensitivity: 0, low: 0.8, high: 1.2 })); // band [2, 3)
    const [first, second, third] = moments(0, 3, 1);
    running.fire(first);
    expect(mask(run)).toEqual([0, 1, 1, 1]); // 2 is on the lower bound: stays
    expect(weights(run)).toEqual([0, 2, 3, 4]);
    move(run, [2.9, 1.9, 3, 4]);
    running.fire(second);
    expect(mask(run)).toEqual([0, 0, 1, 1]);
    move(run, [-3, 2.9, 2.1, 0]);
    running.fire(third);
    expect(mask(run)).toEqual([1, 0, 1, 0]); // -3 is on the upper bound: back
    expect(weights(run).map((w) => Math.fround(w))).toEqual([-3, 0, 2.1, 0].map(Math.fround));
    expect(running.session.counts.get('fc0/kernel')).toEqual({ pruned: 2, revived: 1, revivedInAll: 1 });
  });

  it('widens with growth and never prunes with a negative middle', () => {
    const run = normalRun(40, 40);
    const growing = start(run, splicing({ sensitivity: 0.2, growth: 0.5 }));
    const pruned = moments(3, 7, 1).map((at) => {
      growing.fire(at);
      return count(mask(run), 0);
    });
    expect(pruned[0]).toBeGreaterThan(0);
    for (let i = 1; i < 4; i++) expect(pruned[i]).toBeGreaterThan(pruned[i - 1]);
    const other = normalRun(40, 40);
    const none = splicing({ sensitivity: -5 });
    other.prune(none);
    expect(count(mask(other), 0)).toBe(0);
  });

  it('saves all it needs: a resumed pruner goes on as if nothing had happened', () => {
    const runs = [normalRun(20, 20), normalRun(20, 20)];
    const states = runs.map((run, resumed) => {
      const pruner = splicing({ sensitivity: 0.3 });
      let running = start(run, pruner);
      for (const at of moments(0, 4, 1)) {
        if (resumed === 1 && at.index === 2) {
          running = start(run, pruner, saved(running));
        }
        running.fire(at);
        move(
          run,
          weights(run).map((w, i) => w + 2 * Math.sin(i + at.epoch)),
        );
      }
      return { mask: mask(run), counts: running.session.counts.get('fc0/kernel') };
    });
    expect(states[1]).toEqual(states[0]);
    expect(states[0].counts?.revivedInAll).toBeGreaterThan(0);
  });

  it('counts growth from the start of its schedule, not of training', () => {
    // |w| has mean 2.5 and σ 1.2910: the middle is 2.5 + 1.2910·s(1 + 2·epochs since the start).
    const run = runOf([[1, 2, 3, 4]]);
    const running = start(run, splicing({ sensitivity: 0.1, growth: 2, low: 1, high: 1 }));
    const middles = [2.629, 2.887, 3.145];
    for (const [i, at] of moments(3, 6, 1).entries()) {
      if (i > 0) move(run, [1, middles[i] - 0.01, middles[i] + 0.01, 4]);
      running.fire(at);
      expect(mask(run)).toEqual([0, 0, 1, 1]);
    }
  });

  it('goes on with a thinned tensor as if all of it was there', () => {
    const running = start(runOf([[1, 2, 3, 4]]), splicing({ sensitivity: 0 }));
    running.fire();
    const thinned = runOf([[3, 2.4, 2.6]]);
    const next = start(thinned, splicing({ sensitivity: 0 }), saved(running));
    next.fire(); // the mean that was measured, 2.5, and a band of 10 %
    expect(mask(thinned)).toEqual([1, 1, 1]);
    move(thinned, [2.2, 2.4, 2.6]);
    next.fire();
    expect(mask(thinned)).toEqual([0, 1, 1]);
  });

  it('refuses a state of another, and leaks nothing', () => {
    const run = runOf([[1, 2, 3, 4]]);
    const pruner = splicing({ sensitivity: 0 });
    for (const state of [
      {},
      { json: null },
      { json: { sigmas: {} } },
      { json: { distributions: { a: 1 }, counts: {} } },
      { json: { distributions: {}, counts: { a: { pruned: 1 } } } },
    ]) {
      expect(() => start(run, pruner, state)).toThrow(expect.objectContaining({ code: 'bad-state' }));
    }
    const running = start(run, pruner);
    running.fire();
    const before = tf.memory().numTensors;
    running.fire();
    expect(tf.memory().numTensors).toBe(before);
    expect(() => splicing({ sensitivity: 0, low: 1, high: 0.5 })).toThrow('high is 0.5');
  });
});
