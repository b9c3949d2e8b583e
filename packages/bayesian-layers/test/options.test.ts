import '@tensorflow/tfjs-backend-cpu';
import { type KnownPenalty, type Moment, Run, type Running } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { type GroupPriorOptions, type GroupSession, groupNormalJeffreys } from '../src/index.js';
import { stream } from '../src/internal/normal.js';
import { numbersOf, stepAt } from './models.js';

const dense = (): Run => {
  const kernelInitializer = tfl.initializers.constant({ value: 0.5 });
  return new Run(
    tfl.sequential({
      layers: [tfl.layers.dense({ name: 'a', units: 3, inputShape: [4], kernelInitializer })],
    }),
    { seed: 1 },
  );
};
const started = (run: Run, options: GroupPriorOptions): Running<GroupSession> =>
  run.start(groupNormalJeffreys({ frames: false, examples: 10, ...options })) as Running<GroupSession>;
const valueAt = async ({ session }: Running<GroupSession>, index: number): Promise<number> =>
  (await numbersOf(() => session.penalty(stepAt(index, 5, 4)) as KnownPenalty, [])).value;

describe('warmUp', () => {
  it('lets the factor of the KL grow from 0, linearly, to its weight', async () => {
    const running = started(dense(), { warmUp: 0.5, weight: 3 });
    const whole = await valueAt(started(dense(), { warmUp: 0, weight: 3 }), 0);
    expect(whole).toBeGreaterThan(0);
    // Half of 4 epochs of 5 steps.
    for (const [step, share] of [
      [0, 0],
      [1, 0.1],
      [5, 0.5],
      [9, 0.9],
      [10, 1],
      [19, 1],
    ]) {
      expect(await valueAt(running, step)).toBeCloseTo(share * whole, 4);
    }
  });

  it('is a fifth of the stage unless it is said', async () => {
    const running = started(dense(), {});
    const whole = await valueAt(started(dense(), { warmUp: 0 }), 0);
    expect(await valueAt(running, 3)).toBeCloseTo(0.75 * whole, 4);
  });
});

describe('maxDeviation', () => {
  const most = 0.05;
  const filled = (
    options: GroupPriorOptions,
    logVariance: number,
  ): { run: Run; running: Running<GroupSession> } => {
    const run = dense();
    const running = started(run, { warmUp: 0, ...options });
    const [variances] = running.session.trainables!().map(({ variables }) => variables);
    tf.tidy(() => {
      for (const v of variances) v.assign(tf.fill(v.shape, logVariance));
    });
    return { run, running };
  };
  const bound = 2 * Math.log(most);

  it('is where variances end: in the KL, in what is published and in what groups are judged by', async () => {
    const over = filled({ maxDeviation: most }, 0);
    const at = filled({}, bound);
    expect(await valueAt(over.running, 0)).toBeCloseTo(await valueAt(at.running, 0), 4);
    for (const { running } of [over, at]) await running.session.epochEnd!(stepAt(0, 1, 1).at);
    for (const [i, p] of over.run.parameters.entries()) {
      const expected = at.run.variance(at.run.parameters[i])!.dataSync();
      for (const [k, v] of over.run.variance(p)!.dataSync().entries()) expect(v).toBeCloseTo(expected[k], 6);
    }
    const [[ours], [theirs]] = [over, at].map(({ running }) => running.session.readings());
    for (const [g, rate] of ours.rates.entries()) expect(rate).toBeCloseTo(theirs.rates[g], 5);
  });

  it('is where draws end', () => {
    const x = tf.ones([2000, 4]);
    const deviation = (options: GroupPriorOptions): number => {
      const { run, running } = filled({ start: { scale: -30 }, ...options }, 0);
      return tf.tidy(() => {
        const pass = (): tf.Tensor => run.model.apply(x, { training: true }) as tf.Tensor;
        const y = running.session.forward(stepAt(0, 1, 1).at as Moment, pass);
        return tf.sqrt(tf.moments(y, 0).variance).dataSync()[0];
      });
    };
    // Four weights and a bias of the deviation 1, or `most`.
    expect(deviation({}) / Math.sqrt(5)).toBeCloseTo(1, 1);
    expect(deviation({ maxDeviation: most }) / (most * Math.sqrt(5))).toBeCloseTo(1, 1);
  });

  it('only lets slopes through that lead back', async () => {
    const { running } = filled({ maxDeviation: most }, 0);
    const [variances] = running.session.trainables!().map(({ variables }) => variables);
    // The bias's prior is N(0, 1): its variance wants to grow. The weights' are at their group's size: σ² ≪ z².
    const { grads } = await numbersOf(
      () => running.session.penalty(stepAt(0, 5, 4)) as KnownPenalty,
      variances,
    );
    for (const slopes of grads) expect([...slopes].every((slope) => slope === 0)).toBe(true);
  });
});

it('variances and scales have rates of their own', () => {
  const rates = (options: GroupPriorOptions): number[] =>
    started(dense(), options).session.trainables!().map(({ learningRate }) => learningRate);
  expect(rates({})).toEqual([0.01, 0.01]);
  expect(rates({ rates: { variances: 1, scales: 2 } })).toEqual([1, 2]);
});

it('a posterior starts with deviations in units of the root mean square, and at the scale that is said', () => {
  const running = started(dense(), { start: { deviation: 0.1, scale: -3 } });
  const [variances, scales] = running.session.trainables!().map(({ variables }) => variables);
  for (const v of variances)
    for (const log of v.dataSync()) expect(log).toBeCloseTo(2 * Math.log(0.1 * 0.5), 5);
  expect([...scales[0].dataSync()]).toEqual([-3, -3, -3, -3]);
});

describe('the noise of a batch', () => {
  it('has the other sign in its second half; it depends on the seed and on how often it was drawn', () => {
    const rows = (seed: number, shape: number[], times = 1): number[] => {
      const draw = stream(seed, 4);
      let drawn: number[] = [];
      for (let i = 0; i < times; i++) drawn = tf.tidy(() => [...draw(shape).dataSync()]);
      return drawn;
    };
    const even = rows(1, [4, 3]);
    expect(even.slice(6)).toEqual(even.slice(0, 6).map((x) => -x));
    expect(rows(1, [4, 3])).toEqual(even);
    for (const other of [rows(2, [4, 3]), rows(1, [4, 3], 2)]) expect(other).not.toEqual(even);
    const odd = rows(1, [3, 2]);
    expect(new Set(odd.map(Math.abs)).size).toBe(6);
  });
});
