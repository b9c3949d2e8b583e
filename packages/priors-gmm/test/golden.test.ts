import { readFileSync } from 'node:fs';
import { jsOptimizers, type OptimizerState, type Running } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  gaussianMixturePrior,
  type MixtureSession,
  mergeComponents,
  mixtureLoss,
  mixtureOf,
  mostResponsible,
} from '../src/index.js';
import { assign, penaltyOf, relative, runOf, started, stepAt, variablesOf } from './models.js';

interface Gradients {
  weights: number[];
  means: number[];
  gammas: number[];
  rhos: number[];
}
interface Row {
  J: number;
  pi_zero: number;
  weights: number[];
  means: number[];
  gammas_log_precision: number[];
  rhos: number[];
  mixing: number[];
  loss_data: number;
  loss_gamma_zero: number;
  loss_gamma_other: number;
  loss_total: number;
  grad_total: Gradients;
}
interface SnapRow {
  note: string;
  pi_zero: number;
  weights: number[];
  means: number[];
  logprec: number[];
  logpis: number[];
  merge_lists: number[][];
  new_means: number[];
  new_logprec: number[];
  new_logpi: number[];
  out_with_normalised_pis: number[];
}
const golden = JSON.parse(
  readFileSync(new URL('./fixtures/soft-weight-sharing.json', import.meta.url), 'utf8'),
) as {
  mixtures: Record<string, Row>;
  snap: SnapRow[];
  adam: {
    start: string;
    scale: number;
    lrs: Record<keyof Gradients, number>;
    b1: number;
    b2: number;
    eps: number;
    steps: Gradients[];
  };
};
const hyper = { zeroPrecision: { a: 5e3, b: 2 }, precision: { a: 250, b: 0.1 } };

/** A prior with the mixture of a row on a run with its weights. */
function priorOf(row: Row, tau = 1): { prior: Running<MixtureSession>; variables: tf.Variable[] } {
  const run = runOf(row.weights);
  const options = {
    components: row.J,
    tau,
    examples: 1,
    zeroShare: row.pi_zero,
    means: row.means,
    deviation: 1,
  };
  const prior = started(run, options);
  const variables = variablesOf(prior);
  assign(variables[1], row.gammas_log_precision);
  assign(variables[2], row.rhos);
  return { prior, variables: [run.parameters[0].variable, ...variables] };
}

const kinds = ['weights', 'means', 'gammas', 'rhos'] as const;

describe.each(Object.entries(golden.mixtures))('the complexity loss of %s', (_, row) => {
  const mixture = mixtureOf(row.means, row.gammas_log_precision, row.rhos, row.pi_zero);

  it('has the reference mixing proportions', () => {
    for (const [j, share] of row.mixing.entries())
      expect(Math.exp(mixture.logShares[j])).toBeCloseTo(share, 12);
  });

  it('is exact in double precision, in its parts and gradients', () => {
    const loss = mixtureLoss(mixture, Float64Array.from(row.weights), hyper);
    const close = (a: number, b: number): void =>
      expect(Math.abs(a - b)).toBeLessThanOrEqual(1e-9 * Math.abs(b));
    close(loss.data, row.loss_data);
    close(loss.zeroPrecision, row.loss_gamma_zero);
    close(loss.precision, row.loss_gamma_other);
    expect(relative(loss.weights, row.grad_total.weights)).toBeLessThan(1e-9);
    expect(relative(loss.means, row.grad_total.means)).toBeLessThan(1e-9);
    expect(relative(loss.logPrecisions, row.grad_total.gammas)).toBeLessThan(1e-9);
    expect(relative(loss.rhos, row.grad_total.rhos)).toBeLessThan(1e-9);
  });

  it('comes out of the training path within float32 and the grid', () => {
    const { prior, variables } = priorOf(row);
    const { value, grads } = penaltyOf(prior, stepAt(0), variables);
    expect(Math.abs(value / row.loss_total - 1)).toBeLessThan(5e-4);
    for (const [i, kind] of kinds.entries())
      expect(relative(grads[i], row.grad_total[kind]), kind).toBeLessThan(1e-3);
  });
});

it('takes the reference steps of Adam with four learning rates', async () => {
  const { start, scale, lrs, b1, b2, eps, steps } = golden.adam;
  const { prior, variables } = priorOf(golden.mixtures[start.replace('gmm.', '')], scale);
  const groups = kinds.map((kind, i) => ({ name: kind, variables: [variables[i]], learningRate: lrs[kind] }));
  let state: OptimizerState | undefined;
  for (const [t, expected] of steps.entries()) {
    // The reference adds ε without bias correction, TF.js with it: this ε makes them the same at this step.
    const options = { beta1: b1, beta2: b2, epsilon: eps / Math.sqrt(1 - b2 ** (t + 1)) };
    const optimizer = jsOptimizers.adam(groups, options);
    if (state !== undefined) optimizer.restore(state);
    const { grads } = penaltyOf(prior, stepAt(t, 5), variables);
    optimizer.step(Object.fromEntries(variables.map((v, i) => [v.name, tf.tensor(grads[i], v.shape)])));
    state = await optimizer.state();
    optimizer.dispose();
    for (const [i, kind] of kinds.entries()) {
      const ours = variables[i].dataSync();
      // 1 % of a step of the weights: gradients near 0 carry the grid's error.
      for (const [k, value] of expected[kind].entries())
        expect(Math.abs(ours[k] - value), kind).toBeLessThan(5e-6);
    }
  }
});

describe.each(golden.snap)('post-processing: $note', (row) => {
  const mixture = mixtureOf(row.means, row.logprec, row.logpis, row.pi_zero);
  const { merged, from } = mergeComponents(mixture, { divergence: 1e-10 });

  it('merges what the reference merges', () => {
    expect(from).toEqual(row.merge_lists);
    for (const [j, mean] of row.new_means.entries()) {
      expect(merged.means[j]).toBeCloseTo(mean, 9);
      expect(merged.logPrecisions[j]).toBeCloseTo(row.new_logprec[j], 9);
    }
  });

  it('gives every weight the value the reference gives it', () => {
    const components = mostResponsible(merged, Float64Array.from(row.weights));
    const values = Array.from(components, (j) => merged.means[j]);
    for (const [i, value] of row.out_with_normalised_pis.entries()) expect(values[i]).toBeCloseTo(value, 9);
  });
});

it('snaps a run to codebooks with an exact, fixed zero', async () => {
  const row = golden.snap[0];
  const run = runOf(row.weights);
  const prior = gaussianMixturePrior({
    components: 5,
    zeroShare: row.pi_zero,
    means: row.means,
    deviation: 1,
    examples: 1,
  });
  const running = await run.start(prior);
  const [, logPrecisions, rhos] = variablesOf(running);
  assign(logPrecisions, row.logprec);
  assign(rhos, row.logpis);
  await run.quantize(prior.quantizer, undefined, undefined, await running.save());
  const { codebook, indices, fixed } = run.shared(run.parameters[0])!;
  const values = Array.from(indices, (index) => codebook[index]);
  expect(values).toEqual(row.out_with_normalised_pis.map(Math.fround));
  expect(codebook[fixed![0]]).toBe(0);
});
