import { type Backend, startBackend } from '@espalier/backend';
import { groupHorseshoe, groupNormalJeffreys } from '@espalier/bayesian-layers';
import {
  createTrainer,
  type Regularizer,
  Run,
  type Schedule,
  type Step,
  type StepRecorder,
  type TrainOptions,
} from '@espalier/core';
import { gaussianMixturePrior } from '@espalier/priors-gmm';
import { agp, level, splicing } from '@espalier/pruners';
import { kmeans } from '@espalier/quantize-kmeans';
import { ratePrior } from '@espalier/rate';
import { distillation, l1 } from '@espalier/regularizers';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, test } from 'vitest';
import { dataOf, net } from './every-plugin.js';

const native: Backend | undefined = await startBackend({ prefer: 'native' }).catch(() => undefined);
if (!native?.recorder) console.warn('replaying is not tested: the addon is not compiled here');

/** A recorder that counts what is replayed. */
function counting(recorder: StepRecorder): StepRecorder & { replayed(): number } {
  const all: ReturnType<StepRecorder['start']>[] = [];
  return {
    replayed: () => all.reduce((sum, { replayed }) => sum + replayed, 0),
    start() {
      const recording = recorder.start();
      all.push(recording);
      return recording;
    },
  };
}

const seeded = (seed: number) => ({ kernelInitializer: tfl.initializers.glorotUniform({ seed }) });

const recurrent = (): Run =>
  new Run(
    tfl.sequential({
      layers: [
        tfl.layers.reshape({ name: 'rows', targetShape: [6, 6], inputShape: [6, 6, 1] }),
        tfl.layers.gru({
          name: 'gru',
          units: 5,
          recurrentActivation: 'sigmoid',
          recurrentInitializer: tfl.initializers.glorotUniform({ seed: 3 }),
          ...seeded(1),
        }),
        tfl.layers.dense({ name: 'out', units: 3, activation: 'softmax', ...seeded(2) }),
      ],
    }),
  );

const dropping = (): Run =>
  new Run(
    tfl.sequential({
      layers: [
        tfl.layers.flatten({ name: 'flat', inputShape: [6, 6, 1] }),
        tfl.layers.dense({ name: 'fc', units: 9, activation: 'relu', ...seeded(1) }),
        tfl.layers.dropout({ name: 'drop', rate: 0.4 }),
        tfl.layers.dense({ name: 'out', units: 3, activation: 'softmax', ...seeded(2) }),
      ],
    }),
    { seed: 5 },
  );

interface Kind {
  readonly run?: () => Run;
  readonly schedules?: () => readonly Schedule[];
  readonly options?: Partial<TrainOptions>;
  /** How many of 28 steps have to be replayed, at least. */
  readonly replays?: number;
}

const kernels = ['fc/kernel', 'out/kernel'];

/**
 * The kinds of steps of our recipes. Of the first epoch of 14 steps 11 can be replayed, of the second all; one less after each
 * firing and, with plugins, at the beginning of an epoch; none less where the values of masks alone are others.
 */
