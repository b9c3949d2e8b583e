import type { Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { scoresOf } from '../src/criterion.js';
import { type ElementCriterion, level } from '../src/index.js';
import { count, mask, normal, normalRun, runOf, weights } from './models.js';

/** The scores of the run's kernel, as its masks are. */
function scored(run: Run, criterion: ElementCriterion): Float32Array {
  const [own, alive] = [weights(run), mask(run)].map((numbers) => Float32Array.from(numbers));
  return scoresOf(criterion, run.parameter('fc0/kernel'), 0, { weights: own, alive, own: undefined });
}

describe('criteria', () => {
  it('lamp: w² over the sum of the squares that are not smaller', () => {
    const run = runOf([[3, -1, 2, 2]]);
    const scores = scored(run, 'lamp');
    for (const [i, expected] of [9 / 9, 1 / 18, 4 / 17, 4 / 17].entries())
      expect(scores[i]).toBeCloseTo(expected, 6);
  });

  it('lamp: agrees with the definition on random weights and ranks as magnitude does', () => {
    const run = normalRun(20, 5, 4);
    const w = weights(run);
    const scores = scored(run, 'lamp');
    for (const [i, value] of w.entries()) {
      const sum = w.filter((v) => Math.abs(v) >= Math.abs(value)).reduce((total, v) => total + v * v, 0);
      expect(scores[i]).toBeCloseTo((value * value) / sum, 5);
    }
  });

  it('lamp: never empties a tensor, however small its weights', () => {
    const tiny = normal(10, 10, 2).map((row) => row.map((w) => w / 1e6));
    const run = runOf(normal(10, 10, 1), tiny);
    run.prune(level({ sparsity: 0.98, scope: 'global', criterion: 'lamp', floor: 0 }));
    expect(count(mask(run), 1)).toBeGreaterThan(0);
    expect(count(mask(run, 'fc1/kernel'), 1)).toBeGreaterThan(0);
  });

  it('layer-normalised: divides by the root mean square of the weights that survive', () => {
    const run = runOf([[3, 4, 0, 5]]);
    run.prune(level({ sparsity: 0.25 }));
    const scores = scored(run, 'layer-normalised');
    const rms = Math.sqrt(50 / 3);
    expect(scores[0]).toBeCloseTo(3 / rms, 6);
    expect(scores[2]).toBe(Number.NEGATIVE_INFINITY);
  });

  it("takes a user's scores: tensors (freed if made inside) or numbers", () => {
    const run = runOf([[1, 2, 3, 4]]);
    const own = tf.tensor2d([[4, 3, 2, 1]]);
    const before = tf.memory().numTensors;
    run.prune(level({ sparsity: 0.5, criterion: () => own }));
    expect(mask(run)).toEqual([1, 1, 0, 0]);
    const made = runOf([[1, 2, 3, 4]]);
    made.prune(level({ sparsity: 0.5, criterion: (p) => tf.neg(tf.abs(p.variable)) }));
    expect(mask(made)).toEqual([1, 1, 0, 0]);
    const numbers = runOf([[1, 2, 3, 4]]);
    numbers.prune(level({ sparsity: 0.25, criterion: () => [1, 0, -1, -1] }));
    expect(mask(numbers)).toEqual([1, 1, 0, 1]);
    // Each run: its weight, two masks (the owner's and the combined one).
    expect(tf.memory().numTensors - before).toBe(2 + 2 * 3);
    expect(() => run.prune(level({ sparsity: 0.5, criterion: () => [1] }))).toThrow('1 scores were given');
    expect(() => run.prune(level({ sparsity: 0.5, criterion: () => [1, 2, Number.NaN, 4] }))).toThrow(
      'Score 2',
    );
  });
});
