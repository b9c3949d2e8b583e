import { createTrainer, EspalierError, hash, Run, type Running, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import {
  gaussianMixturePrior,
  type MixturePriorOptions,
  type MixtureSession,
  mixtureLoss,
} from '../src/index.js';
import {
  assign,
  normals,
  penaltyOf,
  regression,
  relative,
  runOf,
  started,
  stepAt,
  variablesOf,
} from './models.js';

/** Gradients of a prior's penalty, by what they belong to. */
function gradientsOf(weights: ArrayLike<number>, options: MixturePriorOptions, logPrecisions?: number[]) {
  const run = runOf(weights);
  const prior = started(run, { tau: 1, examples: 1, ...options });
  const groups = variablesOf(prior);
  if (logPrecisions !== undefined) assign(groups[1], logPrecisions);
  const found = penaltyOf(prior, stepAt(0), [run.parameters[0].variable, ...groups]);
  return { session: prior.session, run, groups, ...found };
}

const tutorial = { zeroPrecision: { a: 5e3, b: 2 }, precision: { a: 250, b: 0.1 } };
const free = { zeroPrecision: undefined, precision: undefined };

describe('the gradients of the training path', () => {
  const wide = normals(20_000, 3).map((x) => 0.08 * x);
  // As after retraining: most weights in a spike, the rest near three means, and some on their way.
  const clustered = normals(20_000, 4).map((x, i) =>
    i % 16 ? 0.004 * x : i % 48 ? [-0.2, 0.15, 0.3][hash(i) % 3] + 0.01 * x : 0.3 * x,
  );
  const cases = {
    'wide components': [wide, { components: 16, means: { from: -0.6, to: 0.6 }, deviation: 0.25 }],
    'components as narrow as the hyper-prior has them': [wide, { components: 16, deviation: 0.02 }],
    'a tight spike': [
      clustered,
      { components: 4, means: [-0.2, 0.15, 0.3], deviation: 0.01 },
      [11.5, 9, 9, 9],
    ],
    'very tight components': [
      clustered,
      { components: 4, means: [-0.2, 0.15, 0.3], deviation: 0.01 },
      [13, 12, 8, 12],
    ],
  } as const;

  it.each(Object.entries(cases))('agree with the exact ones: %s', (_, [weights, options, logPrecisions]) => {
    const { session, grads, value } = gradientsOf(weights, options, logPrecisions && [...logPrecisions]);
    const exact = mixtureLoss(session.mixtures().get('all')!, weights, tutorial);
    expect(relative(grads[0], exact.weights)).toBeLessThan(1e-3);
    expect(relative(grads[1], exact.means)).toBeLessThan(1e-3);
    expect(relative(grads[2], exact.logPrecisions)).toBeLessThan(1e-3);
    expect(relative(grads[3], exact.rhos)).toBeLessThan(1e-3);
    const total = exact.data + exact.zeroPrecision + exact.precision;
    expect(Math.abs(value / total - 1)).toBeLessThan(1e-3);
  });

  it('agree without hyper-priors', () => {
    const { session, grads } = gradientsOf(wide, { components: 8, zeroPrecision: false, precision: false });
    const exact = mixtureLoss(session.mixtures().get('all')!, wide, free);
    for (const [i, slopes] of [exact.weights, exact.means, exact.logPrecisions, exact.rhos].entries())
      expect(relative(grads[i], slopes)).toBeLessThan(1e-3);
  });

  it('stay finite for weights far beyond all means', () => {
    const weights = Float32Array.of(0, 0.01, -40, 1e4);
    const { grads } = gradientsOf(weights, { components: 3, means: [-0.1, 0.1], deviation: 0.01 });
    expect(grads[0][3]).toBeCloseTo(1e4 * (1e4 - 0.1), -5); // λ (w - μ) of the nearest component
    expect(grads.flat().every(Number.isFinite)).toBe(true);
  });

  it('of a learned zero share agree with finite differences', () => {
    const options = { components: 4, zeroShare: { mode: 0.9, strength: 500 }, deviation: 0.05 };
    const { session, run, groups, grads } = gradientsOf(wide, options);
    const [logit] = groups[3].dataSync();
    const beta = { a: 451, b: 51 };
    const lossAt = (x: number): number => {
      assign(groups[3], [x]);
      const exact = mixtureLoss(session.mixtures().get('all')!, wide, { ...tutorial, zeroShare: beta });
      return exact.data + exact.zeroShare;
    };
    const slope = (lossAt(logit + 1e-3) - lossAt(logit - 1e-3)) / 2e-3;
    expect(Math.abs(grads[4][0] / slope - 1)).toBeLessThan(1e-3);
    run.dispose();
  });
});

it('leaves pruned weights out', () => {
  const weights = normals(4000, 5).map((x, i) => (i % 4 ? 0 : 0.1 * x));
  const run = runOf(weights);
  const [kernel] = run.parameters;
  run.setMask(
    kernel,
    tf.tensor(
      Float32Array.from(weights, (w) => (w === 0 ? 0 : 1)),
      [4000, 1],
    ),
  );
  const prior = started(run, { components: 4, tau: 1, examples: 1 });
  const { grads } = penaltyOf(prior, stepAt(0), variablesOf(prior));
  const exact = mixtureLoss(
    prior.session.mixtures().get('all')!,
    weights.filter((w) => w !== 0),
    tutorial,
  );
  for (const [i, slopes] of [exact.means, exact.logPrecisions, exact.rhos].entries())
    expect(relative(grads[i], slopes)).toBeLessThan(1e-3);
});

const net = (): Run => {
  const run = new Run(
    tfl.sequential({
      layers: [tfl.layers.dense({ name: 'fc', units: 1, inputShape: [64], kernelInitializer: 'zeros' })],
    }),
    { seed: 1 },
  );
  assign(
    run.parameters[0].variable,
    normals(64, 9).map((x) => 0.2 * x),
  );
  return run;
};
const learning = {
  components: 4,
  tau: 0.1,
  zeroShare: 0.7,
  deviation: 0.05,
  rates: { means: 2e-3, precisions: 2e-2 },
};

describe('training with the prior', () => {
  it('finds the zeros and the two values there are, and snaps to them', async () => {
    const run = net();
    const prior = gaussianMixturePrior(learning);
    const running = await run.start(prior);
    const options = {
      data: regression(64),
      epochs: 150,
      loss: 'meanSquaredError',
      learningRate: 0.01,
    } as const;
    const [first, ...rest] = await train(run, { ...options, schedules: [{ plugin: running }] });
    expect(rest.at(-1)!.loss).toBeLessThan(first.loss);
    const state = await running.save();
    const snapping = await run.start(prior.quantizer, { state });
    await snapping.fire();
    const shared = run.shared(run.parameters[0])!;
    const values = Array.from(run.parameters[0].variable.dataSync());
    expect(values.filter((w) => w === 0)).toHaveLength(48);
    for (let i = 0; i < 64; i += 8) {
      expect(values[i]).toBeCloseTo(0.5, 1);
      expect(values[i + 4]).toBeCloseTo(-0.3, 1);
    }
    expect(shared.codebook.length).toBeLessThanOrEqual(4);
    expect(shared.codebook[shared.fixed![0]]).toBe(0);
    expect(running.session.zeros).toBe(48 / 64);
    const [joint, histograms] = snapping.session.figures!();
    // What was saved is not drawn upon; what is saved now goes on where the quantizer has left it.
    expect(running.session.figures!()).toEqual((await run.start(prior, { state })).session.figures!());
    const after = await run.start(prior, { state: await snapping.save() });
    expect(after.session.figures!()).toEqual([joint, histograms]);
    expect(joint.kind === 'joint' && joint.frames.map(({ label }) => label)).toEqual([
      ...Array.from({ length: 150 }, (_, i) => `epoch ${i}`),
      'retrained',
      'post-processed',
    ]);
    expect(histograms.kind === 'histograms' && histograms.series.map(({ zeros }) => zeros)).toEqual([
      0, 0, 48,
    ]);
  });

  it('prunes what is at zero from a part of the stage on', async () => {
    const run = net();
    const prior = gaussianMixturePrior({ ...learning, pruneFrom: 0.5 });
    const running = await run.start(prior);
    const masked: number[] = [];
    await train(run, {
      data: regression(64),
      epochs: 60,
      loss: 'meanSquaredError',
      learningRate: 0.01,
      schedules: [{ plugin: running }],
      onEpoch: () => {
        const mask = run.mask(run.parameters[0])?.dataSync();
        masked.push(mask === undefined ? 0 : mask.filter((keep) => keep === 0).length);
      },
    });
    expect(masked.slice(0, 30).every((count) => count === 0)).toBe(true);
    expect(masked[30]).toBeGreaterThan(30);
    for (let i = 31; i < 60; i++) expect(masked[i]).toBeGreaterThanOrEqual(masked[i - 1]);
    const values = run.parameters[0].variable.dataSync();
    expect(values.filter((w) => w === 0)).toHaveLength(masked[59]);
    expect(running.session.zeros).toBeGreaterThanOrEqual(masked[59] / 64);
    await run.quantize(prior.quantizer, undefined, undefined, await running.save());
    expect(run.parameters[0].variable.dataSync().filter((w) => w === 0).length).toBeGreaterThanOrEqual(
      masked[59],
    );
  });

  it('goes on bit for bit after a checkpoint, and leaves no tensor', async () => {
    const options = {
      data: regression(64),
      epochs: 6,
      loss: 'meanSquaredError',
      learningRate: 0.01,
    } as const;
    const prior = gaussianMixturePrior({ ...learning, tau: { from: 1, zeros: 0.99, growth: 2 } });
    const schedules = [{ plugin: prior }];
    const whole = net();
    const once = await createTrainer(whole, { ...options, schedules });
    while (!once.done) await once.nextEpoch();
    const end = await once.save();

    const half = net();
    const trainer = await createTrainer(half, { ...options, schedules });
    const before = tf.memory().numTensors;
    for (let i = 0; i < 3; i++) await trainer.nextEpoch();
    expect(tf.memory().numTensors).toBe(before);
    const [runState, state] = [await half.save(), structuredClone(await trainer.save())];
    trainer.dispose();

    const resumed = net();
    resumed.load(runState);
    const rest = await createTrainer(resumed, { ...options, schedules }, state);
    while (!rest.done) await rest.nextEpoch();
    expect(await rest.save()).toEqual({
      ...end,
      json: { ...(end.json as object), history: expect.anything() },
    });
    expect(resumed.parameters[0].variable.dataSync()).toEqual(whole.parameters[0].variable.dataSync());
    const sessions = [rest, once].map(({ running: [{ session }] }) => session as MixtureSession);
    const [ours, theirs] = sessions.map(({ tau, zeros, mixtures, figures }) => [
      tau,
      zeros,
      mixtures(),
      figures!(),
    ]);
    expect(ours).toEqual(theirs);
    await rest.finish();
    await once.finish();
  });

  it('goes on in a later stage with the state of the one before', async () => {
    const options = {
      data: regression(64),
      epochs: 2,
      loss: 'meanSquaredError',
      learningRate: 0.01,
    } as const;
    const prior = gaussianMixturePrior({ ...learning, tau: { from: 1, zeros: 0.99, growth: 2 } });
    const run = net();
    const first = await run.start(prior);
    await train(run, { ...options, schedules: [{ plugin: first }] });
    const state = structuredClone(await first.save());
    const second = await run.start(prior, { state });
    expect(second.session.tau).toBe(first.session.tau);
    expect(second.session.mixtures()).toEqual(first.session.mixtures());
    await train(run, { ...options, schedules: [{ plugin: second }] });
    const [joint] = second.session.figures!();
    expect(joint.kind === 'joint' && joint.frames.at(-1)!.label).toBe('epoch 4');
    for (const running of [first, second]) running.dispose();
  });

  it('goes on where the model was thinned since: fewer weights, the same mixture, its pictures', async () => {
    const run = net();
    const prior = gaussianMixturePrior(learning);
    const running = await run.start(prior);
    const options = { data: regression(64), epochs: 1, loss: 'meanSquaredError' } as const;
    await train(run, { ...options, schedules: [{ plugin: running }] });
    const state = await running.save();
    const smaller = tfl.sequential({
      layers: [tfl.layers.dense({ name: 'fc', units: 1, inputShape: [32] })],
    });
    await run.replaceModel({
      model: smaller,
      kept: new Map([['fc/kernel', [{ axis: 0, indices: Int32Array.from({ length: 32 }, (_, i) => i) }]]]),
    });
    const next = await run.start(prior, { state });
    expect(next.session.figures!()).toEqual(running.session.figures!());
    await train(run, { ...options, data: regression(32), schedules: [{ plugin: next }] });
    expect(next.session.mixtures()).not.toEqual(running.session.mixtures());
    await run.quantize(prior.quantizer, undefined, undefined, await next.save());
    expect(run.shared(run.parameters[0])!.indices).toHaveLength(32);
  });

  it('in two schedules has two mixtures', async () => {
    const run = net();
    assign(run.parameter('fc/bias').variable, [0.1]);
    const prior = gaussianMixturePrior({ ...learning, means: { from: -0.5, to: 0.5 } });
    const trainer = await createTrainer(run, {
      data: regression(64),
      epochs: 1,
      loss: 'meanSquaredError',
      schedules: [
        { plugin: prior, parameters: '**/kernel' },
        { plugin: prior, parameters: '**/bias' },
      ],
    });
    await trainer.nextEpoch();
    const [a, b] = trainer.running.map(({ session }) => (session as MixtureSession).mixtures().get('all'));
    expect(a).not.toEqual(b);
    await trainer.finish();
  });

  it('trains means, precisions and shares at their own rates', () => {
    const rates = (options: MixturePriorOptions): number[] =>
      started(net(), options).session.trainables!().map(({ learningRate }) => learningRate);
    expect(rates({})).toEqual([1e-4, 3e-3, 3e-3]);
    expect(rates({ rates: { means: 1, precisions: 2, shares: 3 } })).toEqual([1, 2, 3]);
  });

  it('frees its variables', () => {
    const run = net();
    const before = tf.memory().numTensors;
    const prior = started(run);
    expect(tf.memory().numTensors).toBe(before + 3);
    prior.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('has a mixture per layer or per parameter if asked for', () => {
    const run = net();
    for (const [share, names] of [
      ['layer', ['fc']],
      ['parameter', ['fc/kernel', 'fc/bias']],
    ] as const) {
      assign(run.parameter('fc/bias').variable, [0.1]);
      const prior = gaussianMixturePrior({ share, means: { from: -0.5, to: 0.5 } });
      const { session } = run.start(prior, { parameters: '**' }) as Running<MixtureSession>;
      expect([...session.mixtures().keys()]).toEqual(names);
      expect(session.trainables!()).toHaveLength(3 * names.length);
    }
  });
});

describe('wrong use', () => {
  const failure = (work: () => unknown): EspalierError => {
    try {
      work();
    } catch (error) {
      return error as EspalierError;
    }
    throw new Error('did not throw');
  };

  it.each([
    [{ component: 4 }, 'unknown-option', "'components'"],
    [{ components: 1 }, 'invalid-option', '2 to 256'],
    [{ zeroShare: 1 }, 'invalid-option', 'zeroShare'],
    [{ zeroShare: { a: 1, b: 3 } }, 'invalid-option', 'no mode'],
    [{ precision: { deviation: 0.1 } }, 'invalid-option', 'strength'],
    [{ precision: { deviation: 0.1, mode: 3, strength: 1 } }, 'invalid-option', 'both'],
    [{ tau: { from: 0.1, too: 1 } }, 'unknown-option', "'to'"],
    [{ tau: { from: 0.1, to: 1, shape: 'cosin' } }, 'invalid-option', "'cosine'"],
    [{ tau: { from: 0, zeros: 0.9 } }, 'invalid-option', 'from'],
    [{ means: [1, 2, 3] }, 'invalid-option', '15 finite'],
    [{ share: 'layers' }, 'invalid-option', "'layer'"],
    [{ rates: { mean: 1 } }, 'unknown-option', "'means'"],
    [{ snap: { merge: { distanc: 1 } } }, 'unknown-option', "'distance'"],
  ] as [object, string, string][])('%j', (options, code, says) => {
    const error = failure(() => gaussianMixturePrior(options as MixturePriorOptions));
    expect(error).toBeInstanceOf(EspalierError);
    expect(error.code).toBe(code);
    expect(error.message).toContain(says);
  });

  it.each([
    [{ tau: 'fast' }, 'tau is fast'],
    [{ tau: null }, 'tau is null'],
  ])('%j', (options, says) => {
    const error = failure(() => gaussianMixturePrior(options as never));
    expect([error.code, error.message]).toEqual(['invalid-option', expect.stringContaining(says)]);
  });

  it('as a quantizer before it was trained', async () => {
    const run = net();
    const prior = gaussianMixturePrior();
    await expect(run.quantize(prior.quantizer)).rejects.toMatchObject({ code: 'bad-state' });
    const state = await started(run).save();
    await expect(run.quantize(prior.quantizer, undefined, undefined, state)).rejects.toMatchObject({
      code: 'bad-state',
    });
  });

  it('on parameters it was not trained with', async () => {
    const run = net();
    const prior = gaussianMixturePrior({ examples: 1 });
    const state = await started(run, { examples: 1 }).save();
    for (const plugin of [prior, prior.quantizer]) {
      const error = failure(() => run.start<object>(plugin, { parameters: '**', state }));
      expect([error.code, error.message]).toEqual(['bad-state', expect.stringContaining('fc/bias')]);
    }
  });

  it('with a state of something else, or of other options', async () => {
    const run = net();
    const state = await started(run).save();
    for (const other of [{}, { json: {} }, { json: { groups: [], tau: 1 } }, { ...state, arrays: {} }]) {
      expect(failure(() => run.start(gaussianMixturePrior(), { state: other })).code).toBe('bad-state');
    }
    for (const options of [{ components: 4 }, { zeroShare: { mode: 0.9, strength: 9 } }]) {
      expect(failure(() => run.start(gaussianMixturePrior(options), { state })).code).toBe('bad-state');
    }
  });

  it('on weights that are not numbers', () => {
    const run = runOf([1, Number.NaN]);
    expect(failure(() => started(run)).code).toBe('not-finite');
  });
});