const kinds: Record<string, Kind> = {
  'a plain step, with batch normalisation': { replays: 25 },
  'gradient descent': { options: { optimizer: { name: 'sgd' } }, replays: 25 },
  momentum: { options: { optimizer: { name: 'sgd', momentum: 0.9, nesterov: true } }, replays: 25 },
  'a rate that falls with every step': {
    options: { learningRate: ({ epoch }) => 0.01 / (1 + epoch) },
    replays: 25,
  },
  recurrent: { run: recurrent, replays: 25 },
  dropout: { run: dropping, replays: 25 },
  masks: { schedules: () => [{ plugin: level({ sparsity: 0.5 }) }], replays: 25 },
  'masks that grow': { schedules: () => [{ plugin: agp({ final: 0.8 }), every: 0.5 }], replays: 22 },
  'masks that grow often, at a rate that falls': {
    schedules: () => [{ plugin: agp({ initial: 0.1, final: 0.8 }), every: { steps: 3 } }],
    options: { learningRate: ({ epoch }) => 0.01 / (1 + epoch) },
    replays: 25,
  },
  'masks of two pruners, the one grows': {
    schedules: () => [
      { plugin: { ...level({ sparsity: 0.3 }), name: 'first' } },
      { plugin: agp({ initial: 0.2, final: 0.8 }), every: { steps: 3 } },
    ],
    replays: 24,
  },
  'weights that come back': { schedules: () => [{ plugin: splicing({ sensitivity: 0 }) }], replays: 24 },
  'a penalty': { schedules: () => [{ plugin: l1({ strength: 1e-3 }), parameters: kernels }], replays: 24 },
  'soft weight-sharing': {
    schedules: () => [{ plugin: gaussianMixturePrior({ components: 4 }), parameters: kernels }],
    replays: 24,
  },
  'soft weight-sharing under a growing τ': {
    schedules: () => [
      { plugin: gaussianMixturePrior({ components: 4, tau: { from: 1e-4, to: 1e-2 } }), parameters: kernels },
    ],
    replays: 24,
  },
  'normal-Jeffreys': {
    schedules: () => [{ plugin: groupNormalJeffreys(), parameters: ['conv/kernel', 'fc/kernel'] }],
    replays: 24,
  },
  horseshoe: { schedules: () => [{ plugin: groupHorseshoe(), parameters: ['fc/kernel'] }], replays: 24 },
  'the rate of levels, which costs more and more': {
    schedules: () => [{ plugin: ratePrior({ weight: { from: 0.1, to: 2 } }), parameters: '**' }],
    replays: 24,
  },
  'the rate of levels, steered to a size, with a teacher': {
    schedules: () => [
      { plugin: distillation() },
      { plugin: ratePrior({ weight: { bytes: 40 }, pruneFrom: 0.4 }), parameters: '**' },
    ],
    options: { validation: dataOf(2) },
    replays: 22,
  },
  distillation: { schedules: () => [{ plugin: distillation() }], replays: 24 },
  'shared values': {
    schedules: () => [{ plugin: kmeans({ clusters: 4 }), parameters: kernels, end: 1 }],
    replays: 22,
  },
};

