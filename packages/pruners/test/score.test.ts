import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { level } from '../src/index.js';
import { scoresOf } from '../src/score.js';
import { count, mask, normal, normalRun, prune, runOf, weights } from './models.js';

describe('scores', () => {
  it('lamp: w² over the sum of the squares that are not smaller', () => {
    const run = runOf([[3, -1, 2, 2]]);
    const scores = scoresOf('lamp', run.parameter('fc0/kernel'), undefined, 0);
    for (const [i, expected] of [9 / 9, 1 / 18, 4 / 17, 4 / 17].entries())
      expect(scores[i]).toBeCloseTo(expected, 6);
  });

  it('lamp: agrees with the definition on random weights and ranks as magnitude does', () => {
    const run = normalRun(20, 5, 4);
    const w = weights(run);
    const scores = scoresOf('lamp', run.parameter('fc0/kernel'), undefined, 0);
    for (const [i, value] of w.entries()) {
      const sum = w.filter((v) => Math.abs(v) >= Math.abs(value)).reduce((total, v) => total + v * v, 0);
      expect(scores[i]).toBeCloseTo((value * value) / sum, 5);
    }
  });

  it('lamp: never empties a tensor, however small its weights', () => {
    const tiny = normal(10, 10, 2).map((row) => row.map((w) => w / 1e6));
    const run = runOf(normal(10, 10, 1), tiny);
    prune(run, level({ sparsity: 0.98, scope: 'global', score: 'lamp', floor: 0 }));
    expect(count(mask(run), 1)).toBeGreaterThan(0);
    expect(count(mask(run, 'fc1/kernel'), 1)).toBeGreaterThan(0);
  });

  it('layer-normalised: divides by the root mean square of the weights that survive', () => {
    const run = runOf([[3, 4, 0, 5]]);
    prune(run, level({ sparsity: 0.25 }));
    const alive = Float32Array.from(mask(run));
    const scores = scoresOf('layer-normalised', run.parameter('fc0/kernel'), alive, 0);
    const rms = Math.sqrt(50 / 3);
    expect(scores[0]).toBeCloseTo(3 / rms, 6);
    expect(scores[2]).toBe(Number.NEGATIVE_INFINITY);
  });

  it("takes a user's scores: tensors (freed if made inside) or numbers", () => {
    const run = runOf([[1, 2, 3, 4]]);
    const own = tf.tensor2d([[4, 3, 2, 1]]);
    const before = tf.memory().numTensors;
    prune(run, level({ sparsity: 0.5, score: () => own }));
    expect(mask(run)).toEqual([1, 1, 0, 0]);
    const made = runOf([[1, 2, 3, 4]]);
    prune(made, level({ sparsity: 0.5, score: (p) => tf.neg(tf.abs(p.variable)) }));
    expect(mask(made)).toEqual([1, 1, 0, 0]);
    const numbers = runOf([[1, 2, 3, 4]]);
    prune(numbers, level({ sparsity: 0.25, score: () => [1, 0, -1, -1] }));
    expect(mask(numbers)).toEqual([1, 1, 0, 1]);
    // Each run: its weight, two masks (the owner's and the combined one).
    expect(tf.memory().numTensors - before).toBe(2 + 2 * 3);
    expect(() => prune(run, level({ sparsity: 0.5, score: () => [1] }))).toThrow('1 scores were given');
    expect(() => prune(run, level({ sparsity: 0.5, score: () => [1, 2, Number.NaN, 4] }))).toThrow('Score 2');
  });
});
