import {
  createTrainer,
  type Moment,
  once,
  type PluginState,
  Run,
  type TrainOptions,
  train,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { close, codeOf, perceptron, toyData, values, weightsOf } from './helpers.js';
import { acting, gradual, magnitudeMask, observer, penalty, rounding, starting } from './plugins.js';

const options = (epochs: number, more: Partial<TrainOptions> = {}): TrainOptions => ({
  data: toyData({}),
  epochs,
  learningRate: 0.05,
  ...more,
});

const zerosOf = (run: Run, name: string): number =>
  values(run.parameter(name).variable).filter((w) => w === 0).length;

describe('one plugin', () => {
  test('in two schedules of a stage prunes what each of them names', async () => {
    const run = new Run(perceptron());
    const plugin = gradual(0.6);
    const schedules = [
      { plugin, parameters: 'hidden/kernel' },
      { plugin, parameters: 'out/kernel' },
    ];
    await train(run, options(2, { schedules }));
    expect([zerosOf(run, 'hidden/kernel'), zerosOf(run, 'out/kernel')]).toEqual([18, 9]);
    run.dispose();
  });

  test('in two runs at once knows them apart', async () => {
    const plugin = gradual(0.6);
    const states: PluginState[] = [];
    for (const epochs of [3, 1]) {
      const run = new Run(perceptron());
      const trainer = await createTrainer(run, options(epochs, { schedules: [{ plugin }] }));
      while (!trainer.done) await trainer.nextEpoch();
      states.push(await trainer.running[0].save());
      await trainer.finish();
      run.dispose();
    }
    expect(states.map(({ json }) => json)).toEqual([{ fired: 3 }, { fired: 1 }]);
  });

  test('goes on in a stage with what it knew at the end of the one before', async () => {
    const run = new Run(perceptron());
    const first = await createTrainer(run, options(2, { schedules: [{ plugin: gradual(0.3) }] }));
    while (!first.done) await first.nextEpoch();
    const state = await first.running[0].save();
    await first.finish();
    const second = await createTrainer(run, options(3, { schedules: [{ plugin: gradual(0.6), state }] }));
    while (!second.done) await second.nextEpoch();
    expect((await second.running[0].save()).json).toEqual({ fired: 5 });
    await second.finish();
    run.dispose();
  });

  test('that the caller has started stays with the caller', async () => {
    const run = new Run(perceptron());
    let ended = 0;
    const plugin = starting('counting', ['observer'], (_, of) => {
      let seen = 0;
      return {
        observe: () => {
          seen += of.length;
        },
        save: () => ({ json: seen }),
        dispose: () => void ended++,
      };
    });
    const running = await run.start(plugin, { parameters: '**' });
    const schedules = [{ plugin: running }];
    for (let stage = 0; stage < 2; stage++) await train(run, options(1, { schedules }));
    expect([running.save(), ended]).toEqual([{ json: 2 * 3 * 4 }, 0]);
    running.dispose();
    expect(ended).toBe(1);
    for (const wrong of [{ parameters: '**' }, { owner: 'me' }, { state: {} }]) {
      const work = () => train(run, options(1, { schedules: [{ plugin: running, ...wrong }] }));
      expect(await codeOf(work)).toBe('invalid-schedule');
    }
    expect(await codeOf(() => train(new Run(perceptron()), options(1, { schedules })))).toBe(
      'invalid-schedule',
    );
  });

  test('that only runs the forward pass, or only watches, is enough for a schedule', async () => {
    let passes = 0;
    const forward = acting('passing', {
      forward<T>(_: Moment, pass: () => T): T {
        passes++;
        return pass();
      },
    });
    let steps = 0;
    const schedules = [{ plugin: forward }, { plugin: observer(() => void steps++) }];
    await train(new Run(perceptron()), options(1, { schedules }));
    expect([passes, steps]).toEqual([3, 3]);
  });
});

describe('a plugin of several kinds does all of them', () => {
  const half = (of: Run['parameters']) => new Map(of.map((p) => [p, magnitudeMask(p, 0.5)]));
  const shares = (run: Run) => rounding().start(run, run.select()) as { quantize: never };

  test('prunes, then quantises, at each firing', async () => {
    const run = new Run(perceptron());
    const plugin = starting('both', ['pruner', 'quantizer'], (_, of) => ({
      masks: () => (run.shared(of[0]) ? new Map() : half(of)),
      ...shares(run),
    }));
    await train(run, options(2, { schedules: [{ plugin, end: 1 }] }));
    expect(zerosOf(run, 'hidden/kernel')).toBeGreaterThanOrEqual(15);
    expect(run.shared(run.parameter('hidden/kernel'))).toBeDefined();
    run.dispose();
  });

  test('regularises and quantises', async () => {
    const run = new Run(perceptron());
    const plugin = acting('both', { penalty: () => tf.scalar(0.5), ...shares(run) });
    const [metrics] = await train(run, options(1, { schedules: [{ plugin }] }));
    expect(metrics.penalty).toBeCloseTo(0.5, 6);
    expect(run.shared(run.parameter('hidden/kernel'))).toBeDefined();
    run.dispose();
  });

  test.each([
    ['no name', { kinds: ['pruner'], start: () => ({}) }],
    ['no kinds', { name: 'x', start: () => ({}) }],
    ['a kind that there is not', { name: 'x', kinds: ['prunner'], start: () => ({}) }],
    [
      'a kind too many',
      { name: 'x', kinds: ['pruner', 'prunner'], start: () => ({ masks: () => new Map() }) },
    ],
    ['no start', { name: 'x', kinds: ['pruner'] }],
    ['a session without masks', { name: 'x', kinds: ['pruner'], start: () => ({}) }],
    ['no session', { name: 'x', kinds: ['pruner'], start: () => undefined }],
    ['a penalty that its kinds leave out', { name: 'x', kinds: ['pruner'], start: () => both }],
    ['nothing to do in training', { name: 'x', kinds: ['transform'], start: () => ({ apply() {} }) }],
    ['null', null],
  ])('one with %s is refused', async (_, plugin) => {
    const work = () => train(new Run(perceptron()), options(1, { schedules: [{ plugin: plugin as never }] }));
    expect(await codeOf(work)).toBe('bad-plugin');
  });
  const both = { masks: () => new Map(), penalty: () => tf.scalar(0) };

  test('a session that is refused is disposed', async () => {
    let disposed = 0;
    const session = { dispose: () => disposed++ };
    const plugin = { name: 'x', kinds: ['pruner'], start: () => session };
    expect(await codeOf(() => new Run(perceptron()).start(plugin as never))).toBe('bad-plugin');
    expect(disposed).toBe(1);
  });
});

describe('a penalty with its own gradients', () => {
  test('trains as one that is differentiated, with variables of its own', async () => {
    const learnt = (known: boolean) =>
      starting('ridge', ['regularizer'], (_, of) => {
        const rho = tf.tidy(() => tf.variable(tf.scalar(-1)));
        const squares = () => of.map((p) => tf.sum(tf.square(p.variable))).reduce((a, b) => tf.add(a, b));
        const value = () => tf.add(tf.mul(tf.exp(rho), squares()), tf.square(rho)) as tf.Scalar;
        return {
          penalty() {
            if (!known) return value();
            const own = of.map((p) => [p.variable, tf.mul(p.variable, tf.mul(2, tf.exp(rho)))] as const);
            const ofRho = tf.add(tf.mul(tf.exp(rho), squares()), tf.mul(2, rho));
            return { value: value(), gradients: new Map<tf.Variable, tf.Tensor>([...own, [rho, ofRho]]) };
          },
          trainables: () => [{ name: 'rho', variables: [rho], learningRate: 0.01 }],
          save: () => ({ arrays: { rho: rho.dataSync().slice() as Float32Array } }),
          dispose: () => rho.dispose(),
        };
      });
    const results = [];
    for (const known of [false, true]) {
      const run = new Run(perceptron());
      const { numTensors } = tf.memory();
      const running = await run.start(learnt(known));
      const schedules = [{ plugin: running }, { plugin: penalty(() => tf.scalar(0.25)) }];
      const history = await train(run, options(4, { optimizer: { name: 'sgd' }, schedules }));
      const { rho } = (await running.save()).arrays as { rho: Float32Array };
      running.dispose();
      expect(tf.memory().numTensors).toBe(numTensors);
      results.push({ weights: [...weightsOf(run.model), ...rho], history });
    }
    const [auto, known] = results;
    close(known.weights, auto.weights, 1e-5);
    for (const [i, { loss, penalty: added }] of auto.history.entries()) {
      close([known.history[i].loss, known.history[i].penalty], [loss, added], 1e-5);
    }
  });
});

describe('gradients that penalties bring', () => {
  // A layer that is used twice: its own gradient is a sum, so that the order in which more is added shows.
  const twice = (): tfl.LayersModel => {
    const kernelInitializer = tfl.initializers.glorotUniform({ seed: 5 });
    const shared = tfl.layers.dense({ name: 'shared', units: 4, activation: 'tanh', kernelInitializer });
    const input = tfl.input({ shape: [4] });
    const once = shared.apply(input) as tfl.SymbolicTensor;
    const out = tfl.layers.dense({ name: 'out', units: 3, activation: 'softmax', kernelInitializer });
    return tfl.model({ inputs: input, outputs: out.apply(shared.apply(once)) as tfl.SymbolicTensor });
  };
  const data = {
    size: 8,
    stepsPerEpoch: 1,
    *batches(epoch: number) {
      yield {
        inputs: tf.randomNormal([8, 4], 0, 1, 'float32', epoch + 1),
        labels: tf.tidy(() =>
          tf.cast(tf.oneHot(tf.tensor1d([0, 1, 2, 0, 1, 2, 0, 1], 'int32'), 3), 'float32'),
        ),
      };
    },
  };
  /** strength · ½ Σ w² with its gradient brought along, or known to TF.js. */
  const ridge = (strength: number, brings: boolean) =>
    starting('ridge', ['regularizer'], (_run, of) => ({
      penalty() {
        const weights = of.map(({ variable }) => variable);
        const value = () =>
          tf.mul(tf.addN(weights.map((w) => tf.sum(tf.square(w)))), strength / 2) as tf.Scalar;
        const slopes = () => weights.map((w) => tf.mul(w, strength));
        if (brings)
          return { value: value(), gradients: new Map(slopes().map((slope, i) => [weights[i], slope])) };
        const compute = tf.customGrad(() => ({ value: value(), gradFunc: slopes }));
        return compute(...weights) as tf.Scalar;
      },
    }));

  test('are added up in the order of differentiation, bit for bit', async () => {
    const [tape, brought] = await Promise.all(
      [false, true].map(async (brings) => {
        const run = new Run(twice());
        const schedules = [0.3, 0.07, 0.011].map((strength) => ({ plugin: ridge(strength, brings) }));
        await train(run, options(12, { data, schedules }));
        return weightsOf(run.model);
      }),
    );
    expect(brought).toEqual(tape);
  });

  test('may be one tensor for several variables', async () => {
    const { numTensors } = tf.memory();
    const plugin = starting('pull', ['regularizer'], (_run, of) => ({
      penalty() {
        const slope = tf.ones([4]);
        const biases = of.map(({ variable }) => [variable, slope] as const);
        return { value: tf.scalar(1), gradients: new Map<tf.Variable, tf.Tensor>(biases) };
      },
    }));
    const both = tfl.sequential({
      layers: [
        tfl.layers.dense({ name: 'a', units: 4, inputShape: [4] }),
        tfl.layers.dense({ name: 'b', units: 4 }),
      ],
    });
    const still = new Run(both);
    const flat = {
      ...data,
      *batches() {
        yield { inputs: tf.zeros([8, 4]), labels: tf.zeros([8, 4]) };
      },
    };
    const schedules = [{ plugin, parameters: '**/bias' }];
    await train(
      still,
      options(1, { data: flat, loss: 'meanSquaredError', optimizer: { name: 'sgd' }, schedules }),
    );
    for (const name of ['a/bias', 'b/bias'])
      close(values(still.parameter(name).variable), Array(4).fill(-0.05));
    expect(tf.memory().numTensors).toBe(numTensors + 4);
  });
});

describe('the slots of an optimizer', () => {
  test.each([{ name: 'adam' as const }, { name: 'sgd' as const, momentum: 0.9 }])(
    'go on in the next stage if asked to: $name, bit for bit, also from a saved run',
    async (optimizer) => {
      const whole = new Run(perceptron());
      await train(whole, options(4, { optimizer }));
      const halves = new Run(perceptron());
      await train(halves, options(2, { optimizer, keepSlots: true }));
      const saved = await halves.save();
      const data = { ...toyData({}), batches: (epoch: number) => toyData({}).batches(epoch + 2) };
      await train(halves, options(2, { optimizer, continueSlots: true, data }));
      expect(weightsOf(halves.model)).toEqual(weightsOf(whole.model));
      expect(halves.slots(halves.parameters[0])).toBeUndefined();
      const again = new Run(perceptron(5));
      again.load(saved);
      await train(again, options(2, { optimizer, continueSlots: true, data }));
      expect(weightsOf(again.model)).toEqual(weightsOf(whole.model));
      const fresh = new Run(perceptron());
      await train(fresh, options(2, { optimizer }));
      await train(fresh, options(2, { optimizer, data }));
      expect(weightsOf(fresh.model)).not.toEqual(weightsOf(whole.model));
    },
  );
});

describe("in a loop of one's own", () => {
  test('a pruner that is started remembers between its firings, and masks go by their owner', async () => {
    const run = new Run(perceptron());
    const running = await run.start(gradual(0.6), { parameters: 'hidden/kernel', owner: 'mine' });
    for (let index = 0; index < 3; index++) await running.fire({ ...once(), index, count: 3 });
    expect(running.save()).toMatchObject({ json: { fired: 3 } });
    expect(zerosOf(run, 'hidden/kernel')).toBe(18);
    run.setMask(run.parameter('hidden/kernel'), null, 'mine');
    expect(run.mask(run.parameter('hidden/kernel'))).toBeUndefined();
    running.dispose();
  });

  test('a quantizer is started with the state of the prior that it belongs to', async () => {
    const run = new Run(perceptron());
    const seen: unknown[] = [];
    const quantizer = starting('snap', ['quantizer'], (own, of, state) => {
      seen.push(state?.json);
      return rounding().start(own, of) as { quantize: never };
    });
    await run.quantize(quantizer, 'out/kernel', once(), { json: 'learnt' });
    expect(seen).toEqual(['learnt']);
    expect(run.shared(run.parameter('out/kernel'))).toBeDefined();
  });
});
