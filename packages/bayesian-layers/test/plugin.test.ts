import {
  createTrainer,
  jsOptimizers,
  type Parameter,
  type PluginState,
  type PrunerSession,
  packState,
  Run,
  type Running,
  train,
  unpackState,
} from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import {
  type GroupPrior,
  type GroupSession,
  gaussianKl,
  groupHorseshoe,
  groupNormalJeffreys,
  logUniformKl,
} from '../src/index.js';
import type { LayerPosterior } from '../src/internal/layer-posterior.js';
import { scalePriors } from '../src/math/scale-priors.js';
import { dataOf, numbersOf, posteriorOver, stepAt } from './models.js';

vi.setConfig({ testTimeout: 300_000 }); // for machines that are busy

beforeAll(() => tf.setBackend('cpu'));

const mlp = (): tfl.LayersModel =>
  tfl.sequential({
    layers: [
      tfl.layers.dense({
        name: 'a',
        units: 6,
        inputShape: [10],
        activation: 'relu',
        kernelInitializer: tfl.initializers.glorotUniform({ seed: 1 }),
      }),
      tfl.layers.dense({
        name: 'b',
        units: 1,
        kernelInitializer: tfl.initializers.glorotUniform({ seed: 2 }),
      }),
    ],
  });
const convolutional = (): tfl.LayersModel =>
  tfl.sequential({
    layers: [
      tfl.layers.conv2d({ name: 'c', filters: 4, kernelSize: 2, inputShape: [3, 3, 2] }),
      tfl.layers.batchNormalization({ name: 'n' }),
      tfl.layers.flatten(),
      tfl.layers.dense({ name: 'd', units: 1 }),
    ],
  });

/** A prior started on parameters of a run, the kernels by default. */
function started(
  run: Run,
  prior: GroupPrior,
  state?: PluginState,
  parameters?: string,
): Running<GroupSession> {
  return run.start(prior, {
    ...(state && { state }),
    ...(parameters !== undefined && { parameters }),
  }) as Running<GroupSession>;
}

