import {
  createTrainer,
  type EpochMetrics,
  type PrunerSession,
  Run,
  type Schedule,
  type TrainOptions,
  train,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { close, codeOf, dense, fixedData, perceptron, toyData, values, weightsOf } from './helpers.js';
import {
  acting,
  gradual,
  learntDecay,
  magnitudeMask,
  observer,
  penalty,
  rounding,
  starting,
  wandering,
  wanderingMasks,
} from './plugins.js';

const epochsOf = (count: number, options: Partial<TrainOptions> = {}): TrainOptions => ({
  data: toyData({}),
  epochs: count,
  learningRate: 0.05,
  ...options,
});

const layerOf = (model: tfl.LayersModel, i: number): number[] =>
  model.layers[i].weights.flatMap((w) => values(w.read()));

describe('a step', () => {
  test('equals LayersModel.fit with the same optimizer', async () => {
    const [ours, theirs] = [perceptron(), perceptron()];
    const data = toyData({});
    await train(new Run(ours), { data, epochs: 3, learningRate: 0.05 });
    theirs.compile({ optimizer: tf.train.adam(0.05), loss: 'categoricalCrossentropy' });
    for (let epoch = 0; epoch < 3; epoch++) {
      for await (const { inputs, labels } of data.batches(epoch))
        await theirs.trainOnBatch(inputs as tf.Tensor, labels as tf.Tensor);
    }
    close(weightsOf(ours), weightsOf(theirs), 2e-4);
  });

  test('learns', async () => {
    const history = await train(new Run(perceptron()), epochsOf(30, { validation: toyData({}) }));
    expect(history[29].loss).toBeLessThan(history[0].loss / 2);
    expect(history[29].validationAccuracy).toBeGreaterThan(0.9);
  });

  test('on sgd with a schedule of rates: w -= lr·g, step by step', async () => {
    const model = tfl.sequential({
      layers: [tfl.layers.dense({ units: 1, inputShape: [1], useBias: false, kernelInitializer: 'ones' })],
    });
    // loss = (w - 3)², gradient 2(w - 3).
    const history = await train(new Run(model), {
      data: fixedData([[1]], [[3]], 2),
      epochs: 2,
      loss: 'meanSquaredError',
      optimizer: { name: 'sgd' },
      learningRate: ({ epoch }) => 0.1 * (1 + epoch),
    });
    let w = 1;
    for (const epoch of [0, 0.5, 1, 1.5]) w -= 0.1 * (1 + epoch) * 2 * (w - 3);
    close(weightsOf(model), [w], 1e-6);
    expect(history.map((m) => m.learningRate)).toEqual([0.15000000000000002, 0.25]);
  });

  test('rate factors act on their parameters alone', async () => {
    const [plain, frozen] = [perceptron(), perceptron()];
    const sgd = { optimizer: { name: 'sgd' } as const };
    await train(new Run(plain), { ...epochsOf(1, sgd), data: toyData({ size: 8 }) });
    await train(new Run(frozen), {
      ...epochsOf(1, { ...sgd, rateFactors: [{ parameters: 'hidden/*', factor: 0 }] }),
      data: toyData({ size: 8 }),
    });
    const start = weightsOf(perceptron());
    expect(weightsOf(frozen).slice(0, 35)).toEqual(start.slice(0, 35));
    close(weightsOf(frozen).slice(35), weightsOf(plain).slice(35), 0);
  });

  test('leaves frozen layers and statistics to themselves', async () => {
    const model = perceptron();
    model.layers[0].trainable = false;
    await train(new Run(model), epochsOf(2));
    const before = perceptron();
    expect(layerOf(model, 0)).toEqual(layerOf(before, 0));
    expect(layerOf(model, 1)).not.toEqual(layerOf(before, 1));
  });

  test('a layer that does not reach the loss is left alone', async () => {
    const input = tfl.input({ shape: [6] });
    const out = dense('out', 3, 1, { activation: 'softmax' }).apply(input) as tfl.SymbolicTensor;
    const aside = dense('aside', 2, 2);
    aside.apply(input);
    const model = tfl.model({ inputs: input, outputs: out });
    const run = new Run(model);
    await train(run, epochsOf(2));
    expect(run.parameters.map((p) => p.name)).toEqual(['out/kernel', 'out/bias']);
  });

  test('layer regularizers of TF.js count as a penalty', async () => {
    const model = tfl.sequential({
      layers: [
        dense('a', 3, 1, {
          inputShape: [6],
          activation: 'softmax',
          kernelRegularizer: tfl.regularizers.l2({ l2: 0.5 }),
        }),
      ],
    });
    const squares = values(model.weights[0].read()).reduce((sum, w) => sum + w * w, 0);
    const [first] = await train(new Run(model), epochsOf(1, { data: toyData({ size: 8 }) }));
    expect(first.penalty).toBeCloseTo(0.5 * squares, 5);
  });

  test('batch statistics move as in LayersModel.fit', async () => {
    const make = (): tfl.Sequential =>
      tfl.sequential({
        layers: [
          // A bias before the normalisation has no gradient: Adam would blow up its rounding errors.
          dense('a', 4, 1, { inputShape: [6], useBias: false }),
          tfl.layers.batchNormalization(),
          dense('b', 3, 2, { activation: 'softmax' }),
        ],
      });
    const [ours, theirs] = [make(), make()];
    const data = toyData({});
    await train(new Run(ours), { data, epochs: 2, learningRate: 0.01 });
    theirs.compile({ optimizer: tf.train.adam(0.01), loss: 'categoricalCrossentropy' });
    for (const epoch of [0, 1]) {
      for await (const { inputs, labels } of data.batches(epoch))
        await theirs.trainOnBatch(inputs as tf.Tensor, labels as tf.Tensor);
    }
    close(weightsOf(ours), weightsOf(theirs), 2e-4);
  });

  test('the same seed gives the same bits', async () => {
    const [a, b] = [perceptron(), perceptron()];
    await train(new Run(a, { seed: 3 }), epochsOf(3, { schedules: [{ plugin: gradual(0.5) }] }));
    await train(new Run(b, { seed: 3 }), epochsOf(3, { schedules: [{ plugin: gradual(0.5) }] }));
    expect(weightsOf(a)).toEqual(weightsOf(b));
  });
});

describe('metrics', () => {
  test('loss and penalty are means over the epoch', async () => {
    const run = new Run(perceptron());
    const seen: number[] = [];
    const constant = penalty(() => tf.scalar(0.25));
    const [metrics] = await train(run, {
      ...epochsOf(1, { schedules: [{ plugin: constant }] }),
      loss: (labels, outputs) => {
        const loss = tf.mean(tf.squaredDifference(labels, outputs)) as tf.Scalar;
        seen.push(loss.dataSync()[0]);
        return loss;
      },
    });
    expect(metrics.penalty).toBeCloseTo(0.25, 6);
    expect(metrics.loss).toBeCloseTo(seen.reduce((a, b) => a + b) / seen.length + 0.25, 5);
    expect(metrics.validationLoss).toBeUndefined();
    expect(metrics.epoch).toBe(0);
    expect(metrics.seconds).toBeGreaterThan(0);
  });

  test('sparsity counts all parameters', async () => {
    const run = new Run(perceptron());
    const plugin = starting('half', ['pruner'], (_, of) => ({ masks: () => maskAll(of, 0.5) }));
    const [metrics] = await train(run, epochsOf(1, { schedules: [{ plugin }] }));
    expect(metrics.sparsity).toBeCloseTo((15 + 8) / 53, 12); // round(0.5·30) + round(0.5·15) of 53
  });

  test('onStep: after every 50 steps and at the end of an epoch, with the mean loss so far', async () => {
    const layers = [dense('fc', 1, 1, { inputShape: [1], kernelInitializer: 'zeros' })];
    const run = new Run(tfl.sequential({ layers }));
    const seen: [number, number][] = [];
    await train(run, {
      data: fixedData([[1]], [[3]], 120),
      epochs: 1,
      loss: 'meanSquaredError',
      learningRate: 1e-12,
      onStep: ({ step, loss }) => void seen.push([step, Math.round(loss * 1e4) / 1e4]),
    });
    expect(seen).toEqual([
      [50, 9],
      [100, 9],
      [120, 9],
    ]);
    run.dispose();
  });

  test('epoch and step events', async () => {
    const epochs: EpochMetrics[] = [];
    const steps: { epoch: number; step: number; steps: number; loss: number }[] = [];
    const history = await train(
      new Run(perceptron()),
      epochsOf(2, { onEpoch: (m) => void epochs.push(m), onStep: (at) => void steps.push(at) }),
    );
    expect(epochs).toEqual(history);
    expect(steps.map(({ epoch, step, steps: all }) => [epoch, step, all])).toEqual([
      [0, 3, 3],
      [1, 3, 3],
    ]);
    expect(steps[1].loss).toBeCloseTo(history[1].loss, 6);
  });
});

const maskAll = (of: readonly Parameters<typeof magnitudeMask>[0][], share: number) =>
  new Map(of.map((p) => [p, magnitudeMask(p, share)]));

describe('pruning', () => {
  /** Calls `check` after every step with the run's parameters. */
  async function stepping(
    schedules: Schedule[],
    check: (run: Run) => void,
    options: Partial<TrainOptions> = {},
  ): Promise<Run> {
    const run = new Run(perceptron());
    let first = true;
    const base = toyData({});
    const data = {
      ...base,
      async *batches(epoch: number) {
        for await (const batch of base.batches(epoch)) {
          if (!first) check(run);
          first = false;
          yield batch;
        }
      },
    };
    await train(run, { ...epochsOf(4, options), data, schedules });
    check(run);
    return run;
  }

  /** Every masked weight is +0, to the bit. */
  function checkZeros(run: Run): void {
    for (const p of run.parameters) {
      const mask = run.mask(p);
      if (mask === undefined) continue;
      const [bits, weights] = [values(mask), values(p.variable)];
      for (const [i, bit] of bits.entries()) if (bit === 0) expect(Object.is(weights[i], 0)).toBe(true);
    }
  }

  test.each<[string, Partial<TrainOptions>]>([
    ['adam', {}],
    ['momentum', { optimizer: { name: 'sgd', momentum: 0.9 } }],
    ['nesterov', { optimizer: { name: 'sgd', momentum: 0.9, nesterov: true } }],
  ])('a pruned weight is exactly 0 after every step (%s)', async (_, options) => {
    const run = await stepping(
      [{ plugin: gradual(0.8), start: 1, end: 3, every: { steps: 2 } }],
      checkZeros,
      options,
    );
    const kernel = run.parameter('hidden/kernel');
    expect(values(kernel.variable).filter((w) => w === 0)).toHaveLength(24);
  });

  test('also with weights that revive, with shared values and with a penalty', async () => {
    await stepping([{ plugin: wandering(), end: 3 }], checkZeros);
    await stepping(
      [
        { plugin: gradual(0.5), end: 2 },
        { plugin: rounding(), start: 3 },
      ],
      checkZeros,
    );
    await stepping([{ plugin: gradual(0.5) }, { plugin: learntDecay() }], checkZeros);
  });

  test('a mask outlives its schedule', async () => {
    const run = await stepping([{ plugin: gradual(0.5), end: 1 }], checkZeros);
    expect(values(run.parameter('hidden/kernel').variable).filter((w) => w === 0)).toHaveLength(15);
    await train(run, epochsOf(2));
    expect(values(run.parameter('hidden/kernel').variable).filter((w) => w === 0)).toHaveLength(15);
  });

  test('weights that are not pruned move as in a network without the pruned ones', async () => {
    const free = new Run(perceptron());
    free.setMask(free.parameter('hidden/kernel'), magnitudeMask(free.parameter('hidden/kernel'), 0.5));
    const start = values(free.parameter('hidden/kernel').variable);
    const gradients: number[][] = [];
    const see = observer(({ gradient }) => {
      gradients.push(values(gradient(free.parameter('hidden/kernel'))!));
    });
    await train(free, {
      ...epochsOf(1, { optimizer: { name: 'sgd' }, schedules: [{ plugin: see }] }),
      data: toyData({ size: 8 }),
    });
    const mask = values(free.mask(free.parameter('hidden/kernel'))!);
    const expected = start.map((w, i) => w - 0.05 * gradients[0][i] * mask[i]);
    close(values(free.parameter('hidden/kernel').variable), expected, 1e-6);
  });

  test('two schedules combine, and each may prune once more', async () => {
    const bits = Array.from({ length: 30 }, (_, i) => i % 2);
    const odd = starting('odd', ['pruner'], (_, [kernel]) => ({
      masks: () => new Map([[kernel, tf.tensor(bits, [6, 5])]]),
    }));
    const run = await stepping(
      [
        { plugin: odd, end: 1, parameters: 'hidden/kernel' },
        { plugin: gradual(0.4), end: 1, parameters: 'hidden/kernel' },
      ],
      checkZeros,
    );
    const mask = values(run.mask(run.parameter('hidden/kernel'))!);
    expect(mask.every((bit, i) => bit === 0 || i % 2 === 1)).toBe(true);
    expect(mask.filter((bit) => bit === 0).length).toBeGreaterThanOrEqual(15);
  });
});

describe('reviving', () => {
  test('a weight comes back with the value its dense copy learnt meanwhile', async () => {
    const run = new Run(perceptron());
    const kernel = run.parameter('hidden/kernel');
    const seen: { weights: number[]; dense: number[]; gradient: number[] }[] = [];
    const see = observer(({ gradient }) => {
      seen.push({
        weights: values(kernel.variable),
        dense: values(run.dense(kernel)!),
        gradient: values(gradient(kernel)!),
      });
    });
    await train(run, {
      ...epochsOf(4, { optimizer: { name: 'sgd' } }),
      data: toyData({ size: 8 }),
      schedules: [{ plugin: wandering(), parameters: 'hidden/kernel' }, { plugin: see }],
    });
    for (const [s, { weights, dense: copy }] of seen.entries()) {
      // `wandering` prunes i + s ≡ 0 (mod 3) at step s.
      for (let i = 0; i < 30; i++) expect(weights[i]).toBe((i + s) % 3 === 0 ? 0 : copy[i]);
      if (s > 0) {
        const before = seen[s - 1];
        close(
          copy,
          before.dense.map((w, i) => w - 0.05 * before.gradient[i]),
          1e-6,
        );
      }
    }
    expect(run.dense(kernel)).toBeUndefined();
    expect(values(kernel.variable).filter((w) => w === 0)).toHaveLength(10);
  });

  test('a parameter the pruner passes over at first is trained all the same', async () => {
    const run = new Run(perceptron());
    const late = starting<PrunerSession>('late', ['pruner'], (_, of) => ({
      revives: true,
      masks: (at) => (at.index === 0 ? new Map() : wanderingMasks(of, at)),
    }));
    const kernel = run.parameter('hidden/kernel');
    const trainer = await createTrainer(run, epochsOf(2, { schedules: [{ plugin: late }] }));
    await trainer.nextEpoch();
    const learnt = values(kernel.variable);
    expect(learnt).not.toEqual(weightsOf(perceptron()).slice(0, 30));
    expect(values(run.dense(kernel)!)).toEqual(learnt);
    await trainer.nextEpoch();
    await trainer.finish();
    expect(values(kernel.variable).filter((w) => w === 0)).toHaveLength(10);
  });

  test('after its schedule, what is pruned stays pruned', async () => {
    const run = new Run(perceptron());
    const kernel = run.parameter('hidden/kernel');
    const trainer = await createTrainer(run, epochsOf(4, { schedules: [{ plugin: wandering(), end: 2 }] }));
    await trainer.nextEpoch();
    await trainer.nextEpoch();
    expect(run.dense(kernel)).toBeDefined();
    const mask = values(run.mask(kernel)!);
    await trainer.nextEpoch();
    expect(run.dense(kernel)).toBeUndefined();
    await trainer.nextEpoch();
    expect(values(kernel.variable).map((w) => (w === 0 ? 0 : 1))).toEqual(mask);
    await trainer.finish();
  });
});

describe('shared values', () => {
  test('the gradient of a value is the sum over the weights that share it', async () => {
    // By central differences of the loss over the codebook itself, on one batch.
    const model = perceptron();
    const run = new Run(model);
    const kernel = run.parameter('hidden/kernel');
    const codebook = [-0.6, -0.1, 0, 0.2, 0.7];
    const indices = Uint8Array.from({ length: 30 }, (_, i) => (i * 7) % 5);
    run.share(kernel, { codebook: Float32Array.from(codebook), indices, fixed: [2] });
    const data = toyData({ size: 8 });
    const [{ inputs, labels }] = data.batches(0);
    const loss = (entries: readonly number[]): number =>
      tf.tidy(() => {
        kernel.variable.assign(
          tf.tensor(
            [...indices].map((i) => entries[i]),
            [6, 5],
          ),
        );
        const outputs = model.apply(inputs) as tf.Tensor;
        return tf.losses.softmaxCrossEntropy(labels, tf.log(outputs)).dataSync()[0];
      });
    const expected = codebook.map((_, k) => {
      const at = (h: number): number => loss(codebook.map((v, j) => (j === k ? v + h : v)));
      return (at(1e-2) - at(-1e-2)) / 2e-2;
    });
    run.share(kernel, { codebook: Float32Array.from(codebook), indices, fixed: [2] });
    await train(run, { data, epochs: 1, optimizer: { name: 'sgd' }, learningRate: 0.1 });
    const moved = run.shared(kernel)!;
    expect(moved.codebook[2]).toBe(0);
    for (const k of [0, 1, 3, 4]) {
      expect((codebook[k] - moved.codebook[k]) / 0.1).toBeCloseTo(expected[k], 3);
    }
    expect(values(kernel.variable)).toEqual([...indices].map((i) => moved.codebook[i]));
    expect(moved.indices).toEqual(indices);
  });

  test('stay shared over epochs of Adam, and the other parameters train freely', async () => {
    const run = new Run(perceptron());
    await run.quantize(rounding(), 'hidden/kernel');
    const before = run.shared(run.parameter('hidden/kernel'))!;
    await train(run, epochsOf(3));
    const after = run.shared(run.parameter('hidden/kernel'))!;
    expect(after.indices).toEqual(before.indices);
    expect(after.codebook).not.toEqual(before.codebook);
    const distinct = new Set(values(run.parameter('hidden/kernel').variable));
    expect(distinct.size).toBeLessThanOrEqual(before.codebook.length);
    expect(new Set(values(run.parameter('out/kernel').variable)).size).toBe(15);
  });

  test('a codebook with every entry fixed does not move', async () => {
    const run = new Run(perceptron());
    const kernel = run.parameter('hidden/kernel');
    const codebook = Float32Array.of(-0.5, 0.5);
    run.share(kernel, { codebook, indices: Uint8Array.from({ length: 30 }, (_, i) => i % 2), fixed: [0, 1] });
    await train(run, epochsOf(2));
    expect(run.shared(kernel)!.codebook).toEqual(codebook);
    expect(new Set(values(kernel.variable))).toEqual(new Set([-0.5, 0.5]));
  });

  test('a scheduled quantizer shares at its epoch', async () => {
    const run = new Run(perceptron());
    const trainer = await createTrainer(
      run,
      epochsOf(3, { schedules: [{ plugin: rounding(), start: 1, end: 2 }] }),
    );
    await trainer.nextEpoch();
    expect(run.shared(run.parameter('hidden/kernel'))).toBeUndefined();
    await trainer.nextEpoch();
    expect(run.shared(run.parameter('hidden/kernel'))).toBeDefined();
    await trainer.nextEpoch();
    await trainer.finish();
  });
});

describe('plugins', () => {
  test('observe sees inputs, outputs and gradients', async () => {
    const run = new Run(perceptron());
    const kernel = run.parameter('out/kernel');
    let checked = 0;
    const hiddenOf = tfl.model({ inputs: run.model.inputs, outputs: run.model.layers[0].output });
    const see = observer(({ inputs, labels, outputs, gradient, at }) => {
      const hidden = hiddenOf.apply(inputs) as tf.Tensor;
      // dL/dW = hᵀ (softmax(z) - y) / n for the last layer.
      const error = tf.div(tf.sub(tf.softmax(outputs as tf.Tensor), labels as tf.Tensor), 8);
      close(values(gradient(kernel)!), values(tf.matMul(hidden, error, true)), 1e-5);
      expect(gradient(run.parameter('out/bias'))!.shape).toEqual([3]);
      expect(at.step).toBe(checked);
      checked++;
    });
    await train(run, epochsOf(2, { schedules: [{ plugin: see }] }));
    expect(checked).toBe(6);
  });

  test('observe is called in the epochs of its schedule only', async () => {
    const steps: number[] = [];
    const see = observer(({ at }) => void steps.push(at.step));
    await train(new Run(perceptron()), epochsOf(4, { schedules: [{ plugin: see, start: 1, end: 3 }] }));
    expect(steps).toEqual([3, 4, 5, 6, 7, 8]);
  });

  test('variables of a regularizer train at their own rate', async () => {
    const run = new Run(perceptron());
    const slow = await run.start(learntDecay(1e-3));
    await train(run, { ...epochsOf(1, { schedules: [{ plugin: slow }] }), data: toyData({ size: 8 }) });
    // One step of Adam is the learning rate, in the direction of the minimum.
    expect(slow.session.rho.dataSync()[0]).toBeCloseTo(-3 + 1e-3, 5);
    slow.dispose();
  });

  test('start is called once per schedule with its parameters, and may refuse', async () => {
    const started: string[][] = [];
    const plugin = starting('starter', ['observer'], async (_, of) => {
      started.push(of.map((p) => p.name));
      return { observe: () => undefined };
    });
    await train(new Run(perceptron()), epochsOf(2, { schedules: [{ plugin, parameters: '*/bias' }] }));
    expect(started).toEqual([['hidden/bias', 'out/bias']]);
    const refusing = starting('refuser', ['observer'], () => Promise.reject(new Error('no')));
    await expect(
      train(new Run(perceptron()), epochsOf(1, { schedules: [{ plugin: refusing }] })),
    ).rejects.toThrow('no');
  });
});

describe('refused', () => {
  const options = (schedules: Schedule[]): TrainOptions => epochsOf(3, { schedules });

  test.each<[string, () => TrainOptions, string]>([
    ['no epochs', () => epochsOf(0), 'invalid-option'],
    ['half an epoch', () => epochsOf(1.5), 'invalid-option'],
    ['no batches', () => epochsOf(1, { data: { ...toyData({}), stepsPerEpoch: 0 } }), 'invalid-option'],
    ['an unknown optimizer', () => epochsOf(1, { optimizer: { name: 'adamw' } as never }), 'unknown-name'],
    [
      'an unknown option of the optimizer',
      () => epochsOf(1, { optimizer: { name: 'adam', beta: 1 } as never }),
      'unknown-option',
    ],
    ['an unknown loss', () => epochsOf(1, { loss: 'mse' as never }), 'unknown-name'],
    ['an unknown option', () => epochsOf(1, { epoch: 3 } as never), 'unknown-option'],
    [
      'an unknown key of a schedule',
      () => options([{ plugin: gradual(0.5), from: 1 } as never]),
      'unknown-option',
    ],
    ['a schedule that never fires', () => options([{ plugin: gradual(0.5), start: 3 }]), 'invalid-schedule'],
    [
      'parameters that do not exist',
      () => options([{ plugin: gradual(0.5), parameters: 'nothing/*' }]),
      'unknown-name',
    ],
    [
      'a rate factor of nothing',
      () => epochsOf(1, { rateFactors: [{ parameters: 'nope', factor: 1 }] }),
      'unknown-name',
    ],
    ['a plugin that does nothing', () => options([{ plugin: acting('idle', {}) }]), 'bad-plugin'],
    [
      'two schedules with one owner',
      () =>
        options([
          { plugin: gradual(0.5), owner: 'me' },
          { plugin: wandering(), owner: 'me' },
        ]),
      'invalid-schedule',
    ],
    [
      'pruning after quantising',
      () =>
        options([
          { plugin: rounding(), end: 1 },
          { plugin: gradual(0.5), start: 1 },
        ]),
      'invalid-schedule',
    ],
    [
      'early stopping without patience',
      () => epochsOf(1, { earlyStopping: { patience: 0 }, validation: toyData({}) }),
      'invalid-option',
    ],
    [
      'early stopping on what is not measured',
      () => epochsOf(1, { earlyStopping: { patience: 1 } }),
      'invalid-option',
    ],
    ['keeping the best of what is not measured', () => epochsOf(1, { keepBest: {} }), 'invalid-option'],
    [
      'keeping the best of epochs that do not come',
      () => epochsOf(2, { keepBest: { from: 2 }, validation: toyData({}) }),
      'invalid-option',
    ],
  ])('%s', async (_, make, code) => {
    expect(await codeOf(() => train(new Run(perceptron()), make()))).toBe(code);
  });
});

describe('ends', () => {
  test.each([2, 4])('with an error when an epoch has %i batches and should have 3', async (stepsPerEpoch) => {
    const data = { ...toyData({}), stepsPerEpoch };
    expect(await codeOf(() => train(new Run(perceptron()), { ...epochsOf(2), data }))).toBe('invalid-option');
  });

  test('a loss that is not a number stops training with the epoch and step', async () => {
    const run = new Run(perceptron());
    const base = toyData({});
    const data = {
      ...base,
      *batches(epoch: number) {
        for (const { inputs, labels } of base.batches(epoch)) {
          const scaled = tf.tidy(() => tf.mul(inputs as tf.Tensor, epoch === 1 ? Number.NaN : 1));
          tf.dispose(inputs);
          yield { inputs: scaled, labels };
        }
      },
    };
    const before = tf.memory().numTensors;
    const work = train(run, { ...epochsOf(3), data });
    await expect(work).rejects.toMatchObject({ code: 'not-finite' });
    await expect(work).rejects.toThrow(/loss is NaN in epoch 1/);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a signal stops between two steps', async () => {
    const controller = new AbortController();
    const run = new Run(perceptron());
    const base = toyData({});
    let steps = 0;
    const data = {
      ...base,
      *batches(epoch: number) {
        for (const batch of base.batches(epoch)) {
          if (++steps === 5) controller.abort();
          yield batch;
        }
      },
    };
    const before = tf.memory().numTensors;
    const work = train(run, { ...epochsOf(3, { signal: controller.signal }), data });
    expect(await codeOf(() => work)).toBe('aborted');
    expect(steps).toBe(5);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('early stopping: patience epochs without improvement', async () => {
    const losses = [5, 4, 4.5, 4.2, 3.9, 4, 4.1, 4.2, 1];
    const stoppedAfter = async (patience: number, minDelta = 0): Promise<number> => {
      const run = new Run(perceptron());
      const history = await train(run, {
        ...epochsOf(losses.length, { earlyStopping: { metric: 'loss', patience, minDelta } }),
        data: toyData({ size: 8 }),
        loss: (_, outputs) =>
          tf.add(tf.mul(0, tf.sum(outputs)), losses[Math.min(losses.length - 1, calls++)]) as tf.Scalar,
      });
      return history.length;
    };
    let calls = 0;
    expect(await stoppedAfter(2)).toBe(4);
    calls = 0;
    expect(await stoppedAfter(3)).toBe(8);
    calls = 0;
    expect(await stoppedAfter(3, 0.5)).toBe(5);
    calls = 0;
    expect(await stoppedAfter(9)).toBe(9);
  });

  test('keepBest ends with the weights, masks and shared values of the best epoch', async () => {
    const run = new Run(perceptron());
    const states: number[][] = [];
    const history = await train(
      run,
      epochsOf(12, {
        learningRate: 0.6,
        validation: toyData({ seed: 5 }),
        keepBest: { from: 2 },
        schedules: [{ plugin: gradual(0.6), end: 3 }],
        onEpoch: () => void states.push(weightsOf(run.model)),
      }),
    );
    const candidates = history.slice(2);
    const best = candidates.reduce((a, b) =>
      b.validationAccuracy! > a.validationAccuracy! ||
      (b.validationAccuracy === a.validationAccuracy && b.validationLoss! < a.validationLoss!)
        ? b
        : a,
    );
    expect(best.epoch).toBeLessThan(11);
    expect(weightsOf(run.model)).toEqual(states[best.epoch]);
    expect(values(run.mask(run.parameter('hidden/kernel'))!).filter((bit) => bit === 0)).toHaveLength(18);
  });
});
