import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-layers'; // registers the gradients of TF.js's own ops
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { horseshoeKl, jeffreysKl, type ScaleKl } from '../src/internal/scale-kl.js';
import { horseshoeScales, jeffreysScales } from '../src/internal/scales.js';
import { productVariance } from '../src/math/moments.js';
import { scalePriors } from '../src/math/scale-priors.js';

const { exp, expm1, log, log1p, LN2, sqrt } = Math;
type Numbers = readonly number[];

const close = (found: ArrayLike<number>, expected: Numbers, digits = 4): void => {
  expect(found).toHaveLength(expected.length);
  for (const [i, x] of expected.entries())
    expect((found[i] - x) / Math.max(1, Math.abs(x))).toBeCloseTo(0, digits);
};
const numbers = (x: tf.Tensor): number[] => [...x.dataSync()];
const tensors = <K extends string>(of: Record<K, Numbers>): Record<K, tf.Tensor> =>
  Object.fromEntries(Object.entries<Numbers>(of).map(([key, x]) => [key, tf.tensor1d([...x])])) as Record<
    K,
    tf.Tensor
  >;
const floats = <K extends string>(of: Record<K, Numbers>): Record<K, Float32Array> =>
  Object.fromEntries(Object.entries<Numbers>(of).map(([key, x]) => [key, Float32Array.from(x)])) as Record<
    K,
    Float32Array
  >;

/** Noise that is known: the i-th number of a draw is i + 1, tenths; another draw goes on. */
function known(): (shape: readonly number[]) => tf.Tensor {
  let last = 0;
  return (shape) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return tf.tensor(
      Float32Array.from({ length: size }, () => ++last / 10),
      [...shape],
    );
  };
}

const horseshoe = {
  global: [-1, 0.3, 0.6, -0.4],
  alpha_mean: [-0.5, 0.2, 0.4],
  alpha_log_variance: [-1, -2, 0.1],
  beta_mean: [0.7, -0.3, 0.2],
  beta_log_variance: [0.2, -1, -0.6],
};
type Horseshoe = typeof horseshoe;

/** Mean and the two parts of the variance of log z of group i. */
function logOf(
  v: Record<keyof Horseshoe, Numbers>,
  i: number,
): { mean: number; shared: number; own: number } {
  const [a, aLog, b, bLog] = v.global;
  return {
    mean: (a + b + v.alpha_mean[i] + v.beta_mean[i]) / 2,
    shared: (exp(aLog) + exp(bLog)) / 4,
    own: (exp(v.alpha_log_variance[i]) + exp(v.beta_log_variance[i])) / 4,
  };
}

const gammaKl = (mean: number, logVariance: number, logScale: number): number =>
  exp(mean + exp(logVariance) / 2 - logScale) - (mean + logVariance + 1 + LN2) / 2 + logScale / 2;

describe('scales of the normal-Jeffreys prior', () => {
  const prior = scalePriors.normalJeffreys;
  const v = { scale_mean: [1, -2, 0.5], scale_log_variance: [-1, 0.5, -3] };

  it('start at the sizes they are given, with log α as told', () => {
    const start = prior.initial(Float32Array.of(1, 2, 0.1), -4, 1);
    close(start.scale_mean, [1, 2, 0.1]);
    close(start.scale_log_variance, [-4, -4 + log(4), -4 + log(0.01)]);
    expect(prior.variables.scale_mean(7)).toBe(7);
    expect(prior.variables.scale_log_variance(7)).toBe(7);
  });

  it('are Gaussian, and go by log α', () => {
    const drawn = prior.draw(tensors(v), [2, 3], known());
    const at = (i: number, noise: number): number =>
      v.scale_mean[i] + noise * exp(v.scale_log_variance[i] / 2);
    close(numbers(drawn), [at(0, 0.1), at(1, 0.2), at(2, 0.3), at(0, 0.4), at(1, 0.5), at(2, 0.6)]);
    const { mean, variance } = prior.moments(tensors(v));
    close(numbers(mean), v.scale_mean);
    close(numbers(variance), v.scale_log_variance.map(exp));
    const rates = v.scale_mean.map((m, i) => v.scale_log_variance[i] - log(m ** 2 + 1e-8));
    close(numbers(prior.rates(tensors(v))), rates);
    const none = prior.rates(tensors({ scale_mean: [0], scale_log_variance: [1] }));
    close(numbers(none), [1 - log(1e-8)]);
    const kl = rates.reduce(
      (sum, a) => sum + 0.63576 / (1 + exp(1.8732 + 1.48695 * a)) + 0.5 * log1p(exp(-a)),
      0,
    );
    close(numbers(prior.kl(tensors(v), 1)), [kl]);
  });
});