describe.each([
  ['groupNormalJeffreys', 'inputs'],
  ['groupNormalJeffreys', 'outputs'],
  ['groupHorseshoe', 'inputs'],
  ['groupHorseshoe', 'outputs'],
] as const)('KL of %s on %s', (owner, structure) => {
  const make = async (): Promise<{ run: Run; layer: LayerPosterior }> => {
    const run = new Run(mlp(), { seed: 1 });
    tf.tidy(() => run.parameters[1].variable.assign(tf.randomNormal([6], 0, 0.3, 'float32', 3)));
    const layer = await posteriorOver(run, owner, { structure });
    tf.tidy(() => {
      for (const [i, v] of Object.values(layer.variables).entries()) {
        if (v.size > 4 || owner === 'groupNormalJeffreys')
          v.assign(tf.add(v, tf.randomNormal(v.shape, 0, 0.3, 'float32', 11 + i)) as tf.Tensor);
      }
    });
    return { run, layer };
  };

  it('has the gradients of finite differences, masked or not', async () => {
    const { run, layer } = await make();
    const variables = [layer.kernel.variable, layer.bias!.variable, ...Object.values(layer.variables)];
    for (const masked of [false, true]) {
      if (masked) {
        const mask = tf.tidy(() =>
          tf.cast(tf.greater(tf.randomUniform([10, 6], 0, 1, 'float32', 5), 0.3), 'float32'),
        );
        run.setMask(layer.kernel, mask);
      }
      const value = (): number => {
        const [found] = tf.tidy(() => layer.kl(run, 0.5).value.dataSync());
        return 2 * found;
      };
      const { grads } = await numbersOf(() => layer.kl(run, 0.5), variables);
      for (const [v, variable] of variables.entries()) {
        const gradient = grads[v].map((g) => 2 * g);
        const start = variable.dataSync().slice();
        for (const i of [0, Math.floor(start.length / 2), start.length - 1]) {
          const h = 0.02;
          const at = (x: number): number => {
            const moved = start.slice();
            moved[i] += x;
            tf.tidy(() => variable.assign(tf.tensor(moved, variable.shape) as tf.Tensor));
            return value();
          };
          const held = masked && variable.shape.length === 2 && run.mask(layer.kernel)!.dataSync()[i] === 0;
          const difference = (at(h) - at(-h)) / (2 * h);
          at(0);
          if (held) expect(gradient[i]).toBeCloseTo(0, 5);
          else expect(Math.abs(gradient[i] - difference)).toBeLessThan(0.02 + 0.01 * Math.abs(difference));
        }
      }
    }
  });

  it('is the KL of the layers, in units of the scales', async () => {
    const { run, layer } = await make();
    const [kl, parts, scales] = tf.tidy(() => {
      const { kernel, bias, logVariance, biasLogVariance, groups: own } = layer;
      const energy = tf.add(tf.square(kernel.variable), tf.exp(logVariance));
      const outputs = structure === 'outputs';
      let total = tf.reshape(tf.sum(energy, outputs ? 0 : 1), [own.count]);
      if (outputs) total = tf.addN([total, tf.square(bias!.variable), tf.exp(biasLogVariance!)]);
      const { rate } = layer.scales.kl({ energy: total, size: tf.fill([own.count], outputs ? 11 : 6) });
      const z = tf.reshape(tf.rsqrt(rate), [...own.broadcast]);
      const zb = outputs ? tf.reshape(z, [6]) : tf.ones([6]);
      const of = (mean: tf.Tensor, lv: tf.Tensor, s: tf.Tensor): number =>
        gaussianKl(tf.div(mean, s), tf.sub(lv, tf.mul(tf.log(s), 2))).dataSync()[0];
      const weights = of(kernel.variable, logVariance, z);
      // The scales' own part, by the functions of the layers.
      const v = layer.scales.variables;
      const mine = owner === 'groupHorseshoe' ? scalePriors.horseshoe.kl(v, 1e-5) : logUniformKl(v.logRate);
      const found = [
        layer.kl(run, 1).value.dataSync()[0],
        weights + of(bias!.variable, biasLogVariance!, zb),
      ];
      return [...found, mine.dataSync()[0]] as unknown as tf.Tensor[];
    }) as unknown as [number, number, number];
    expect(kl / (parts + scales)).toBeCloseTo(1, 4);
  });
});

