import '@tensorflow/tfjs-backend-cpu';
import {
  type Batch,
  createTrainer,
  type Data,
  disposeModel,
  evaluate,
  type Of,
  type Plugin,
  type Pruner,
  type PrunerSession,
  packState,
  Run,
  readLater,
  readNow,
  seededModel,
  train,
  unpackState,
  withLogits,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { expect, test } from 'vitest';
import { perceptron, toyData } from './helpers.js';
import { acting, gradual, learntDecay, penalty, rounding, starting } from './plugins.js';

const stop = (): never => {
  throw new Error('stopped on purpose');
};

/** Data whose batch `at` is what `change` makes of it. */
const spoilt = (change: (batch: Batch) => Batch, at = 1): Data => ({
  ...toyData({}),
  *batches(epoch) {
    let i = 0;
    for (const batch of toyData({}).batches(epoch)) yield i++ === at ? change(batch) : batch;
  },
});

const wider = ({ inputs, labels }: Batch): Batch => {
  tf.dispose(inputs);
  return { inputs: tf.zeros([8, 9]), labels };
};

const pruner = (masks: (of: Of) => ReturnType<PrunerSession['masks']>): Pruner =>
  starting('pruner', ['pruner'], (_, of) => ({ masks: () => masks(of) }));
const once = (plugin: Plugin): object => ({ data: toyData({}), epochs: 1, schedules: [{ plugin }] });

const emptied = ({ inputs, labels }: Batch): Batch => {
  tf.dispose([inputs, labels]);
  return stop();
};

const endless = ({ inputs, labels }: Batch): Batch => {
  tf.dispose(inputs);
  return { inputs: tf.fill([8, 6], Number.NaN), labels };
};

/** What is tried, and whether it fails. */
const cases: Readonly<Record<string, (run: Run) => unknown>> = {
  'a mask of another shape': (run) => run.setMask(run.parameters[0], tf.ones([2])),
  'a mask on shared values': async (run) => {
    await run.quantize(rounding());
    run.setMask(run.select()[0], tf.ones(run.select()[0].shape as number[]));
  },
  'a pruner whose second mask does not fit': (run) =>
    run.prune(pruner((of) => new Map(of.map((p, i) => [p, tf.ones(i === 0 ? [...p.shape] : [3])])))),
  'the same, later': (run) =>
    run.prune(pruner(async (of) => new Map(of.map((p, i) => [p, tf.ones(i === 1 ? [...p.shape] : [3])])))),
  'a pruner that fails': (run) => run.prune(pruner(stop)),
  'a pruner of a stage whose masks do not fit': (run) =>
    train(run, once(pruner((of) => new Map(of.map((p) => [p, tf.ones([3])])))) as never),
  'a variance of another shape': (run) => run.setVariance(run.parameters[0], tf.ones([2])),
  'too few indices': (run) =>
    run.share(run.parameters[0], { codebook: Float32Array.of(0), indices: Uint8Array.of(0) }),
  'a quantizer that fails': (run) => run.quantize(acting('quantizer', { quantize: stop })),
  'a name that there is not': (run) => run.select('hiden/kernel'),
  'a state of another model': (run) => run.load({ arrays: {} }),
  'a state that is none': () => unpackState(new Uint8Array(9)),
  'evaluation on inputs of another width': (run) => evaluate(run.model, spoilt(wider)),
  'evaluation on data that fails': (run) => evaluate(run.model, spoilt(emptied)),
  'evaluation by a loss that there is not': (run) =>
    evaluate(run.model, toyData({}), { loss: 'none' as never }),
  'a look that fails': () => readLater(stop, () => 1),
  'a use that fails': () => readLater(() => [tf.ones([3])], stop),
  'a use that fails at once': () => readNow(() => [tf.ones([3])], stop),
  'work on logits that fails': (run) => withLogits(run.model, stop),
  'training on inputs of another width': (run) => train(run, { data: spoilt(wider), epochs: 1 }),
  'training on data that fails': (run) => train(run, { data: spoilt(emptied), epochs: 1 }),
  'training on too few batches': (run) =>
    train(run, { data: { ...toyData({}), stepsPerEpoch: 9 }, epochs: 1 }),
  'training on what is no number': (run) => train(run, { data: spoilt(endless), epochs: 1 }),
  'a penalty that fails': (run) => train(run, once(acting('p', { penalty: stop })) as never),
  'a penalty that fails after some work': (run) =>
    train(
      run,
      once(
        penalty((of) => {
          tf.sum(tf.square(of[0].variable));
          return stop();
        }),
      ) as never,
    ),
  'a forward pass that fails': (run) => train(run, once(acting('f', { forward: stop })) as never),
  'a noise that fails': (run) => train(run, once(acting('n', { noise: stop })) as never),
  'a noise that does not fit': (run) =>
    train(
      run,
      once(starting('n', ['noise'], (_, of) => ({ noise: () => new Map([[of[0], tf.ones([7])]]) }))) as never,
    ),
  'a plugin that does not start': (run) =>
    train(run, {
      data: toyData({}),
      epochs: 1,
      schedules: [{ plugin: learntDecay() }, { plugin: starting('s', ['regularizer'], stop) }],
    }),
  'an epoch that ends badly': (run) => train(run, once(gradual(0.5, { epochEnd: stop })) as never),
  'a listener that fails': (run) => train(run, { data: toyData({}), epochs: 1, onEpoch: stop }),
  'options that there are not': (run) =>
    createTrainer(run, { data: toyData({}), epochs: 1, epoks: 2 } as never),
  'a stage that is stopped': (run) =>
    train(run, { data: toyData({}), epochs: 1, signal: AbortSignal.abort() }),
  'a trainer given another state': async (run) => {
    await createTrainer(run, { data: toyData({}), epochs: 1 }, { json: 3 });
  },
  'a trainer given the state of another optimizer': async (run) => {
    const options = { data: toyData({}), epochs: 1, schedules: [{ plugin: learntDecay() }] };
    const json = { plugins: { 'learntDecay#0': null }, slots: {} };
    await createTrainer(run, options, { json, arrays: { 'plugin:learntDecay#0:rho': Float32Array.of(1) } });
  },
  'slots that no stage has left': (run) =>
    train(run, { data: toyData({}), epochs: 1, continueSlots: true, schedules: [{ plugin: learntDecay() }] }),
  'a plugin whose session does nothing': (run) =>
    train(run, {
      data: toyData({}),
      epochs: 1,
      schedules: [{ plugin: starting('idle', ['pruner'], () => ({})) }],
    }),
};

test.each(Object.keys(cases))('%s: an error, and no tensor is left', async (what) => {
  const { numTensors } = tf.memory();
  const run = new Run(perceptron());
  const own = tf.memory().numTensors;
  await expect((async () => cases[what](run))()).rejects.toThrow();
  run.dispose();
  expect(tf.memory().numTensors).toBe(own);
  run.model.dispose();
  expect(tf.memory().numTensors).toBe(numTensors);
  expect(run.parameters.length).toBe(4);
});

test('what returns a model returns no tensor beside its weights', async () => {
  const model = perceptron();
  const { numTensors } = tf.memory();
  const copy = await seededModel(model, 3);
  expect(tf.memory().numTensors).toBe(numTensors + copy.weights.length);
  await evaluate(copy, toyData({}));
  const state = await new Run(copy).save();
  unpackState(packState(state));
  copy.dispose();
  expect(tf.memory().numTensors).toBe(numTensors);
  model.dispose();
});

test('a model whose layers are used twice is freed whole', () => {
  const { numTensors } = tf.memory();
  const x = tfl.input({ shape: [4] });
  const twice = tfl.layers.dense({ units: 4 });
  const inner = tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [4] })] });
  const sum = tfl.layers
    .add()
    .apply([inner.apply(twice.apply(twice.apply(x))), inner.apply(x)] as tfl.SymbolicTensor[]);
  disposeModel(tfl.model({ inputs: x, outputs: sum as tfl.SymbolicTensor }));
  expect(tf.memory().numTensors).toBe(numTensors);
});

