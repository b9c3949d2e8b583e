import { readFileSync } from 'node:fs';
import { type KnownPenalty, Run, type Running } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { type GroupSession, groupHorseshoe, groupNormalJeffreys } from '../src/index.js';
import { numbersOf, relative, stepAt } from './models.js';

/*
 * The golden numbers of the layers, on the plugins' path. A plugin keeps means in units of the weights: w = z̄ μ̃ and
 * σ_w = z̄ σ̃, so those of a fixture are scaled before it gets them, and its gradients scaled back.
 */
type Nested = number | Nested[];
type Params = Record<string, Nested>;

const load = (name: string) =>
  JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), 'utf8'));
const jeffreys = load('normal-jeffreys');
const horseshoe = load('horseshoe');
const tolerance = 2e-4;

const flat = (values: Nested): number[] => (typeof values === 'number' ? [values] : values.flatMap(flat));
/** PyTorch's [out, in] and OIHW are our [in, out] and HWIO. */
const kernel = (values: Nested): number[] => {
  const t = tf.tensor(values as number[]);
  return Array.from((t.rank === 2 ? tf.transpose(t) : tf.transpose(t, [2, 3, 1, 0])).dataSync());
};
const assign = (variable: tf.Variable, values: ArrayLike<number>): void =>
  tf.tidy(() => variable.assign(tf.tensor(Float32Array.from(values), variable.shape)));

/** The only layer's posterior at work, and its variables by name. */
async function atWork(
  layer: tfl.layers.Layer,
  prior: ReturnType<typeof groupNormalJeffreys>,
): Promise<{ run: Run; running: Running<GroupSession>; variables: Record<string, tf.Variable> }> {
  const run = new Run(tfl.sequential({ layers: [layer] }));
  const running = await run.start(prior);
  const [variances, scales] = running.session.trainables!().map(({ variables }) => variables);
  const [mean, bias] = run.parameters.map(({ variable }) => variable);
  const names = ['logRate', 'global', 'alpha_mean', 'alpha_log_variance', 'beta_mean', 'beta_log_variance'];
  const from = scales.length === 1 ? 0 : 1;
  const named = scales.map((variable, i) => [names[from + i], variable]);
  const [logVariance, biasLogVariance] = variances;
  return {
    run,
    running,
    variables: { mean, bias, logVariance, biasLogVariance, ...Object.fromEntries(named) },
  };
}

/** The penalty at full weight, with N = 1. */
const penaltyOf = (
  { session }: Running<GroupSession>,
  variables: readonly tf.Variable[],
): ReturnType<typeof numbersOf> =>
  numbersOf(() => session.penalty(stepAt(0, 1, 1)) as KnownPenalty, variables);

beforeAll(() => tf.setBackend('cpu'));

const options = { examples: 1, warmUp: 0, frames: false } as const;

describe.each([
  ['dense', 'LinearGroupNJ', () => tfl.layers.dense({ units: 4, inputShape: [6] })],
  ['conv2d', 'Conv2dGroupNJ', () => tfl.layers.conv2d({ filters: 3, kernelSize: 3, inputShape: [5, 5, 2] })],
] as const)('group normal-Jeffreys as a plugin, against the authors’ layers: %s', (kind, name, make) => {
  const golden = jeffreys[name];
  const p: Params = golden.params;
  const outputs = kind === 'conv2d';
  // Theirs is log σ_z² - log(z̄² + 1e-8); one group's z̄ is 0.
  const z = flat(p.z_mu).map((x) => (x < 0 ? -1 : 1) * Math.hypot(x, 1e-4));
  const zLog = flat(p.z_logvar);
  const [means, logs] = [kernel(p.weight_mu), kernel(p.weight_logvar)];
  const [biases, biasLogs] = [flat(p.bias_mu), flat(p.bias_logvar)];
  const groupOf = (i: number): number => (outputs ? i % z.length : Math.floor(i / 4));
  /** z̄ of a bias: it belongs to its filter; where groups are inputs it has none. */
  const ofBias = (i: number): number => (outputs ? z[i] : 1);

  const filled = async (): ReturnType<typeof atWork> => {
    const made = await atWork(make(), groupNormalJeffreys(options));
    const { mean, logVariance, bias, biasLogVariance, logRate } = made.variables;
    assign(
      mean,
      means.map((m, i) => m * z[groupOf(i)]),
    );
    assign(
      logVariance,
      logs.map((l, i) => l + 2 * Math.log(Math.abs(z[groupOf(i)]))),
    );
    assign(
      bias,
      biases.map((b, i) => b * ofBias(i)),
    );
    assign(
      biasLogVariance,
      biasLogs.map((l, i) => l + 2 * Math.log(Math.abs(ofBias(i)))),
    );
    assign(
      logRate,
      zLog.map((l, g) => l - 2 * Math.log(Math.abs(z[g]))),
    );
    return made;
  };
  /** z² of the plugin, which is where the KL is least, in units of z̄²: the mean of μ̃² + σ̃² of each group. */
  const [energy, size] = [z.map(() => 0), z.map(() => 0)];
  const count = (mean: number, log: number, g: number): void => {
    energy[g] += mean ** 2 + Math.exp(log);
    size[g]++;
  };
  for (const [i, mean] of means.entries()) count(mean, logs[i], groupOf(i));
  if (outputs) for (const [i, mean] of biases.entries()) count(mean, biasLogs[i], i);
  const best = energy.map((sum, g) => sum / size[g]);

  it('KL divergence, and its gradients', async () => {
    const { running, variables } = await filled();
    const names = ['mean', 'logVariance', 'bias', 'biasLogVariance', 'logRate'];
    const { value, grads } = await penaltyOf(
      running,
      names.map((key) => variables[key]),
    );
    // Theirs has z̄ where it is, ours where the KL is least: n/2 (r - 1 - log r) of each group lower.
    const lower = best.reduce((sum, r, g) => sum + (size[g] / 2) * (r - 1 - Math.log(r)), 0);
    expect((value + lower) / golden.kl_total).toBeCloseTo(1, 4);
    const [byMean, byLog, byBias, byBiasLog, byRate] = grads.map((g) => Array.from(g));
    const expected = golden.kl_grad;
    const r = (i: number): number => best[groupOf(i)];
    expect(
      relative(
        byMean.map((g, i) => g * z[groupOf(i)] * r(i)),
        kernel(expected.weight_mu),
      ),
    ).toBeLessThan(tolerance);
    // ½ (σ̃² / r - 1): theirs has r = 1.
    const logSlopes = byLog.map((g, i) => (g + 0.5) * r(i) - 0.5);
    expect(relative(logSlopes, kernel(expected.weight_logvar))).toBeLessThan(tolerance);
    const rb = (i: number): number => (outputs ? best[i] : 1);
    expect(
      relative(
        byBias.map((g, i) => g * ofBias(i) * rb(i)),
        flat(expected.bias_mu),
      ),
    ).toBeLessThan(tolerance);
    const biasSlopes = byBiasLog.map((g, i) => (g + 0.5) * rb(i) - 0.5);
    expect(relative(biasSlopes, flat(expected.bias_logvar))).toBeLessThan(tolerance);
    expect(relative(byRate, flat(expected.z_logvar))).toBeLessThan(tolerance);
    running.dispose();
  });

  it('moments of the posterior, told to the run', async () => {
    const { run, running } = await filled();
    await running.session.epochEnd!(stepAt(0, 1, 1).at);
    const mean = golden.post_weight_mu_corrected ?? golden.post_weight_mu;
    const variance = golden.post_weight_var_corrected ?? golden.post_weight_var;
    const [weights] = run.parameters;
    expect(relative(weights.variable.dataSync(), kernel(mean))).toBeLessThan(tolerance);
    expect(relative(run.variance(weights)!.dataSync(), kernel(variance))).toBeLessThan(tolerance);
    running.dispose();
  });

  it('log dropout rates, of scales whose weights are certain', async () => {
    const { running, variables } = await filled();
    const { logVariance } = variables;
    assign(logVariance, new Float32Array(logVariance.size).fill(-40));
    const [{ rates }] = running.session.readings();
    expect(relative(rates, golden.log_dropout_rates)).toBeLessThan(tolerance);
    running.dispose();
  });
});

