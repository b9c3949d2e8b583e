import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { splicing } from '../src/index.js';
import { count, mask, moments, normalRun, runOf, weights } from './models.js';

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
    const pruner = splicing({ sensitivity: 0, low: 0.8, high: 1.2 }); // band [2, 3)
    pruner.start?.(run, run.select());
    const [first, second, third] = moments(0, 3, 1);
    run.prune(pruner, undefined, first);
    expect(mask(run)).toEqual([0, 1, 1, 1]); // 2 is on the lower bound: stays
    expect(weights(run)).toEqual([0, 2, 3, 4]);
    move(run, [2.9, 1.9, 3, 4]);
    run.prune(pruner, undefined, second);
    expect(mask(run)).toEqual([0, 0, 1, 1]);
    move(run, [-3, 2.9, 2.1, 0]);
    run.prune(pruner, undefined, third);
    expect(mask(run)).toEqual([1, 0, 1, 0]); // -3 is on the upper bound: back
    expect(weights(run).map((w) => Math.fround(w))).toEqual([-3, 0, 2.1, 0].map(Math.fround));
    expect(pruner.counts.get('fc0/kernel')).toEqual({ pruned: 2, revived: 1, revivedInAll: 1 });
  });

  it('widens with growth and never prunes with a negative middle', () => {
    const run = normalRun(40, 40);
    const growing = splicing({ sensitivity: 0.2, growth: 0.5 });
    growing.start?.(run, run.select());
    const pruned = moments(3, 7, 1).map((at) => {
      run.prune(growing, undefined, at);
      return count(mask(run), 0);
    });
    expect(pruned[0]).toBeGreaterThan(0);
    for (let i = 1; i < 4; i++) expect(pruned[i]).toBeGreaterThan(pruned[i - 1]);
    const other = normalRun(40, 40);
    const none = splicing({ sensitivity: -5 });
    none.start?.(other, other.select());
    other.prune(none);
    expect(count(mask(other), 0)).toBe(0);
  });

  it('saves all it needs: a resumed pruner goes on as if nothing had happened', () => {
    const runs = [normalRun(20, 20), normalRun(20, 20)];
    const states = runs.map((run, resumed) => {
      let pruner = splicing({ sensitivity: 0.3 });
      pruner.start?.(run, run.select());
      for (const at of moments(0, 4, 1)) {
        if (resumed === 1 && at.index === 2) {
          const state = pruner.save?.() as { json: unknown; arrays: Record<string, Uint8Array> };
          pruner = splicing({ sensitivity: 0.3 });
          pruner.start?.(run, run.select());
          pruner.load?.({ json: JSON.parse(JSON.stringify(state.json)), arrays: state.arrays });
        }
        run.prune(pruner, undefined, at);
        move(
          run,
          weights(run).map((w, i) => w + 2 * Math.sin(i + at.epoch)),
        );
      }
      return { mask: mask(run), counts: pruner.counts.get('fc0/kernel') };
    });
    expect(states[1]).toEqual(states[0]);
    expect(states[0].counts?.revivedInAll).toBeGreaterThan(0);
  });

  it('asks to be started, and leaks nothing', () => {
    const run = runOf([[1, 2, 3, 4]]);
    const pruner = splicing({ sensitivity: 0 });
    expect(() => run.prune(pruner)).toThrow('has not been started');
    pruner.start?.(run, run.select());
    run.prune(pruner);
    const before = tf.memory().numTensors;
    run.prune(pruner);
    expect(tf.memory().numTensors).toBe(before);
    expect(() => splicing({ sensitivity: 0, low: 1, high: 0.5 })).toThrow('high is 0.5');
  });
});