test.each([
  ['an LSTM', () => tfl.layers.lstm({ units: 3, unitForgetBias: true, inputShape: [5, 4] })],
  [
    'a stack of cells',
    () =>
      tfl.layers.rnn({
        cell: [
          tfl.layers.lstmCell({ units: 3, unitForgetBias: true }),
          tfl.layers.gruCell({ units: 2, resetAfter: false }),
        ],
        inputShape: [5, 4],
      }),
  ],
  [
    'a convolutional LSTM',
    () =>
      tfl.layers.convLstm2d({ filters: 2, kernelSize: 2, unitForgetBias: true, inputShape: [3, 4, 4, 1] }),
  ],
  ['what remembers', () => tfl.layers.lstm({ units: 3, stateful: true, batchInputShape: [2, 5, 4] })],
  [
    'what remembers in both directions',
    () =>
      tfl.layers.bidirectional({
        layer: tfl.layers.simpleRNN({ units: 3, stateful: true }) as tfl.RNN,
        mergeMode: 'concat',
        batchInputShape: [2, 5, 4],
      }),
  ],
])('%s in a model leaves nothing when it is freed', (_, layer) => {
  const before = tf.memory().numTensors;
  const inner = tfl.sequential({ layers: [layer()] });
  const model = tfl.sequential({ layers: [inner] });
  const x = tf.ones(model.inputs[0].shape.map((n) => n ?? 2));
  for (let i = 0; i < 2; i++) tf.dispose(model.predict(x));
  // The initial forget bias is 1, the others are 0.
  const bias = model.weights
    .find(({ name }) => name.includes('lstm') && name.endsWith('bias'))
    ?.read()
    .dataSync();
  if (bias && _ !== 'what remembers') expect([...bias].reduce((sum, v) => sum + v, 0)).toBe(bias.length / 4);
  x.dispose();
  disposeModel(model);
  expect(tf.memory().numTensors).toBe(before);
});
