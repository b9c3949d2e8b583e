import { describe, expect, it } from 'vitest';
import { dropGroups, groupRates, keptWeights } from '../src/internal/judge.js';

const group = Int32Array.of(0, 0, 1, 1);

describe('what a group is judged by', () => {
  it('is log(α + (1 + α) σ²/μ²) of its best weight, of normal-Jeffreys groups', () => {
    // Var[w z] / E[w z]² with E[z] = 1: α (μ² + σ²) + σ² over μ².
    const weights = {
      group,
      means: [2, 0.1, -0.5, 0.2],
      logVariances: [0, 0, 1, -1].map((power) => power * Math.LN2),
      mask: undefined,
    };
    const ratios = [1 / 4, Math.min(2 / 0.25, 0.5 / 0.04)];
    const alphas = [3, 0.5];
    const rates = groupRates(Float32Array.from(alphas, Math.log), true, weights);
    for (const [g, ratio] of ratios.entries()) {
      expect(rates[g]).toBeCloseTo(Math.log(alphas[g] + (1 + alphas[g]) * ratio), 5);
    }
  });

  it('is the mode of the scale, of a horseshoe, unless all its weights are noise', () => {
    const logVariances = [0, 0, 0, 0];
    const weights = { group, means: [1, 0.1, 0.2, 0.1], logVariances, mask: undefined };
    expect([...groupRates(Float32Array.of(2, 2), false, weights)]).toEqual([2, 20]);
  });

  it('leaves pruned weights out', () => {
    const weights = { group, means: [1, 0.1, 1, 1], logVariances: [0, 0, 0, 0], mask: [0, 1, 0, 0] };
    const [first, second] = groupRates(Float32Array.of(-9, -9), true, weights);
    expect(first).toBeCloseTo(Math.log(100), 2);
    expect(second).toBeCloseTo(20, 2);
  });
});

it('groups at or above the threshold go for good; the best one stays', () => {
  const dropped = Uint8Array.of(0, 0, 1, 0);
  dropGroups(Float32Array.of(3, 1, -5, 0.5), 1, dropped);
  expect([...dropped]).toEqual([1, 1, 1, 0]);
  dropGroups(Float32Array.of(-9, -9, -9, 5), 1, dropped);
  expect([...dropped]).toEqual([1, 1, 1, 0]); // what is gone does not come back, what is left is the best
});

it('single weights go from their own noise on', () => {
  const weights = { group, means: [1, 0.1, 1, 1], logVariances: [0, 0, 0, 0], mask: [1, 1, 0, 1] };
  expect([...keptWeights(weights, Uint8Array.of(0, 0), undefined)]).toEqual([1, 1, 0, 1]);
  expect([...keptWeights(weights, Uint8Array.of(0, 1), Math.log(99))]).toEqual([1, 0, 0, 0]);
});
