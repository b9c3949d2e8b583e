import { createTrainer, EspalierError, hash, Run, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { gaussianMixturePrior, type MixturePriorOptions, mixtureLoss } from '../src/index.js';
import { assign, normals, regression, relative, runOf, stepAt } from './models.js';

/** Gradients of a prior's penalty, by what they belong to. */
function gradientsOf(weights: ArrayLike<number>, options: MixturePriorOptions, logPrecisions?: number[]) {
  const run = runOf(weights);
  const prior = gaussianMixturePrior({ tau: 1, examples: 1, ...options });
  prior.start?.(run, run.select());
  const groups = prior.trainables!().flatMap((group) => group.variables);
  if (logPrecisions !== undefined) assign(groups[1], logPrecisions);
  const variables = [run.parameters[0].variable, ...groups];
  const { value, grads } = tf.variableGrads(() => prior.penalty(run.select(), stepAt(0)), variables);
  return {
    prior,
    run,
    groups,
    value: value.dataSync()[0],
    grads: variables.map((variable) => Array.from(grads[variable.name].dataSync())),
  };
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
    const { prior, grads, value } = gradientsOf(weights, options, logPrecisions && [...logPrecisions]);
    const exact = mixtureLoss(prior.mixtures().get('all')!, weights, tutorial);
    expect(relative(grads[0], exact.weights)).toBeLessThan(1e-3);
    expect(relative(grads[1], exact.means)).toBeLessThan(1e-3);
    expect(relative(grads[2], exact.logPrecisions)).toBeLessThan(1e-3);
    expect(relative(grads[3], exact.rhos)).toBeLessThan(1e-3);
    const total = exact.data + exact.zeroPrecision + exact.precision;
    expect(Math.abs(value / total - 1)).toBeLessThan(1e-3);
  });

  it('agree without hyper-priors', () => {
    const { prior, grads } = gradientsOf(wide, { components: 8, zeroPrecision: false, precision: false });
    const exact = mixtureLoss(prior.mixtures().get('all')!, wide, free);
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
    const { prior, run, groups, grads } = gradientsOf(wide, options);
    const [logit] = groups[3].dataSync();
    const beta = { a: 451, b: 51 };
    const lossAt = (x: number): number => {
      assign(groups[3], [x]);
      const exact = mixtureLoss(prior.mixtures().get('all')!, wide, { ...tutorial, zeroShare: beta });
      return exact.data + exact.zeroShare;
    };
    const slope = (lossAt(logit + 1e-3) - lossAt(logit - 1e-3)) / 2e-3;
    expect(Math.abs(grads[4][0] / slope - 1)).toBeLessThan(1e-3);
    run.dispose();
  });

  it('are multiplied by what the penalty is multiplied by', () => {
    const run = runOf([0.1, -0.3, 0.02]);
    const prior = gaussianMixturePrior({ components: 3, tau: 1, examples: 1 });
    prior.start?.(run, run.select());
    const variables = [run.parameters[0].variable];
    const once = tf.variableGrads(() => prior.penalty(run.select(), stepAt(0)), variables).grads;
    const twice = tf.variableGrads(() => tf.mul(prior.penalty(run.select(), stepAt(0)), 2), variables).grads;
    const [name] = Object.keys(once);
    expect(
      relative(
        twice[name].dataSync(),
        once[name].dataSync().map((g) => 2 * g),
      ),
    ).toBeLessThan(1e-6);
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
  const prior = gaussianMixturePrior({ components: 4, tau: 1, examples: 1 });
  prior.start?.(run, run.select());
  const variables = prior.trainables!().flatMap((group) => group.variables);
  const { grads } = tf.variableGrads(() => prior.penalty(run.select(), stepAt(0)), variables);
  const exact = mixtureLoss(
    prior.mixtures().get('all')!,
    weights.filter((w) => w !== 0),
    tutorial,
  );
  for (const [i, slopes] of [exact.means, exact.logPrecisions, exact.rhos].entries())
    expect(relative(grads[variables[i].name].dataSync(), slopes)).toBeLessThan(1e-3);
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
    const options = {
      data: regression(64),
      epochs: 150,
      loss: 'meanSquaredError',
      learningRate: 0.01,
    } as const;
    const [first, ...rest] = await train(run, { ...options, schedules: [{ plugin: prior }] });
    expect(rest.at(-1)!.loss).toBeLessThan(first.loss);
    await run.quantize(prior);
    const shared = run.shared(run.parameters[0])!;
    const values = Array.from(run.parameters[0].variable.dataSync());
    expect(values.filter((w) => w === 0)).toHaveLength(48);
    for (let i = 0; i < 64; i += 8) {
      expect(values[i]).toBeCloseTo(0.5, 1);
      expect(values[i + 4]).toBeCloseTo(-0.3, 1);
    }
    expect(shared.codebook.length).toBeLessThanOrEqual(4);
    expect(shared.codebook[shared.fixed![0]]).toBe(0);
    expect(prior.zeros).toBe(48 / 64);
    const [joint, histograms] = prior.figures();
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
    const masked: number[] = [];
    await train(run, {
      data: regression(64),
      epochs: 60,
      loss: 'meanSquaredError',
      learningRate: 0.01,
      schedules: [{ plugin: prior }],
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
    expect(prior.zeros).toBeGreaterThanOrEqual(masked[59] / 64);
    await run.quantize(prior);
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
    const tau = { from: 1, zeros: 0.99, growth: 2 };
    const whole = net();
    const one = gaussianMixturePrior({ ...learning, tau });
    await train(whole, { ...options, schedules: [{ plugin: one, owner: 'prior' }] });

    const half = net();
    const two = gaussianMixturePrior({ ...learning, tau });
    const trainer = await createTrainer(half, { ...options, schedules: [{ plugin: two, owner: 'prior' }] });
    const before = tf.memory().numTensors;
    for (let i = 0; i < 3; i++) await trainer.nextEpoch();
    expect(tf.memory().numTensors).toBe(before);
    const [runState, state] = [await half.save(), structuredClone(await trainer.save())];
    trainer.dispose();

    const resumed = net();
    resumed.load(runState);
    const three = gaussianMixturePrior({ ...learning, tau });
    three.load?.(structuredClone(two.save?.()) as never); // a shared plugin is loaded before it is started
    const rest = await createTrainer(resumed, { ...options, schedules: [{ plugin: three, owner: 'prior' }] });
    rest.load(state);
    while (!rest.done) await rest.nextEpoch();
    await rest.finish();
    expect(resumed.parameters[0].variable.dataSync()).toEqual(whole.parameters[0].variable.dataSync());
    expect(three.mixtures()).toEqual(one.mixtures());
    expect(three.tau).toBe(one.tau);
    expect(three.figures()).toEqual(one.figures());
  });

  it('frees its variables', () => {
    const run = net();
    const before = tf.memory().numTensors;
    const prior = gaussianMixturePrior();
    prior.start?.(run, run.select());
    expect(tf.memory().numTensors).toBe(before + 3);
    prior.dispose?.();
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
      prior.start?.(run, run.select('**'));
      expect([...prior.mixtures().keys()]).toEqual(names);
      expect(prior.trainables!()).toHaveLength(3 * names.length);
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

  it('as a quantizer before it was trained', async () => {
    const run = net();
    const prior = gaussianMixturePrior();
    prior.start?.(run, run.select());
    await expect(run.quantize(prior)).rejects.toMatchObject({ code: 'bad-state' });
  });

  it('on parameters it was not trained with', () => {
    const run = net();
    const prior = gaussianMixturePrior();
    prior.start?.(run, run.select());
    expect(failure(() => prior.start?.(run, run.select('**'))).message).toContain('fc/bias');
  });

  it('on weights that are not numbers', () => {
    const run = runOf([1, Number.NaN]);
    expect(failure(() => gaussianMixturePrior().start?.(run, run.select())).code).toBe('not-finite');
  });
});
