import '@tensorflow/tfjs-backend-cpu';
import { hash, once, type Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cpuKernels } from './cpu-kernels.js';
import {
  biases,
  biasLogVariances,
  close,
  deviations,
  epochEnd,
  layer,
  logVariances,
  means,
  penalty,
  posterior,
  product,
  write,
} from './known-posterior.js';

const logRates = { inputs: [Math.log(0.5), 0, Math.log(2)], outputs: [Math.log(0.5), Math.log(2)] };
const alphaOf = (side: 'inputs' | 'outputs', i: number): number =>
  Math.exp(logRates[side][side === 'inputs' ? Math.floor(i / 2) : i % 2]);

// The native kernels' formulas, with noise by the seed that they are given.
const kernels = cpuKernels((shape, seed) =>
  tf.randomNormal(shape, 0, 1, 'float32', hash(...seed.dataSync())),
);

describe.each([
  ['inputs', false],
  ['outputs', false],
  ['inputs', true],
] as const)('a posterior of %s, with kernels of the backend %s', (structure, native) => {
  if (native) {
    beforeAll(kernels.register);
    afterAll(kernels.unregister);
  }
  const varianceOf = (i: number): number => Math.exp(logVariances[i]);
  const biasVarianceOf = (i: number): number => Math.exp(biasLogVariances[i]);

  it('tells the run the variance of weights and scales together', async () => {
    const run = layer();
    const { session } = await posterior(run, { structure }, logRates[structure]);
    await epochEnd(session);
    close(
      run.variance(run.parameter('fc/kernel'))?.dataSync(),
      means.map((mean, i) => product(mean, varianceOf(i), alphaOf(structure, i))),
    );
    // Biases have the scales of outputs.
    close(
      run.variance(run.parameter('fc/bias'))?.dataSync(),
      biases.map((mean, i) =>
        structure === 'inputs'
          ? biasVarianceOf(i)
          : product(mean, biasVarianceOf(i), Math.exp(logRates.outputs[i])),
      ),
    );
    session.dispose?.();
    run.dispose();
  });

  it('keeps variances to maxDeviation, wherever they count', async () => {
    const run = layer();
    const most = Math.exp(-1); // log σ² is at most -2
    const bounded = { structure, maxDeviation: { 'fc/kernel': most } };
    const { session } = await posterior(run, bounded, logRates[structure]);
    const cut = logVariances.map((log) => Math.min(log, -2));
    await epochEnd(session);
    close(
      run.variance(run.parameter('fc/kernel'))?.dataSync(),
      means.map((mean, i) => product(mean, Math.exp(cut[i]), alphaOf(structure, i))),
    );
    // As a posterior that has such variances, in what it costs and is judged by.
    const plain = await posterior(layer(), { structure }, logRates[structure]);
    for (const { name, variables } of plain.session.trainables?.() ?? []) {
      if (!name.endsWith('variances')) continue;
      write(variables[0] as tf.Variable, cut);
      write(variables[1] as tf.Variable, [-2, -2]);
    }
    close([penalty(session, 1)], [penalty(plain.session, 1)]);
    close(session.readings()[0].rates, [...plain.session.readings()[0].rates]);
    close(deviations(run, session), [...deviations(plain.run as Run, plain.session)]);
  });

  it('draws outputs of the variance that its weights have', async () => {
    const run = layer();
    const { session } = await posterior(
      run,
      { structure },
      [-20, -20, -20].slice(0, logRates[structure].length),
    );
    kernels.called.length = 0;
    const found = deviations(run, session);
    expect(kernels.called.includes('EspalierScaleNoise')).toBe(native);
    // For inputs of 1 variances add up.
    for (const unit of [0, 1]) {
      const sum = [0, 2, 4].reduce((total, i) => total + varianceOf(i + unit), biasVarianceOf(unit));
      expect(found[unit] / Math.sqrt(sum)).toBeCloseTo(1, 1);
    }
  });

  it('draws nothing for pruned weights', async () => {
    const run = layer();
    const { session } = await posterior(
      run,
      { structure },
      [-20, -20, -20].slice(0, logRates[structure].length),
    );
    run.setMask(run.parameter('fc/kernel'), tf.tensor2d([1, 0, 1, 0, 0, 0], [3, 2]));
    run.setMask(run.parameter('fc/bias'), tf.tensor1d([1, 0]));
    const [first, second] = deviations(run, session);
    expect(first / Math.sqrt(varianceOf(0) + varianceOf(2) + biasVarianceOf(0))).toBeCloseTo(1, 1);
    expect(second).toBeLessThan(1e-5);
  });
});