describe('scales of the horseshoe', () => {
  const prior = scalePriors.horseshoe;

  it('have the moments and modes of log-normal numbers, which share a part of their noise', () => {
    const { mean, variance } = prior.moments(tensors(horseshoe));
    const logs = [0, 1, 2].map((i) => logOf(horseshoe, i));
    const means = logs.map(({ mean: m, shared, own }) => exp(m + (shared + own) / 2));
    close(numbers(mean), means);
    close(
      numbers(variance),
      logs.map(({ shared, own }, i) => expm1(shared + own) * means[i] ** 2),
    );
    close(
      numbers(prior.rates(tensors(horseshoe))),
      logs.map(({ mean: m, shared, own }) => shared + own - m),
    );
    const drawn = prior.draw(tensors(horseshoe), [2, 1, 3], known());
    // Two numbers that the examples share, then one for each group of each.
    const at = (example: number, i: number): number =>
      exp(
        logs[i].mean +
          ((example + 1) / 10) * sqrt(logs[i].shared) +
          ((3 + 3 * example + i) / 10) * sqrt(logs[i].own),
      );
    close(
      numbers(drawn),
      [0, 1].flatMap((example) => [0, 1, 2].map((i) => at(example, i))),
    );
    expect(drawn.shape).toEqual([2, 1, 3]);
    expect(Object.entries(prior.variables).map(([name, size]) => [name, size(3)])).toEqual(
      Object.entries(horseshoe).map(([name, { length }]) => [name, length]),
    );
  });

  it('start with the means they are given, where the parts cost least', () => {
    const [tau, start] = [1e-3, -1.5];
    const sizes = [0.5, 2, 1];
    const v = prior.initial(Float32Array.from(sizes), start, tau) as Record<keyof Horseshoe, Float32Array>;
    const all = Object.fromEntries(Object.entries(v).map(([k, x]) => [k, [...x]])) as Horseshoe;
    for (const [i, size] of sizes.entries()) {
      const { mean, shared, own } = logOf(all, i);
      expect(exp(mean + (shared + own) / 2) / size).toBeCloseTo(1, 4);
    }
    for (const log of [v.global[1], v.global[3], ...v.alpha_log_variance, ...v.beta_log_variance])
      expect(log).toBe(start);
    // At this variance no other mean costs less: of a and α from Gamma, of b from inverse-Gamma.
    const least = (mean: number, cost: (mean: number) => number): void => {
      expect(cost(mean)).toBeLessThan(cost(mean + 0.01));
      expect(cost(mean)).toBeLessThan(cost(mean - 0.01));
    };
    least(v.global[0], (m) => gammaKl(m, start, 2 * log(tau)));
    least(v.global[2], (m) => gammaKl(-m, start, 0));
    for (const mean of v.alpha_mean) least(mean, (m) => gammaKl(m, start, 0));
  });

  it('cost what their parts do', () => {
    const tau = 0.02;
    const [a, aLog, b, bLog] = horseshoe.global;
    const expected = [0, 1, 2].reduce(
      (sum, i) =>
        sum +
        gammaKl(horseshoe.alpha_mean[i], horseshoe.alpha_log_variance[i], 0) +
        gammaKl(-horseshoe.beta_mean[i], horseshoe.beta_log_variance[i], 0),
      gammaKl(a, aLog, 2 * log(tau)) + gammaKl(-b, bLog, 0),
    );
    close(numbers(prior.kl(tensors(horseshoe), tau)), [expected]);
  });
});

it('the variance of a product of independent numbers', () => {
  // w and z of two equally likely values each, 1 or 3 and 0 or 4: the product is 0, 4, 0 or 12.
  const found = productVariance(
    { mean: tf.scalar(2), variance: tf.scalar(1) },
    { mean: tf.scalar(2), variance: tf.scalar(4) },
  );
  expect(numbers(found)).toEqual([(0 + 16 + 0 + 144) / 4 - 4 ** 2]);
});

