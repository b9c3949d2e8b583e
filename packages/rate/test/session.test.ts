import '@tensorflow/tfjs-backend-cpu';
import { evaluate, once, Run, train } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { type RatePriorOptions, ratePrior } from '../src/index.js';
import { Weight } from '../src/weight.js';

const rates = { steps: 0.01, model: 0.05 };

/** 16 inputs, of which each matters less than the one before; 8 steps an epoch. */
const learned = async (options: RatePriorOptions, epochs = 12) => {
  const kernelInitializer = tfl.initializers.randomNormal({ mean: 0, stddev: 0.3, seed: 4 });
  const run = new Run(
    tfl.sequential({
      layers: [tfl.layers.dense({ name: 'fc', units: 4, inputShape: [16], kernelInitializer })],
    }),
    { seed: 2 },
  );
  const inputs = tf.randomNormal([32, 16], 0, 1, 'float32', 1);
  const labels = tf.tidy(() =>
    tf.tile(tf.sum(tf.mul(inputs, tf.pow(0.6, tf.range(0, 16))), 1, true), [1, 4]),
  );
  const batches = () =>
    Array.from({ length: 8 }, () => ({ inputs: tf.clone(inputs), labels: tf.clone(labels) }));
  const prior = ratePrior({ rates, ...options });
  const running = await run.start(prior, { parameters: '**' });
  const data = { size: 256, stepsPerEpoch: 8, batches };
  const loss = 'meanSquaredError';
  const learningRate = (at: { epoch: number }) => 0.03 * (1 - at.epoch / epochs);
  await train(run, { data, epochs, loss, learningRate, schedules: [{ plugin: running }] });
  const [kernel] = running.session.readings();
  const bytes = running.session.readings().reduce((sum, { bits }) => sum + bits / 8, 0);
  return { run, prior, running, kernel, bytes };
};

describe('a session', () => {
  it('a larger weight makes fewer bits', async () => {
    const free = await learned({ weight: 0.01 });
    const cheap = await learned({ weight: { from: 0, to: 1 } });
    expect(cheap.kernel.bits).toBeLessThan(0.6 * free.kernel.bits);
    expect(cheap.kernel.nonzero).toBeLessThanOrEqual(24);
    expect(free.kernel.nonzero).toBeGreaterThan(30);
  });

  it('a ramp that is steered is left where it was, and nobody else steers a size of its own', () => {
    const weight = new Weight({ from: 1, to: 3 });
    weight.at({ ...once(), step: 5, stepsPerEpoch: 10, start: 0, end: 10 });
    const before = weight.present;
    weight.steer(100, 50);
    const later = { ...once(), step: 60, stepsPerEpoch: 10, start: 0, end: 10 };
    expect(weight.at(later)).toBe(weight.present);
    expect(weight.present).toBeLessThan(1.2 * before); // The first size is where the way begins.
    const now = weight.present;
    weight.steer(100, 50);
    expect(weight.at(later)).toBe(2 * now);
    expect([ratePrior().steers, ratePrior({ weight: 2 }).steers]).toEqual([true, true]);
    expect(ratePrior({ weight: { bytes: 10 } }).steers).toBe(false);
  });

  it('is steered to a size', async () => {
    for (const bytes of [8, 14]) {
      const found = await learned({ weight: { bytes } }, 30);
      expect(Math.abs(found.bytes / bytes - 1)).toBeLessThan(0.25);
    }
  });

  it('is validated at its levels, and trained on as it lies between them', async () => {
    const inputs = tf.randomNormal([24, 5], 0, 1, 'float32', 3);
    const labels = tf.slice(inputs, [0, 0], [24, 1]);
    const data = {
      size: 24,
      stepsPerEpoch: 2,
      batches: () => [0, 1].map(() => ({ inputs: tf.clone(inputs), labels: tf.clone(labels) })),
    };
    const train2 = async (validation: typeof data | undefined) => {
      const kernelInitializer = tfl.initializers.randomNormal({ mean: 0, stddev: 0.5, seed: 6 });
      const run = new Run(
        tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [5], kernelInitializer })] }),
        { seed: 2 },
      );
      const prior = ratePrior({ weight: 0.5, step: 2 });
      const running = await run.start(prior, { parameters: '**' });
      const before = tf.memory().numTensors;
      const history = await train(run, {
        data,
        epochs: 3,
        loss: 'meanSquaredError',
        ...(validation && { validation }),
        schedules: [{ plugin: running }],
      });
      expect(tf.memory().numTensors).toBe(before);
      const between = run.model.getWeights().map((weight) => [...weight.dataSync()]);
      await run.quantize(prior.quantizer, '**', undefined, await running.save());
      const { loss } = await evaluate(run.model, data, { loss: 'meanSquaredError' });
      const levels = run.model.getWeights().map((weight) => [...weight.dataSync()]);
      running.dispose();
      run.dispose();
      return { history, between, loss, levels };
    };
    const { history, between, loss, levels } = await train2(data);
    expect(between).not.toEqual(levels);
    expect(history.at(-1)?.validationLoss).toBe(loss);
    expect((await train2(undefined)).between).toEqual(between);
    tf.dispose([inputs, labels]);
  });

  it('settles: steps stay where a file has them, once they may', async () => {
    const { running, kernel } = await learned({ weight: 0.2, settleFrom: 0.5 });
    const moved = await learned({ weight: 0.2 });
    const logStep = async (of: typeof running) => (await of.save()).arrays?.logStep[0] as number;
    expect(await logStep(running)).toBeCloseTo(Math.log(kernel.step), 6);
    expect(Math.abs((await logStep(moved.running)) - Math.log(moved.kernel.step))).toBeGreaterThan(1e-4);
    for (const one of [running, moved.running]) one.dispose();
  });

  it('prunes what is at level 0, once it may', async () => {
    const { run, running, kernel } = await learned({ weight: 0.5, pruneFrom: 0.5 });
    const mask = run.mask(run.parameter('fc/kernel'));
    expect(mask && [...mask.dataSync()].filter((kept) => kept === 1).length).toBeGreaterThanOrEqual(
      kernel.nonzero,
    );
    expect((await run.counts()).nonzero).toBeLessThan(20);
    running.dispose();
  });

  it('goes on in a later stage with fewer parameters, and keeps what it knew of the others', async () => {
    const { run, prior, running } = await learned({ weight: 0.2 }, 2);
    const state = await running.save();
    running.dispose();
    const later = await run.start(prior, { parameters: 'fc/kernel', state });
    expect(await later.save()).toMatchObject({ json: { parameters: ['fc/bias', 'fc/kernel'] } });
    later.dispose();
  });
});