describe('the penalty', () => {
  it('grows from 0 to the whole over the warm-up', async () => {
    const { session } = await posterior(layer(), { warmUp: 0.4 }, logRates.inputs);
    const whole = penalty(session, 1);
    expect(whole).toBeGreaterThan(0.01);
    const parts = [0, 0.1, 0.2, 0.3, 0.4, 0.5].map((done) => penalty(session, done) / whole);
    close(parts, [0, 0.25, 0.5, 0.75, 1, 1]);
    const byDefault = await posterior(layer(), {}, logRates.inputs);
    close(
      [0.05, 0.1, 0.2].map((done) => penalty(byDefault.session, done) / whole),
      [0.25, 0.5, 1],
    );
    const atOnce = await posterior(layer(), { warmUp: 0 }, logRates.inputs);
    close([penalty(atOnce.session, 0) / whole], [1]);
  });

  it('is over the examples there are, and weighs what it is told', async () => {
    const examples = await posterior(layer(), { warmUp: 0, examples: 10 }, logRates.inputs);
    const weighed = await posterior(layer(), { warmUp: 0, examples: 10, weight: 3 }, logRates.inputs);
    const counted = await posterior(layer(), { warmUp: 0 }, logRates.inputs);
    const unit = 10 * penalty(examples.session, 0);
    close([penalty(weighed.session, 0) / unit], [0.3]);
    // Ten steps of four examples in an epoch.
    close([penalty(counted.session, 0, 4) / unit], [1 / 40]);
  });
});

describe('readings', () => {
  it('are of the best weight of each group, of its own noise and of the scale together', async () => {
    const run = layer();
    const { session } = await posterior(run, {}, logRates.inputs);
    // Var[w z] / E[w z]² is least for the weight whose own is: log(α + (1 + α) σ²/μ²).
    const ratio = (i: number): number =>
      product(means[i], Math.exp(logVariances[i]), alphaOf('inputs', i)) / means[i] ** 2;
    const best = [0, 2, 4].map((i) => Math.log(Math.min(ratio(i), ratio(i + 1))));
    close(session.readings()[0].rates, best);
    // A weight that is pruned is no group's best.
    run.setMask(run.parameter('fc/kernel'), tf.tensor2d([1, 0, 1, 1, 1, 0], [3, 2]));
    close(session.readings()[0].rates, [Math.log(ratio(0)), best[1], Math.log(ratio(4))]);
  });

  it('say what goes from a threshold on, not before its time', async () => {
    const run = layer();
    const rates = (await posterior(run, {}, logRates.inputs)).session.readings()[0].rates;
    const middle = [...rates].sort((a, b) => a - b)[1];
    const options = { threshold: middle, pruneFrom: 0.6, structure: 'inputs' as const };
    const running = await posterior(run, options, logRates.inputs);
    const fire = (epoch: number) =>
      running.fire({ ...once(), epoch, start: 0, end: 10, index: epoch, count: 10 });
    await fire(5);
    expect(run.mask(run.parameter('fc/kernel'))).toBeUndefined();
    await fire(6);
    const kept = Array.from(rates, (rate) => (rate >= middle ? 0 : 1));
    expect(kept.filter((k) => k === 1)).toHaveLength(1);
    expect([...(run.mask(run.parameter('fc/kernel'))?.dataSync() ?? [])]).toEqual(
      kept.flatMap((k) => [k, k]),
    );
    expect([...running.session.readings()[0].dropped]).toEqual(kept.map((k) => 1 - k));
  });
});
