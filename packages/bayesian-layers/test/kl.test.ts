import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { groupIndices, groupsOf } from '../src/groups.js';
import { gaussianKl, logNormalGammaKl, logNormalInverseGammaKl, logUniformKl } from '../src/index.js';
import { bounded } from '../src/internal/bounded.js';
import { columnSums, groupSums } from '../src/internal/sums.js';
import { gaussian, logNormal, logUniform, type Term } from '../src/math/kl-terms.js';

const { exp, log, log1p, LN2 } = Math;
const means = [-0.7, 0.2, 1.3];
const logs = [-1.5, 0.4, -0.2];
const vectors = (): [tf.Tensor, tf.Tensor] => [tf.tensor1d(means), tf.tensor1d(logs)];
const sum = (term: (mean: number, log: number) => number): number =>
  means.reduce((total, mean, i) => total + term(mean, logs[i]), 0);
const numberOf = (x: tf.Tensor): number => x.dataSync()[0];

describe('KL divergences, summed over all elements', () => {
  it('of Gaussians from standard normal ones', () => {
    const expected = sum((mean, logVariance) => (exp(logVariance) + mean ** 2 - 1 - logVariance) / 2);
    expect(numberOf(gaussianKl(...vectors()))).toBeCloseTo(expected, 5);
  });

  it('of scales from the log-uniform prior', () => {
    const expected = sum((a) => 0.63576 / (1 + exp(1.8732 + 1.48695 * a)) + 0.5 * log1p(exp(-a)));
    expect(numberOf(logUniformKl(tf.tensor1d(means)))).toBeCloseTo(expected, 5);
  });

  it.each([undefined, 1, 0.1])('of log-normal numbers from Gamma(1/2) of scale k² with k %d', (k) => {
    const scale = k ?? 1;
    const expected = sum(
      (mean, logVariance) =>
        log(scale) + exp(mean + exp(logVariance) / 2) / scale ** 2 - (mean + logVariance + 1 + LN2) / 2,
    );
    expect(numberOf(logNormalGammaKl(...vectors(), ...(k === undefined ? [] : [k]))) / expected).toBeCloseTo(
      1,
      5,
    );
  });

  it('of log-normal numbers from inverse-Gamma(1/2, 1)', () => {
    const expected = sum(
      (mean, logVariance) => exp(exp(logVariance) / 2 - mean) - (-mean + logVariance + 1 + LN2) / 2,
    );
    expect(numberOf(logNormalInverseGammaKl(...vectors()))).toBeCloseTo(expected, 5);
  });
});

it.each<[string, (mean: tf.Tensor, log: tf.Tensor) => Term, number]>([
  ['Gaussians', gaussian, 2],
  ['log-normal numbers', (mean, log) => logNormal(mean, log, 1, 0.3), 2],
  ['their inverses', (mean, log) => logNormal(mean, log, -1, -0.4), 2],
  ['scales', logUniform, 1],
])('the slopes of the terms of %s are those of finite differences', (_, term, count) => {
  const h = 1e-2;
  const [mean, log] = vectors();
  const slopes = term(mean, log).slopes();
  expect(slopes).toHaveLength(count);
  for (const [k, slope] of slopes.entries()) {
    const at = (by: number): Float32Array =>
      term(
        k === 0 ? tf.add(mean, by) : mean,
        k === 1 ? tf.add(log, by) : log,
      ).value.dataSync() as Float32Array;
    const [up, down] = [at(h), at(-h)];
    for (const [i, x] of slope.dataSync().entries()) expect(x).toBeCloseTo((up[i] - down[i]) / (2 * h), 3);
  }
});

describe('a bound', () => {
  it('lets through what is below it, and slopes that lead down from it', () => {
    const x = tf.tensor1d([-1, -1, 2, 2, 5, 5]);
    const weights = [3, -3, 0.5, -3, 0.5, -3];
    const { value, grad } = tf.valueAndGrad((y) => tf.sum(tf.mul(bounded(y, 2), tf.tensor1d(weights))))(x);
    expect(numberOf(value)).toBe(-3 + 3 + 2 * (0.5 - 3 + 0.5 - 3));
    expect([...bounded(x, 2).dataSync()]).toEqual([-1, -1, 2, 2, 2, 2]);
    // Descent goes against the slope: where the weight is negative x would rise.
    expect([...grad.dataSync()]).toEqual([3, -3, 0.5, 0, 0.5, 0]);
  });

  it('that is not there changes nothing', () => {
    const x = tf.tensor1d([1, 1000]);
    expect(bounded(x, undefined)).toBe(x);
  });
});

describe('sums', () => {
  it.each([
    [[3, 4], false, 'inputs'],
    [[3, 4], false, 'outputs'],
    [[5, 3, 4], false, 'inputs'],
    [[5, 3, 4], false, 'outputs'],
    [[2, 3, 4, 5], false, 'inputs'],
    [[2, 3, 4, 5], false, 'outputs'],
    [[2, 3, 4, 5], true, 'inputs'],
    [[2, 3, 4, 5], true, 'outputs'],
  ] as const)('over each group of %j, depthwise %s, by %s', (shape, depthwise, side) => {
    const groups = groupsOf(shape, depthwise, side);
    const x = tf.randomNormal([...shape], 0, 1, 'float32', 1);
    const expected = new Float64Array(groups.count);
    const values = x.dataSync();
    for (const [i, group] of groupIndices(shape, groups).entries()) expected[group] += values[i];
    const found = groupSums(x, groups);
    expect(found.shape).toEqual([groups.count]);
    for (const [i, total] of found.dataSync().entries()) expect(total).toBeCloseTo(expected[i], 5);
  });

  it('over all axes but the last', () => {
    const found = columnSums(tf.tensor3d([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2]));
    expect([...found.dataSync()]).toEqual([16, 20]);
  });
});
