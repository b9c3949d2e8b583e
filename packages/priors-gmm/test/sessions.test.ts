import { type Read, Run, type Running, readNow, type Step } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterEach, describe, expect, it } from 'vitest';
import {
  gaussianMixturePrior,
  type MixturePriorOptions,
  type MixtureSession,
  mixtureLoss,
} from '../src/index.js';
import { assign, penaltyOf, stepAt, variablesOf } from './models.js';

const hyper = { zeroPrecision: { a: 5e3, b: 2 }, precision: { a: 250, b: 0.1 } };
const kernel = [0.01, 0.15, 0.2, 0.22, -0.3, 0];
const options: MixturePriorOptions = { components: 3, means: [-0.3, 0.2], deviation: 0.02, tau: 2 };

/** Six weights, of which 0.01 and 0 are nearest to 0, and a bias that is. */
function runOfSeven(): Run {
  const layer = tfl.layers.dense({ name: 'fc', units: 1, inputShape: [6] });
  const run = new Run(tfl.sequential({ layers: [layer] }));
  assign(run.parameters[0].variable, kernel);
  assign(run.parameters[1].variable, [0.005]);
  return run;
}

const open = new Set<Running<MixtureSession>>();
afterEach(() => {
  for (const running of open) running.dispose();
  open.clear();
});

function start(
  run: Run,
  own: MixturePriorOptions = {},
  use: { parameters?: string; state?: object } = {},
): Running<MixtureSession> {
  const prior = gaussianMixturePrior({ ...options, ...own });
  const running = run.start(prior, { parameters: '**', ...use } as object) as Running<MixtureSession>;
  open.add(running);
  return running;
}

/** A step like `stepAt`'s, of a batch and an epoch of other sizes. */
function stepOf(index: number, stepsPerEpoch: number, batch: number): Step {
  const step = stepAt(index, 4);
  return { ...step, at: { ...step.at, stepsPerEpoch }, labels: tf.zeros([batch, 1]) };
}

/** What the loss of some weights is by the plain formula. */
function lossOf({ session }: Running<MixtureSession>, group: string, weights: readonly number[]): number {
  const { data, zeroPrecision, precision } = mixtureLoss(
    session.mixtures().get(group)!,
    Float32Array.from(weights),
    hyper,
  );
  return data + zeroPrecision + precision;
}

describe('a step', () => {
  it('of two mixtures is the sum of both, and its zeros are a share of all weights', () => {
    const run = runOfSeven();
    const running = start(run, { share: 'parameter', examples: 10 });
    const both = lossOf(running, 'fc/kernel', kernel) + lossOf(running, 'fc/bias', [0.005]);
    const { value } = penaltyOf(running, stepAt(0), variablesOf(running));
    expect(value / ((2 / 10) * both)).toBeCloseTo(1, 4);
    expect(running.session.zeros).toBeCloseTo(3 / 7, 6);
  });

  it('with a learned share of zeros counts its Beta prior, at what the share is by now', () => {
    const own = { zeroShare: { mode: 0.5, strength: 4 }, zeroPrecision: false, precision: false } as const;
    const running = start(runOfSeven(), { ...own, examples: 1 }, { parameters: 'fc/kernel' });
    const variables = variablesOf(running);
    const logit = variables[3];
    assign(logit, [1]);
    const { value, grads } = penaltyOf(running, stepAt(0), variables);
    const mixture = running.session.mixtures().get('all')!;
    const exact = mixtureLoss(mixture, Float32Array.from(kernel), {});
    expect([exact.zeroPrecision, exact.precision]).toEqual([0, 0]);
    const share = 1 / (1 + Math.exp(-1));
    expect(Math.exp(mixture.logShares[0])).toBeCloseTo(share, 6);
    const beta = -2 * (Math.log(share) + Math.log(1 - share)); // of a = b = 3
    expect(value / (2 * (exact.data + beta))).toBeCloseTo(1, 4);
    // Without hyper-priors on the precisions their slopes are those of the data alone.
    for (const [j, slope] of exact.logPrecisions.entries()) expect(grads[1][j]).toBeCloseTo(2 * slope, 2);
  });

  it('counts as many examples as an epoch has steps times the batch, where none are told', async () => {
    const running = start(runOfSeven(), {}, { parameters: 'fc/kernel' });
    const { value } = penaltyOf(running, stepOf(0, 3, 4), variablesOf(running));
    expect(value / ((2 / 12) * lossOf(running, 'all', kernel))).toBeCloseTo(1, 4);
    expect(await running.save()).toMatchObject({ json: { examples: 12 } });
  });
});