it('group horseshoe as a plugin, against its closed forms', async () => {
  const golden = horseshoe.LinearGroupHS;
  const p: Params = golden.params;
  const prior = groupHorseshoe({ ...options, tau: golden.tau0 });
  const made = await atWork(tfl.layers.dense({ units: 3, inputShape: [5] }), prior);
  const { run, running, variables } = made;
  const { mean, bias, logVariance, biasLogVariance } = variables;
  assign(variables.global, [p.sa_mu, p.sa_logvar, p.sb_mu, p.sb_logvar] as number[]);
  assign(variables.alpha_mean, flat(p.alpha_mu));
  assign(variables.alpha_log_variance, flat(p.alpha_logvar));
  assign(variables.beta_mean, flat(p.beta_mu));
  assign(variables.beta_log_variance, flat(p.beta_logvar));
  const weights = kernel(golden.post_weight_mu);
  const [means, logs] = [kernel(p.weight_mu), kernel(p.weight_logvar)];
  assign(mean, weights);
  assign(
    logVariance,
    logs.map((l, i) => l + 2 * Math.log(Math.abs(weights[i] / means[i]))),
  );
  assign(bias, flat(p.bias_mu));
  assign(biasLogVariance, flat(p.bias_logvar));
  const { value } = await penaltyOf(running, []);
  expect(value / golden.kl_total).toBeCloseTo(1, 4);
  await running.session.epochEnd!(stepAt(0, 1, 1).at);
  expect(relative(run.variance(run.parameters[0])!.dataSync(), kernel(golden.post_weight_var))).toBeLessThan(
    tolerance,
  );
  expect(relative(running.session.readings()[0].rates, golden.neg_log_mode_z)).toBeLessThan(tolerance);
  running.dispose();
});

it('the KL of a scale that is nearly dropped does not cancel in float32, nor does its gradient', async () => {
  const { running, variables } = await atWork(
    tfl.layers.dense({ units: 2, inputShape: [1], useBias: false }),
    groupNormalJeffreys(options),
  );
  const [k1, k2, k3] = [0.63576, 1.8732, 1.48695];
  const at = async (log: number): ReturnType<typeof numbersOf> => {
    assign(variables.logRate, [log]);
    return penaltyOf(running, [variables.logRate]);
  };
  // The weights are certain to be 1: their own KL is 0, so that it does not hide the scale's.
  assign(variables.mean, [1, 1]);
  assign(variables.logVariance, [0, 0]);
  const own = 2 * 0.5 * Math.log(2); // z² = 2
  for (const log of [5, 8, 10, 12]) {
    const y = k2 + k3 * log;
    const exact = k1 / (1 + Math.exp(y)) + 0.5 * Math.log1p(Math.exp(-log));
    const { value, grads } = await at(log);
    expect(Math.abs(value - own - exact)).toBeLessThan(2e-7);
    const fall = 1 / (1 + Math.exp(y));
    const slope = -(k1 * k3 * fall * (1 - fall) + 0.5 / (1 + Math.exp(log)));
    expect(grads[0][0] / slope).toBeCloseTo(1, 5);
  }
  running.dispose();
});
