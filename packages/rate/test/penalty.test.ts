import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { levelBits } from '../src/index.js';
import { modelFrom, type RateNumbers } from '../src/internal/numbers.js';
import { levelRate, weightSlopes } from '../src/internal/penalty.js';

/** The rate of tensors of weights, with its gradients as plain numbers. */
function rate(tensors: readonly number[][], numbers: readonly RateNumbers[], noise: readonly number[]) {
  return tf.tidy(() => {
    const one = (key: keyof RateNumbers): tf.Tensor => tf.tensor1d(numbers.map((own) => own[key]));
    const variables = {
      logStep: one('logStep'),
      logSpike: one('logSpike'),
      logTail: one('logTail'),
      logit: one('logit'),
    };
    const of = tf.tensor1d(
      tensors.flatMap((own, i) => own.map(() => i)),
      'int32',
    );
    const flat = tf.tensor1d(tensors.flat());
    const foreseen = { variables, of, sizes: tensors.map((own) => own.length) };
    const { weights, logStep } = weightSlopes(flat, tf.tensor1d([...noise]), foreseen);
    const { bits, logSpike, logTail, logit } = levelRate(flat, foreseen);
    const list = (x: tf.Tensor): number[] => [...x.dataSync()];
    return {
      bits: list(bits),
      weights: list(weights),
      variables: [logStep, logSpike, logTail, logit].map(list),
    };
  });
}

const weights = [0, 0.11, -0.3, 0.42, -0.07, 1.3];
const noise = [0.1, -0.2, 0.3, 0.45, -0.41, 0.05];
const numbers: RateNumbers = {
  logStep: Math.log(0.25),
  logSpike: Math.log(0.2),
  logTail: Math.log(1.4),
  logit: 0.6,
};

describe('the rate on the device', () => {
  it('is that of torch.distributions.Laplace, gradients by autograd included', () => {
    const { bits, weights: slopes, variables } = rate([weights], [numbers], noise);
    expect(bits[0]).toBeCloseTo(17.93552634222257, 4);
    const own = [1.3860266968562098, 3.92355042114225, -13.098214876602954];
    const golden = [...own, 4.334623995174959, -15.942349786504371, 3.9441762832181975];
    for (const [i, slope] of golden.entries()) expect(slopes[i]).toBeCloseTo(slope, 3);
    const ofVariables = [-12.42499074051898, -0.13149382235259416, -2.898041813345342, 1.2745555574332867];
    for (const [i, slope] of ofVariables.entries()) expect(variables[i][0]).toBeCloseTo(slope, 3);
  });

  it('has the slopes of finite differences, each tensor by its own numbers', () => {
    const all = [numbers, { logStep: Math.log(0.5), logSpike: -2.5, logTail: -0.5, logit: -1 }];
    const tensors = [weights, [-0.9, 0.2, 2.4, 0.05]];
    const drawn = [...noise, -0.31, 0.2, 0.44, 0.02];
    /** In float64, with one number moved. */
    const total = (noisy: boolean, i: number, moved: Partial<RateNumbers> = {}, k = -1, by = 0): number => {
      const own = { ...all[i], ...moved };
      const start = i === 0 ? 0 : weights.length;
      const at = (w: number, j: number): number => {
        const v = (w + (j === k ? by : 0)) / Math.exp(own.logStep);
        return noisy ? v + drawn[start + j] : Math.round(v);
      };
      return tensors[i].reduce((sum, w, j) => sum + levelBits(modelFrom(own), at(w, j)), 0);
    };
    const { bits, weights: slopes, variables } = rate(tensors, all, drawn);
    const e = 1e-5;
    for (const [i, own] of tensors.entries()) {
      expect(bits[i]).toBeCloseTo(total(false, i), 4);
      for (const [k] of own.entries()) {
        const slope = (total(true, i, {}, k, e) - total(true, i, {}, k, -e)) / (2 * e);
        expect(slopes[(i === 0 ? 0 : weights.length) + k]).toBeCloseTo(slope, 2);
      }
      for (const [v, key] of (['logStep', 'logSpike', 'logTail', 'logit'] as const).entries()) {
        const moved = (by: number): number => total(v === 0, i, { [key]: all[i][key] + by });
        expect(variables[v][i]).toBeCloseTo((moved(e) - moved(-e)) / (2 * e), 2);
      }
    }
  });

  it('stays finite far out, and pulls back', () => {
    const { bits, weights: slopes } = rate([[1e6, -1e6, 0]], [numbers], [0, 0, 0]);
    expect(bits[0]).toBeLessThan(150);
    expect(slopes[0]).toBeGreaterThan(0);
    expect(slopes[1]).toBeLessThan(0);
    expect(slopes[2]).toBe(0);
  });
});