describe.skipIf(!native?.recorder)('replayed steps', () => {
  beforeAll(() => tf.setBackend('tensorflow'));

  /** All weights and slots at the end of two epochs, or of one, and what a second trainer makes of it. */
  async function ends({ run: make = net, schedules, options }: Kind, recorder?: StepRecorder, cut = false) {
    const reasons: string[] = [];
    const run = make();
    const all: TrainOptions = {
      data: dataOf(14),
      epochs: 2,
      optimizers: native!.optimizers!,
      ...(schedules && { schedules: schedules() }),
      ...options,
      ...(recorder && { recorder, onUnrecorded: (reason: string) => reasons.push(reason) }),
    };
    let trainer = await createTrainer(run, all);
    await trainer.nextEpoch();
    const tensors = tf.memory().numTensors;
    if (cut) {
      const state = await trainer.save();
      const saved = await run.save();
      trainer.dispose();
      run.load(saved);
      trainer = await createTrainer(run, { ...all, ...(schedules && { schedules: schedules() }) }, state);
    }
    const { loss, penalty } = await trainer.nextEpoch();
    const grown = tf.memory().numTensors - tensors;
    const weights = run.model.getWeights().map((w) => Array.from(w.dataSync()));
    const { arrays } = await trainer.save();
    const end = { weights, arrays, loss, penalty };
    trainer.dispose();
    run.dispose();
    return { end, reasons, grown };
  }

  test.each(Object.entries(kinds))('%s: the same bits as steps that are taken anew', async (_, kind) => {
    const plain = await ends(kind);
    const recorder = counting(native!.recorder!);
    const replayed = await ends(kind, recorder);
    expect(replayed.reasons).toEqual([]);
    expect(replayed.end).toEqual(plain.end);
    expect(recorder.replayed()).toBeGreaterThanOrEqual(kind.replays!);
    expect(replayed.grown).toBe(plain.grown);
  });

  test.each(['dropout', 'normal-Jeffreys', 'soft weight-sharing under a growing τ'])(
    '%s: a run that is resumed ends with the same bits',
    async (name) => {
      const whole = await ends(kinds[name]);
      const cut = await ends(kinds[name], native!.recorder, true);
      expect(cut.end).toEqual(whole.end);
    },
  );

  const penalty = (make: (step: Step) => tf.Scalar): (() => readonly Schedule[]) => {
    const plugin = {
      name: 'somebody’s',
      kinds: ['regularizer'],
      start: () => ({ penalty: make }),
    } as Regularizer;
    return () => [{ plugin }];
  };
  let count = 0;
  const refused: Record<string, [RegExp, () => readonly Schedule[]]> = {
    'values are read': [
      /it reads values/,
      penalty(({ outputs }) => tf.scalar(tf.mean(outputs as tf.Tensor).dataSync()[0])),
    ],
    'the number of the step is looked at': [
      /number of the step/,
      penalty(({ at }) => tf.scalar(at.step < 9 ? 0 : 1e-3)),
    ],
    'numbers change': [/numbers of shape \[\] change/, penalty(() => tf.scalar(count++ * 1e-4))],
    'ops change': [
      /calls|elsewhere/,
      penalty(
        ({ outputs }) =>
          (count++ % 2 ? tf.mean(outputs as tf.Tensor) : tf.max(outputs as tf.Tensor)) as tf.Scalar,
      ),
    ],
  };

  test.each(Object.entries(refused))(
    'where %s, steps are taken as they are',
    async (_, [reason, schedules]) => {
      count = 0;
      const plain = await ends({ schedules });
      const recorder = counting(native!.recorder!);
      count = 0;
      const { end, reasons } = await ends({ schedules }, recorder);
      expect(reasons).toEqual([expect.stringMatching(reason)]);
      expect(recorder.replayed()).toBe(0);
      expect(end).toEqual(plain.end);
    },
  );

  test('a copy of a weight keeps its value, and an assigned weight is trained on', async () => {
    const recorder = counting(native!.recorder!);
    const train = async (given?: StepRecorder) => {
      const run = net();
      const trainer = await createTrainer(run, {
        data: dataOf(14),
        epochs: 4,
        optimizers: native!.optimizers!,
        ...(given && { recorder: given }),
      });
      await trainer.nextEpoch();
      const { variable } = run.parameters[0];
      const copy = tf.clone(variable);
      const before = copy.dataSync().slice();
      await trainer.nextEpoch();
      expect(copy.dataSync()).toEqual(before);
      copy.dispose();
      tf.tidy(() => variable.assign(tf.mul(variable, 0.5)));
      await trainer.nextEpoch();
      const weights = run.model.getWeights().map((w) => Array.from(w.dataSync()));
      trainer.dispose();
      run.dispose();
      return weights;
    };
    expect(await train(recorder)).toEqual(await train());
    expect(recorder.replayed()).toBeGreaterThan(24);
  });

  /** What is measured after each of three epochs, with weights that are others each time. */
  async function histories({ run: make = net, schedules, options }: Kind, recorder?: StepRecorder) {
    const run = make();
    const before = tf.memory().numTensors;
    const trainer = await createTrainer(run, {
      data: dataOf(2),
      validation: dataOf(9),
      epochs: 3,
      optimizers: native!.optimizers!,
      ...(schedules && { schedules: schedules() }),
      ...options,
      ...(recorder && { recorder }),
    });
    for (let epoch = 0; epoch < 3; epoch++) {
      await trainer.nextEpoch();
      if (epoch === 1)
        tf.tidy(() => run.parameters[0].variable.assign(tf.mul(run.parameters[0].variable, 0.5)));
    }
    const seen = trainer.history.map(({ validationLoss, validationAccuracy }) => [
      validationLoss,
      validationAccuracy,
    ]);
    trainer.dispose();
    const left = tf.memory().numTensors - before;
    run.dispose();
    return { seen, left };
  }

  test.each([
    ['a plain step, with batch normalisation', 24],
    ['recurrent', 24],
    ['dropout', 24],
    ['masks that grow', 24],
    ['normal-Jeffreys', 22],
    ['the rate of levels, which costs more and more', 22],
    ['shared values', 22],
  ])('validation is replayed, to the same bits: %s', async (name, replays) => {
    const plain = await histories(kinds[name]);
    const recorder = counting(native!.recorder!);
    expect(await histories(kinds[name], recorder)).toEqual(plain);
    expect(recorder.replayed()).toBeGreaterThanOrEqual(replays);
    expect(new Set(plain.seen.map(([loss]) => loss)).size).toBe(3);
  });

  test('a metric sees every batch', async () => {
    let looked = 0;
    const metric = {
      name: 'mine',
      better: 'higher',
      start: () => {
        let sum = 0;
        return {
          look: ({ outputs }: { outputs: tf.Tensor }) => {
            looked++;
            return [tf.sum(outputs)];
          },
          add: ([value]: readonly Float32Array[]) => {
            sum += value[0];
          },
          value: () => sum,
        };
      },
    };
    const options = { metrics: [metric as never] };
    await histories({ options }, native!.recorder);
    expect(looked).toBe(27);
  });
});