describe('what it refuses', () => {
  const make = () =>
    new Run(tfl.sequential({ layers: [tfl.layers.dense({ name: 'fc', units: 2, inputShape: [3] })] }));
  it.each<[unknown, RegExp]>([
    [{ weight: -1 }, /weight is -1/],
    [{ weight: { from: 0, to: 1, over: 0 } }, /over is 0/],
    [{ weight: { bytes: 0 } }, /bytes is 0/],
    [{ weight: { bytes: 10, to: 3 } }, /to/],
    [{ wieght: 1 }, /wieght/],
    [{ pruneFrom: 1 }, /pruneFrom is 1/],
    [{ settleFrom: 1 }, /settleFrom is 1/],
    [{ step: 0 }, /step is 0/],
    [{ rates: { steps: -1 } }, /steps is -1/],
    [{ examples: 0 }, /examples is 0/],
  ])('%o', (options, message) => {
    expect(() => ratePrior(options as RatePriorOptions)).toThrow(message);
  });

  it('values that are shared, frozen layers, nothing to train, an untrained quantizer', async () => {
    const run = make();
    const kernel = run.parameter('fc/kernel');
    run.share(kernel, { codebook: Float32Array.of(0, 1), indices: new Uint8Array(6), fixed: [0] });
    expect(() => run.start(ratePrior())).toThrow(/shared already/);
    const frozen = make();
    frozen.model.layers[0].trainable = false;
    expect(() => new Run(frozen.model).start(ratePrior(), { parameters: '**' })).toThrow(/is frozen/);
    expect(() => ratePrior().start(run, [])).toThrow(/names no weight/);
    await expect(make().quantize(ratePrior().quantizer)).rejects.toMatchObject({ code: 'bad-state' });
    const other = await make().start(ratePrior(), { parameters: 'fc/kernel' });
    const state = await other.save();
    other.dispose();
    expect(() => make().start(ratePrior(), { parameters: '**', state })).toThrow(/fc\/bias has had no part/);
  });

  it('two at once, and a layer that does not read its weights', async () => {
    const run = make();
    const [one, two] = [await run.start(ratePrior()), await run.start(ratePrior())];
    const pass = () => tf.tidy(() => run.model.apply(tf.ones([1, 3])) as tf.Tensor);
    expect(() => one.session.forward(once(), () => two.session.forward(once(), pass))).toThrow(
      /two schedules/,
    );
    expect(() => one.session.forward(once(), () => tf.scalar(0))).toThrow(/no part in this pass/);
    expect(pass().shape).toEqual([1, 2]); // Both have put back what they changed.
    one.dispose();
    two.dispose();
  });
});

describe('λ', () => {
  const at = (step: number) => ({ ...once(), step, stepsPerEpoch: 10, start: 2, end: 12 });
  it('rises from the first step of its schedule to its share of the stage', () => {
    const weight = new Weight({ from: 1, to: 3, over: 0.5 });
    expect([20, 45, 70, 119].map((step) => weight.at(at(step)))).toEqual([1, 2, 3, 3]);
  });

  it('is steered along a line from the first size to the aim, by at most 2 in an epoch', () => {
    const weight = new Weight({ bytes: 100, from: 1 });
    const steered = (size: number, step: number): number => {
      const before = weight.at(at(step));
      weight.steer(size, 100);
      return weight.present / before;
    };
    expect(steered(400, 20)).toBeCloseTo(1, 12); // There it starts.
    expect(steered(Math.sqrt(400 * 97), 50)).toBeCloseTo(1, 12); // Half of the way of 6 epochs, to 3 % less than the aim.
    expect(steered(1.1 * 97, 80)).toBeCloseTo(1.1 ** 3, 12);
    expect(steered(1.1 * 97, 110)).toBeCloseTo(1.1 ** 3, 12);
    expect(steered(1e6, 110)).toBe(2);
    expect(steered(1, 110)).toBe(0.5);
  });
});
