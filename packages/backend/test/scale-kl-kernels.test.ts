import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { startBackend } from '../src/index.js';
import { hasNative } from './native.js';
import { hasWebgpu } from './software-gpu.js';

// The values as the papers write them; the gradients must be those of finite differences.
const [k1, k2, k3] = [0.63576, 1.8732, 1.48695];
const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

type Values = Record<string, number[]>;

/** What the scales make of the weights' KL, with z² of each group. */
function weightsPart({ energy, size }: Values, square: (i: number) => number): number {
  return energy.reduce(
    (sum, e, i) => sum + (size[i] > 0 ? 0.5 * (e / square(i) + size[i] * (Math.log(square(i)) - 1)) : 0),
    0,
  );
}

function jeffreys(v: Values): number {
  const own = v.logRate.map((x) => k1 * (1 - logistic(k2 + k3 * x)) + 0.5 * Math.log1p(Math.exp(-x)));
  const scales = own.reduce((sum, x, i) => sum + (v.size[i] > 0 ? x : 0), 0);
  return scales + weightsPart(v, (i) => v.energy[i] / v.size[i]);
}

/** KL of LN(μ, σ²) from Gamma(½, k²), or with sign -1 from inverse-Gamma(½, 1). */
function logNormal(mean: number, logVariance: number, sign: number, k: number): number {
  const variance = Math.exp(logVariance);
  return (
    Math.log(k) +
    Math.exp(sign * mean + variance / 2) / k ** 2 -
    (sign * mean + logVariance + 1 + Math.LN2) / 2
  );
}

function horseshoe(v: Values): number {
  const [a, aLog, b, bLog] = v.global;
  let total = logNormal(a, aLog, 1, Math.exp(v.logTau[0])) + logNormal(b, bLog, -1, 1);
  for (let i = 0; i < v.size.length; i++) {
    if (v.size[i] === 0) continue;
    total += logNormal(v.alpha_mean[i], v.alpha_log_variance[i], 1, 1);
    total += logNormal(v.beta_mean[i], v.beta_log_variance[i], -1, 1);
  }
  const square = (i: number): number => {
    const logs = [aLog, bLog, v.alpha_log_variance[i], v.beta_log_variance[i]];
    return Math.exp(
      a + b + v.alpha_mean[i] + v.beta_mean[i] + logs.reduce((sum, x) => sum + Math.exp(x) / 4, 0),
    );
  };
  return total + weightsPart(v, square);
}

const groups = { energy: [0.8, 2.5, 0, 0.3, 1.2], size: [6, 5, 0, 4, 6] };
const cases = {
  EspalierJeffreysKl: [jeffreys, { logRate: [-3, 0.5, 1, 9, -0.2], ...groups }, ['logRate']],
  EspalierHorseshoeKl: [
    horseshoe,
    {
      global: [-1.2, -2, 0.4, -1.5],
      alpha_mean: [-0.6, 0.2, 0.1, -1, 0.3],
      alpha_log_variance: [-2, -1, -3, 0.2, -4],
      beta_mean: [0.5, -0.3, 0.2, 0.7, -0.8],
      beta_log_variance: [-1.5, -2.5, -1, -0.5, -3],
      ...groups,
      logTau: [Math.log(0.3)],
    },
    ['global', 'alpha_mean', 'alpha_log_variance', 'beta_mean', 'beta_log_variance'],
  ],
} as const;

describe.each([
  { prefer: 'native', has: hasNative },
  { prefer: 'webgpu', has: hasWebgpu },
] as const)('kernels for the KL of group scales on $prefer', ({ prefer, has }) => {
  beforeAll(async () => {
    if (has) await startBackend({ prefer });
  }, 120_000);

  it.runIf(has).each(Object.entries(cases))(
    '%s: value and gradients',
    async (kernel, [value, given, variables]) => {
      const values: Values = Object.fromEntries(Object.entries(given).map(([name, x]) => [name, [...x]]));
      const tensors = tf.tidy(() => {
        const inputs = Object.fromEntries(Object.entries(values).map(([name, x]) => [name, tf.tensor1d(x)]));
        return tf.engine().runKernel(kernel, inputs) as unknown as tf.Tensor[];
      });
      const outputs = await Promise.all(tensors.map(async (x) => [...(await x.data())]));
      tf.dispose(tensors);
      const [[total], rate, ...gradients] = outputs;
      expect(total / value(values)).toBeCloseTo(1, 5);
      expect(rate[2]).toBe(0); // it is pruned
      expect(rate.filter((r) => r > 0)).toHaveLength(4);
      for (const [k, name] of variables.entries()) {
        for (const [i, x] of values[name].entries()) {
          const at = (moved: number): number => {
            const list = values[name].map((y, j) => (j === i ? moved : y));
            return value({ ...values, [name]: list });
          };
          const difference = (at(x + 1e-5) - at(x - 1e-5)) / 2e-5;
          expect(Math.abs(gradients[k][i] - difference), `${name} ${i}`).toBeLessThan(
            1e-4 * Math.max(1, Math.abs(difference)),
          );
        }
      }
    },
  );
});