describe('training', () => {
  const x = tf.randomNormal([256, 10], 0, 1, 'float32', 3);
  const y = tf.tidy(() => tf.sum(tf.mul(tf.slice(x, [0, 0], [256, 2]), [1, -1]), 1, true)); // two inputs matter
  const data = dataOf(x, y, 64);
  const options = { data, loss: 'meanSquaredError', learningRate: 0.01 } as const;

  it.each([
    ['normal-Jeffreys', groupNormalJeffreys, {}],
    ['horseshoe', groupHorseshoe, {}],
  ] as const)('%s finds the inputs that matter', async (_, factory, more) => {
    const run = new Run(mlp(), { seed: 1 });
    await train(run, { ...options, epochs: 40 });
    const prior = factory({
      rates: { variances: 0.05, scales: 0.05 },
      pruneFrom: 0.5,
      threshold: factory === groupHorseshoe ? 4 : 1,
      ...more,
    });
    const loss = ((labels: tf.Tensor, outputs: tf.Tensor) =>
      tf.mul(tf.mean(tf.square(tf.sub(labels, outputs))), 20)) as (a: tf.Tensor, b: tf.Tensor) => tf.Scalar;
    const tensors = tf.memory().numTensors;
    const running = await run.start(prior);
    await train(run, { ...options, loss, epochs: 80, schedules: [{ plugin: running }] });
    const [first] = running.session.readings();
    const rows = tf.tidy(() => tf.sum(tf.abs(run.parameters[0].variable), 1).dataSync());
    const kept = Array.from(rows, (r) => r > 0);
    expect(kept.slice(0, 2)).toEqual([true, true]);
    expect(kept.slice(2).filter(Boolean).length).toBeLessThanOrEqual(2);
    expect(Array.from(first.dropped)).toEqual(kept.map((k) => (k ? 0 : 1)));
    expect(first.clarity).toBeGreaterThan(0.6);
    const predicted = tf.tidy(
      () => tf.mean(tf.square(tf.sub(run.model.predict(x) as tf.Tensor, y))).dataSync()[0],
    );
    expect(predicted).toBeLessThan(0.1);
    // What stays allocated is what the run and the plugin hold.
    const held =
      run.parameters.filter((p) => run.mask(p)).length * 2 +
      run.parameters.filter((p) => run.variance(p)).length;
    const own = tf.memory().numTensors - tensors - held;
    running.dispose();
    expect(tf.memory().numTensors - tensors).toBe(held);
    expect(own).toBeGreaterThan(0);
    await run.quantize(prior.quantizer, '**/kernel');
    const bits = new Set(run.parameters[0].variable.dataSync());
    expect(bits.size).toBeLessThan(60);
    run.dispose();
  });

  it('resumes bit for bit', async () => {
    const once = async (stop: number | undefined): Promise<number[]> => {
      let run = new Run(mlp(), { seed: 1 });
      const prior = groupHorseshoe({ pruneFrom: 0.5 });
      const settings = () => ({
        ...options,
        epochs: 4,
        schedules: [{ plugin: prior }],
        optimizers: jsOptimizers,
      });
      let trainer = await createTrainer(run, settings());
      for (let epoch = 0; epoch < 4; epoch++) {
        if (epoch === stop) {
          const state = packState({ json: null, ...(await run.save()) });
          const own = await trainer.save();
          trainer.dispose();
          run = new Run(mlp(), { seed: 1 });
          run.load(unpackState(state));
          trainer = await createTrainer(run, settings(), own);
        }
        await trainer.nextEpoch();
      }
      await trainer.finish();
      return run.parameters.flatMap((p) => Array.from(p.variable.dataSync()));
    };
    expect(await once(2)).toEqual(await once(undefined));
  });

  it('takes filters with their biases and normalisation, and the plain model is the mean', async () => {
    const run = new Run(convolutional(), { seed: 2 });
    const running = started(run, groupNormalJeffreys({ pruneFrom: 0, threshold: { 'c/kernel': 2 } }));
    const { session } = running;
    const [c] = session.trainables!().filter(({ name }) => name === 'c/kernel/scales');
    tf.tidy(() => (c.variables[0] as tf.Variable).assign(tf.tensor1d([-3, 3, -3, 5])));
    const masks = (session as unknown as PrunerSession).masks(stepAt(0, 1, 1).at) as Map<
      Parameter,
      tf.Tensor
    >;
    const names = [...masks.keys()].map(({ name }) => name);
    expect(names).toEqual(['c/kernel', 'c/bias', 'n/gamma', 'n/beta', 'd/kernel']);
    const beta = [...masks].find(([p]) => p.name === 'n/beta')![1];
    expect(Array.from(beta.dataSync())).toEqual([1, 0, 1, 0]);
    // Draws around the plain model's outputs, and the model itself again after the pass.
    const input = tf.randomNormal([1, 3, 3, 2], 0, 1, 'float32', 1);
    const pass = (): tf.Tensor => run.model.apply(input, { training: true }) as tf.Tensor;
    const before = pass().dataSync()[0];
    const drawn = session.forward(stepAt(0, 1, 1).at, pass).dataSync()[0];
    expect(drawn).not.toBe(before);
    expect(pass().dataSync()[0]).toBe(before);
    const again = session.forward(stepAt(0, 1, 1).at, pass).dataSync()[0];
    expect(again).toBe(drawn);
    running.dispose();
  });

  it('draws nothing for pruned filters', () => {
    const run = new Run(convolutional(), { seed: 2 });
    const running = started(run, groupNormalJeffreys());
    const { session } = running;
    tf.tidy(() => {
      for (const group of session.trainables!().filter(({ name }) => name === 'c/kernel/variances')) {
        for (const v of group.variables) v.assign(tf.fill(v.shape, -1));
      }
    });
    const alive = tf.tensor1d([1, 0, 1, 0]);
    run.setMask(
      run.parameter('c/kernel'),
      tf.tidy(() => tf.mul(tf.ones([2, 2, 2, 4]), alive)),
    );
    run.setMask(run.parameter('c/bias'), tf.clone(alive));
    const [x] = [tf.randomNormal([64, 3, 3, 2], 0, 1, 'float32', 3)];
    const pass = (): tf.Tensor => run.model.getLayer('c').apply(x, { training: true } as never) as tf.Tensor;
    const drawn = tf.tidy(() => session.forward(stepAt(0, 1, 1).at, pass));
    const deviations = tf.tidy(() => tf.sqrt(tf.moments(drawn, [0, 1, 2]).variance).dataSync());
    expect(Array.from(deviations, (d) => d > 0.1)).toEqual([true, false, true, false]);
    for (const i of [1, 3]) expect(deviations[i]).toBeLessThan(1e-5);
    running.dispose();
    run.dispose();
  });

  it('cuts the variances along with a thinned model, and saves them; what was cut is shown, not trained', async () => {
    const run = new Run(mlp(), { seed: 1 });
    const prior = groupNormalJeffreys();
    const running = await run.start(prior);
    await train(run, { ...options, epochs: 1, schedules: [{ plugin: running }] });
    const before = run.variance(run.parameter('a/kernel'))!.dataSync();
    const figures = running.session.figures!();
    const state = unpackState(packState({ json: null, ...(await running.save()) }));
    running.dispose();
    const small = tfl.sequential({
      layers: [
        tfl.layers.dense({ name: 'a', units: 2, inputShape: [10] }),
        tfl.layers.dense({ name: 'b', units: 1 }),
      ],
    });
    const indices = Int32Array.of(1, 4);
    await run.replaceModel({
      model: small,
      kept: new Map([
        ['a/kernel', [{ axis: 1, indices }]],
        ['b/kernel', [{ axis: 0, indices }]],
      ]),
    });
    const after = run.variance(run.parameter('a/kernel'))!;
    expect(after.shape).toEqual([10, 2]);
    expect(Array.from(after.dataSync().slice(0, 2))).toEqual([before[1], before[4]]);
    run.load(await run.save());
    expect(run.variance(run.parameter('a/kernel'))!.shape).toEqual([10, 2]);

    for (const plugin of [prior, prior.quantizer]) {
      const again = await run.start<object>(plugin, { state });
      const session = again.session as GroupSession;
      expect(session.figures!()).toEqual(figures);
      const ratios = await session.paperRatios!();
      expect(ratios['pruning (paper)'].value).toBeCloseTo(66 / 22, 6);
      // What it knows of the layers that were cut passes on.
      const next = await again.save();
      expect(next.json).toEqual(state.json);
      expect(Object.keys(next.arrays!).sort()).toEqual(Object.keys(state.arrays!).sort());
      again.dispose();
    }
    const again = started(run, prior, state);
    expect(() => again.session.forward(stepAt(0, 1, 1).at, () => 0)).toThrow(/a\/kernel was cut since/);
    expect(() => again.session.penalty(stepAt(0, 1, 1))).toThrow(/was cut since/);
    again.dispose();
  });

  it('goes on in a later stage, on some of its layers too', async () => {
    const run = new Run(mlp(), { seed: 1 });
    const prior = groupNormalJeffreys({ pruneFrom: false });
    const first = await run.start(prior);
    await train(run, { ...options, epochs: 1, schedules: [{ plugin: first }] });
    const state = await first.save();
    const second = started(run, prior, state, 'b/kernel');
    expect(second.session.readings()).toEqual(first.session.readings());
    await train(run, { ...options, epochs: 1, schedules: [{ plugin: second }] });
    const [[a, b], [before, moved]] = [second, first].map(({ session }) => session.readings());
    expect(a.rates).toEqual(before.rates);
    expect(b.rates).not.toEqual(moved.rates);
    for (const running of [first, second]) running.dispose();
  });

  it('tells the run its variances at the end of the epoch, of the posterior as it is then', async () => {
    const run = new Run(mlp(), { seed: 1 });
    const trainer = await createTrainer(run, {
      ...options,
      epochs: 2,
      schedules: [{ plugin: groupNormalJeffreys({ frames: false, rates: { variances: 0.1 } }) }],
    });
    for (let epoch = 0; epoch < 2; epoch++) {
      await trainer.nextEpoch();
      const { session } = trainer.running[0] as Running<GroupSession>;
      const [variances, scales] = session.trainables!().map(({ variables }) => variables);
      const expected = tf.tidy(() => {
        const [own, alpha] = [tf.exp(variances[0]), tf.expandDims(tf.exp(scales[0]), 1)];
        const square = tf.square(run.parameters[0].variable);
        return tf.add(own, tf.mul(alpha, tf.add(square, own))).dataSync();
      });
      const published = run.variance(run.parameters[0])!.dataSync();
      for (const [i, v] of published.entries()) expect(v / expected[i]).toBeCloseTo(1, 5);
    }
    await trainer.finish();
  });

  it('refuses what it cannot honour', async () => {
    const run = new Run(
      tfl.sequential({
        layers: [tfl.layers.conv2dTranspose({ name: 'e', filters: 1, kernelSize: 2, inputShape: [2, 2, 1] })],
      }),
    );
    expect(() => groupNormalJeffreys().check!(run, run.select())).toThrow(/cannot take e\/kernel/);
    expect(() => groupNormalJeffreys({ tau: 1 } as never)).toThrow(/tau/);
    expect(() => groupHorseshoe({ treshold: 1 } as never)).toThrow(/threshold/);
    expect(() => groupNormalJeffreys({ structure: 'input' as never })).toThrow(/inputs/);
    const two = new Run(mlp());
    const wrong = groupNormalJeffreys({ threshold: { 'a/kernal': 1 } });
    expect(() => wrong.check!(two, two.select())).toThrow(/a\/kernel/);
    const unlearned = two.quantize(groupNormalJeffreys().quantizer);
    await expect(unlearned).rejects.toMatchObject({ code: 'bad-state' });
  });

  it('refuses states that are not its own', async () => {
    const run = new Run(mlp(), { seed: 1 });
    const prior = groupNormalJeffreys();
    const running = started(run, prior);
    const state = await running.save();
    const code = async (plugin: GroupPrior | GroupPrior['quantizer'], given: object, parameters?: string) => {
      try {
        await run.start<object>(plugin, { state: given, ...(parameters && { parameters }) });
      } catch (error) {
        return (error as { code?: string }).code;
      }
      return 'taken';
    };
    for (const other of [{}, { json: { kernels: [] } }, { json: 'of another plugin' }]) {
      expect(await code(prior, other)).toBe('bad-state');
      expect(await code(prior.quantizer, other)).toBe('bad-state');
    }
    expect(await code(prior, { ...state, arrays: {} })).toBe('bad-state');
    expect(await code(groupHorseshoe(), state)).toBe('bad-state');
    const some = started(run, prior, undefined, 'a/kernel');
    expect(await code(prior, await some.save())).toBe('bad-state'); // b/kernel had no part
    expect(await code(prior, state)).toBe('taken');
    for (const one of [running, some]) one.dispose();
  });
});