describe('scales in training', () => {
  it('of normal-Jeffreys are drawn around 1, with the slopes of finite differences', () => {
    const logRate = [-1, 0.4, -2];
    const scales = jeffreysScales(floats({ logRate }));
    const weigh = tf.tensor2d([3, -1, 2, 0.5, 4, -2], [2, 3]);
    const z = (log: number, noise: number): number => 1 + noise * exp(log / 2);
    const noise = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6];
    close(
      numbers(scales.draw([2, 3], known())),
      noise.map((e, i) => z(logRate[i % 3], e)),
    );
    const { grads } = tf.variableGrads(
      () => tf.sum(tf.mul(weigh, scales.draw([2, 3], known()))) as tf.Scalar,
      [scales.logRate!],
    );
    const w = numbers(weigh);
    const h = 1e-5;
    const total = (i: number, by: number): number =>
      [i, i + 3].reduce((sum, j) => sum + w[j] * z(logRate[i] + by, noise[j]), 0);
    const [slopes] = Object.values(grads).map(numbers);
    close(
      slopes,
      [0, 1, 2].map((i) => (total(i, h) - total(i, -h)) / (2 * h)),
    );
    expect(scales.relative).toBe(true);
    close(numbers(scales.rates()), logRate);
    const { mean, variance } = scales.moments();
    close(numbers(mean), [1]);
    close(numbers(variance), logRate.map(exp));
    expect(Object.values(scales.variables).map(({ trainable }) => trainable)).toEqual([true]);
  });

  it('of the horseshoe are drawn in units of their mean', () => {
    const scales = horseshoeScales(floats(horseshoe), 0.01);
    const prior = scalePriors.horseshoe;
    const { mean, variance } = prior.moments(tensors(horseshoe));
    const drawn = prior.draw(tensors(horseshoe), [2, 3], known());
    close(numbers(scales.draw([2, 3], known())), numbers(tf.div(drawn, mean)));
    const own = scales.moments();
    close(numbers(tf.mul(own.mean, tf.onesLike(mean))), [1, 1, 1]);
    close(numbers(own.variance), numbers(tf.div(variance, tf.square(mean))));
    expect(scales.relative).toBe(false);
    expect(scales.logRate).toBeUndefined();
    close(numbers(scales.rates()), numbers(prior.rates(tensors(horseshoe))));
  });
});

describe('what scales cost, with the weights that hang on them', () => {
  const energy = [3, 0.2, 5];
  const size = [4, 2, 0]; // the third group is pruned
  const weights = () => tensors({ energy, size });

  /** Value and gradients against finite differences of a formula in float64. */
  function agrees<K extends string>(
    v: Record<K, Numbers>,
    cost: (v: Record<K, Numbers>) => number,
    found: ScaleKl,
  ) {
    close(numbers(found.value), [cost(v)]);
    const h = 1e-5;
    for (const [k, key] of (Object.keys(v) as K[]).entries()) {
      const slopes = v[key].map((_, i) => {
        const moved = (by: number): number =>
          cost({ ...v, [key]: v[key].map((x, j) => (j === i ? x + by : x)) });
        return (moved(h) - moved(-h)) / (2 * h);
      });
      close(numbers(found.gradients[k]), slopes, 3);
    }
    expect(found.gradients).toHaveLength(Object.keys(v).length);
  }
  const alive = [0, 1];

  it('normal-Jeffreys, z² where the weights cost least', () => {
    const cost = ({ logRate }: { logRate: Numbers }): number =>
      alive.reduce((sum, i) => {
        const a = logRate[i];
        const own = 0.63576 / (1 + exp(1.8732 + 1.48695 * a)) + 0.5 * log1p(exp(-a));
        // n/2 (log z² + 1 - 1) at z² = energy / n
        return sum + own + (size[i] / 2) * log(energy[i] / size[i]);
      }, 0);
    const v = { logRate: [-0.5, 1, -3] };
    const found = jeffreysKl(tf.tensor1d(v.logRate), weights() as never);
    agrees(v, cost, found);
    close(numbers(found.rate), [4 / 3, 10, 0]);
  });

  it('horseshoe, log z² of the mean', () => {
    const tau = 0.3;
    const square = (v: Horseshoe, i: number): number => {
      const { mean, shared, own } = logOf(v, i);
      return exp(2 * (mean + (shared + own) / 2));
    };
    const cost = (v: Horseshoe): number => {
      const [a, aLog, b, bLog] = v.global;
      return alive.reduce(
        (sum, i) =>
          sum +
          gammaKl(v.alpha_mean[i], v.alpha_log_variance[i], 0) +
          gammaKl(-v.beta_mean[i], v.beta_log_variance[i], 0) +
          0.5 * (energy[i] / square(v, i) + size[i] * (log(square(v, i)) - 1)),
        gammaKl(a, aLog, 2 * log(tau)) + gammaKl(-b, bLog, 0),
      );
    };
    const found = horseshoeKl(tensors(horseshoe), weights() as never, tau);
    agrees(horseshoe, cost as never, found);
    close(numbers(found.rate), [1 / square(horseshoe, 0), 1 / square(horseshoe, 1), 0]);
  });
});