describe('a weight of the prior that grows until half is zeros', () => {
  const growing = { tau: { from: 1, zeros: 0.5, growth: 4 }, examples: 1 };
  const nothing: tf.Variable[] = [];

  it('grows by its factor an epoch from the second step on, and is saved so', async () => {
    const run = runOfSeven();
    const running = start(run, growing);
    const taus: number[] = [];
    for (let i = 0; i < 3; i++) {
      penaltyOf(running, stepOf(i, 2, 1), nothing);
      if (i < 2) taus.push(((await running.save())!.json as { tau: number }).tau);
    }
    const { json } = (await running.save())!;
    expect(json).toMatchObject({ zeros: expect.closeTo(3 / 7, 6), tau: expect.closeTo(4, 5) });
    expect(taus).toEqual([1, expect.closeTo(2, 6)]);
    expect(running.session.tau).toBeCloseTo(4, 5);
    const next = start(run, growing, { state: (await running.save()) as object });
    expect([next.session.tau, next.session.zeros]).toEqual([running.session.tau, running.session.zeros]);
    penaltyOf(next, stepOf(3, 2, 1), nothing);
    expect(next.session.tau).toBeCloseTo(8, 5);
  });

  it('never grows beyond a thousand times where it began, or what is told', () => {
    for (const [more, most] of [
      [{}, 1000],
      [{ most: 70 }, 70],
    ] as const) {
      const running = start(runOfSeven(), {
        tau: { from: 1, zeros: 0.5, growth: 1e9, ...more },
        examples: 1,
      });
      for (let i = 0; i < 3; i++) penaltyOf(running, stepOf(i, 1, 1), nothing);
      expect(running.session.tau).toBe(most);
    }
  });

  it('stays where there are enough', () => {
    const run = runOfSeven();
    assign(run.parameters[0].variable, [0.01, 0, 0, 0.22, -0.3, 0]);
    const running = start(run, growing);
    for (let i = 0; i < 3; i++) penaltyOf(running, stepOf(i, 2, 1), nothing);
    expect(running.session.tau).toBe(1);
    expect(running.session.zeros).toBeCloseTo(5 / 7, 6);
  });
});

describe('what a session keeps', () => {
  it('is freed with it, the numbers of its last step too', () => {
    const run = runOfSeven();
    const before = tf.memory().numTensors;
    const running = start(run, { examples: 1 });
    const step = stepAt(0);
    penaltyOf(running, step, []);
    running.dispose();
    open.delete(running);
    tf.dispose([step.labels, step.inputs]);
    expect(tf.memory().numTensors).toBe(before);
  });

  const labels = ({ session }: { session: MixtureSession }): string[][] =>
    session.figures!().map((figure) =>
      figure.kind === 'joint'
        ? figure.frames.map(({ label }) => label)
        : figure.kind === 'histograms'
          ? figure.series.map(({ label }) => label)
          : [],
    );

  it('is a picture of each epoch', async () => {
    const running = start(runOfSeven(), { examples: 1 });
    const end = running.session.epochEnd as (at: Step['at'], read: Read) => Promise<void>;
    for (let i = 0; i < 2; i++) await end(stepAt(i, 2).at, readNow);
    expect(labels(running)).toEqual([['epoch 0', 'epoch 1', 'epoch 2'], ['before']]);
  });

  it('is no picture where none is wanted', async () => {
    const { session } = start(runOfSeven(), { examples: 1, frames: false });
    await session.epochEnd!(stepAt(0).at);
    expect(session.figures!()).toEqual([]);
  });

  it('starts with means over the range of the weights, wherever they stand', () => {
    const run = runOfSeven();
    assign(run.parameters[0].variable, [0.5, 1, 0.25, -1, 0, 0.2]);
    const { session } = start(run, { means: 'range' }, { parameters: 'fc/kernel' });
    // -1, 0 and 1, of which the one at 0 is the zero component's.
    expect([...session.mixtures().get('all')!.means]).toEqual([0, -1, 1]);
  });

  it('is what the quantizer draws and finds: of the parameters it has, no others', async () => {
    const run = runOfSeven();
    const running = start(run, { examples: 1 });
    const prior = gaussianMixturePrior({ ...options, examples: 1, snap: { merge: {} } });
    const state = await running.save();
    const snapping = await run.start(prior.quantizer, { parameters: 'fc/kernel', state });
    await snapping.fire();
    const [weights, bias] = run.parameters.map(({ variable }) =>
      Array.from(variable.dataSync(), (w) => Number(w.toFixed(4))),
    );
    expect([weights, bias]).toEqual([[0, 0.2, 0.2, 0.2, -0.3, 0], [0.005]]);
    expect(run.shared(run.parameters[1])).toBeUndefined();
    expect(labels(snapping as unknown as { session: MixtureSession })).toEqual([
      ['epoch 0', 'retrained', 'post-processed'],
      ['before', 'retrained', 'post-processed'],
    ]);
    expect(() => run.start(prior.quantizer, { parameters: '**', state: { json: 1 } })).toThrow('state');
  });
});
