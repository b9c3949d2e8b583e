import '@tensorflow/tfjs-backend-cpu';
import { type Moment, once, type Parameter, type PrunerSession, Run, type Running } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import {
  type GroupPriorOptions,
  type GroupSession,
  groupHorseshoe,
  groupNormalJeffreys,
} from '../src/index.js';
import { write } from './known-posterior.js';

type Session = GroupSession & PrunerSession;

const quiet = { frames: false } as const;

async function started(layers: tfl.layers.Layer[], options: GroupPriorOptions) {
  const run = new Run(tfl.sequential({ layers }), { seed: 1 });
  const running = (await run.start(groupNormalJeffreys({ ...quiet, ...options }), {
    parameters: '**/*kernel',
  })) as Running<Session>;
  return { run, running, session: running.session };
}

/** Gives the scales of a kernel's groups these log α, and leaves the weights certain. */
function rate(session: Session, name: string, logRates: readonly number[]): void {
  for (const group of session.trainables!()) {
    const [first] = group.variables as tf.Variable[];
    if (group.name === `${name}/scales`) write(first, logRates);
    if (group.name === `${name}/variances`) write(first, Array(first.size).fill(-60));
  }
}

const namesOf = (masks: ReadonlyMap<Parameter, tf.Tensor>): string[] => [...masks.keys()].map((p) => p.name);
const masksAt = (session: Session, at: Partial<Moment> = {}) =>
  session.masks({ ...once(), ...at }) as Map<Parameter, tf.Tensor>;

describe('masks', () => {
  it('begin with the part of the schedule that is asked for, wherever the schedule starts', async () => {
    const { session } = await started([tfl.layers.dense({ units: 2, inputShape: [3] })], { pruneFrom: 0.6 });
    const count = (epoch: number): number => masksAt(session, { epoch, start: 5, end: 15 }).size;
    expect([5, 10, 11, 14].map(count)).toEqual([0, 0, 1, 1]);
  });

  it('of groups on inputs are of the kernel alone, though there are as many outputs', async () => {
    const layers = [tfl.layers.dense({ name: 'fc', units: 3, inputShape: [3] })];
    const { session } = await started(layers, { pruneFrom: 0, threshold: 1 });
    rate(session, 'fc/kernel', [0, 2, -1]);
    const masks = masksAt(session);
    expect(namesOf(masks)).toEqual(['fc/kernel']);
    expect([...[...masks.values()][0].dataSync()]).toEqual([1, 1, 1, 0, 0, 0, 1, 1, 1]);
  });

  it('of filters take along biases and normalisation of as many numbers, where they are', async () => {
    const convolution = (useBias: boolean) =>
      tfl.layers.conv2d({ name: 'c', filters: 2, kernelSize: 1, inputShape: [3, 3, 1], useBias });
    const options = { structure: 'outputs', pruneFrom: 0, threshold: 1 } as const;
    const masked = async (layers: tfl.layers.Layer[]): Promise<Record<string, number[]>> => {
      const { session } = await started(layers, options);
      rate(session, 'c/kernel', [2, 0]);
      return Object.fromEntries([...masksAt(session)].map(([p, mask]) => [p.name, [...mask.dataSync()]]));
    };
    expect(await masked([convolution(false)])).toEqual({ 'c/kernel': [0, 1] });
    expect(await masked([convolution(true)])).toEqual({ 'c/kernel': [0, 1], 'c/bias': [0, 1] });
    // Rows that are normalised are no filters.
    const rows = tfl.layers.batchNormalization({ name: 'n', axis: 1 });
    expect(Object.keys(await masked([convolution(true), rows]))).toEqual(['c/kernel', 'c/bias']);
    const channels = tfl.layers.batchNormalization({ name: 'n' });
    expect(await masked([convolution(false), channels])).toEqual({
      'c/kernel': [0, 1],
      'n/gamma': [0, 1],
      'n/beta': [0, 1],
    });
  });

  it('are of groups beyond the gap by default', async () => {
    const layers = [tfl.layers.dense({ name: 'fc', units: 1, inputShape: [4] })];
    const { session } = await started(layers, { pruneFrom: 0 });
    rate(session, 'fc/kernel', [-3, 2, -2, 2.5]);
    expect(session.readings()[0].threshold).toBeCloseTo(0, 4);
    expect([...[...masksAt(session).values()][0].dataSync()]).toEqual([1, 0, 1, 0]);
  });
});

it('thresholds of one mode are the end of the prior’s range', async () => {
  const one = async (make: typeof groupHorseshoe): Promise<number> => {
    const run = new Run(tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [4] })] }));
    write(run.parameters[0].variable, Array(8).fill(1)); // groups that are alike
    const running = (await run.start(make(quiet))) as Running<GroupSession>;
    return running.session.readings()[0].threshold;
  };
  expect([await one(groupNormalJeffreys), await one(groupHorseshoe)]).toEqual([3, 10]);
});

describe('the paper’s ratios', () => {
  const two = () => [
    tfl.layers.dense({ name: 'a', units: 3, inputShape: [4] }),
    tfl.layers.dense({ name: 'b', units: 2 }),
  ];

  it('are of all kernels, once each has a variance', async () => {
    const { run, session } = await started(two(), {});
    expect(await session.paperRatios!()).toEqual({});
    const [a, b] = ['a/kernel', 'b/kernel'].map((name) => run.parameter(name));
    run.setVariance(a, tf.fill([4, 3], 0.2));
    expect(await session.paperRatios!()).toEqual({});
    run.setVariance(b, tf.fill([3, 2], 0.01));
    // A row of the first and a column of the second are gone: 12 + 6 weights become 9 + 3.
    write(a.variable, [1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
    write(b.variable, [0, 1, 0, 1, 0, 1]);
    const ratios = await session.paperRatios!();
    expect(ratios['pruning (paper)'].value).toBeCloseTo(18 / 12, 6);
    // One bit of exponent and one of sign, and 1 and 5 of significand.
    expect(ratios['fast prediction (paper)'].value).toBeCloseTo((18 * 32) / (9 * 3 + 3 * 7), 6);
    // Every weight is 1: no bits, and two tables of one entry.
    expect(ratios['maximum (paper)'].value).toBeCloseTo((18 * 32) / 64, 6);
    expect(ratios['fast prediction (paper)'].counts).toContain('1 + 1 + 1, 5 bits');
  });

  it('are of one kernel where there is one, and none where there is none', async () => {
    const { run, session } = await started([two()[0]], {});
    const [kernel] = run.parameters;
    run.setVariance(kernel, tf.fill([4, 3], 0.2));
    write(kernel.variable, [1, 0, 1, 1, 0, 1, 1, 0, 1, 1, 0, 1]);
    expect((await session.paperRatios!())['pruning (paper)'].value).toBeCloseTo(12 / 8, 6);
    const nothing = await run.start(groupNormalJeffreys().quantizer);
    expect(await (nothing.session as Pick<GroupSession, 'paperRatios'>).paperRatios!()).toEqual({});
  });
});

it('the penalty is that of all layers together', async () => {
  const layers = () => [
    tfl.layers.dense({ name: 'a', units: 3, inputShape: [4] }),
    tfl.layers.dense({ name: 'b', units: 2, useBias: false }),
  ];
  const of = async (parameters: string): Promise<number> => {
    const run = new Run(tfl.sequential({ layers: layers() }), { seed: 1 });
    for (const { variable, size } of run.parameters)
      write(
        variable,
        Array.from({ length: size }, (_, i) => 0.3 + 0.1 * i),
      );
    const prior = groupNormalJeffreys({ ...quiet, examples: 10, warmUp: 0 });
    const { session } = (await run.start(prior, { parameters })) as Running<GroupSession>;
    return tf.tidy(() => {
      const labels = tf.zeros([2, 2]);
      const found = session.penalty({
        at: once(),
        inputs: tf.zeros([2, 4]),
        labels,
        outputs: labels,
        onLogits: false,
      });
      return (found instanceof tf.Tensor ? found : found.value).dataSync()[0];
    });
  };
  const [a, b] = [await of('a/kernel'), await of('b/kernel')];
  expect(await of('**/kernel')).toBeCloseTo(a + b, 5);
  // Biases come with their kernels, and are none of the kernels.
  expect(await of('**')).toBeCloseTo(a + b, 5);
  expect(Math.abs(b)).toBeGreaterThan(0.01);
});

describe('pictures', () => {
  const step = (at: Moment, inputs: tf.Tensor) => {
    const labels = tf.zeros([inputs.shape[0], 1]);
    return { at, inputs, labels, outputs: labels, onLogits: false };
  };

  it('are of the weights at every epoch, and of inputs that are images', async () => {
    const layers = [tfl.layers.dense({ name: 'fc', units: 1, inputShape: [16] })];
    const { run, session } = await started(layers, { frames: true });
    const [kernel] = run.parameters;
    write(kernel.variable, [3, -3, ...Array(14).fill(0)]);
    rate(session, 'fc/kernel', [-9, 9, ...Array(14).fill(9)]);
    const tensors = tf.memory().numTensors;
    const at = { ...once(), start: 0, end: 1 };
    const inputs = tf.ones([2, 16]);
    tf.tidy(() => void session.penalty(step(at, inputs)));
    expect(tf.memory().numTensors).toBe(tensors + 2); // the inputs, and what is shown of them
    await session.epochEnd!(at);
    inputs.dispose();
    // What is left are the variances that the run is told.
    expect(tf.memory().numTensors).toBe(tensors + 2);
    const [gallery, weights] = session.figures!();
    if (gallery.kind !== 'gallery' || weights.kind !== 'map') throw new Error('other figures');
    const cells = (picture: { cells: string }): number[] => [
      ...Int8Array.from(atob(picture.cells), (c) => c.charCodeAt(0)),
    ];
    // 1 / (1 + α) of 127, and examples: what is read at 1, what is not at -1.
    const alphas = cells(gallery.images[0]);
    expect(gallery.images).toHaveLength(3);
    expect(gallery.images[0]).toMatchObject({ width: 4, height: 4 });
    expect(alphas.slice(0, 3)).toEqual([127, 0, 0]);
    expect(cells(gallery.images[2])).toEqual([127, ...Array(15).fill(-127)]);
    expect(weights.frames.map(({ label }) => label)).toEqual(['epoch 0', 'epoch 1']);
    // Full colour at three deviations, 3 √(18 / 16) of the weights' first picture, which TF.js has started.
    const last = cells(weights.frames[1]);
    expect(last.slice(2)).toEqual(Array(14).fill(0));
    expect(last[0]).toBe(Math.min(127, Math.round((127 * 3) / weights.most)));
    expect(last[1]).toBe(-last[0]);
  });

  it('go on over epochs, and leave nothing behind', async () => {
    const tensors = tf.memory().numTensors;
    const { run, running, session } = await started(
      [tfl.layers.dense({ name: 'fc', units: 1, inputShape: [16] })],
      { frames: true },
    );
    for (let epoch = 50; epoch < 53; epoch++) {
      const at = { ...once(), epoch, start: 50, end: 53 };
      tf.tidy(() => void session.penalty(step(at, tf.ones([2, 16]))));
      if (epoch < 52) await session.epochEnd!(at);
    }
    const weights = session.figures!().find(({ title }) => title === 'Weights of fc/kernel');
    if (weights?.kind !== 'map') throw new Error('no weights');
    expect(weights.frames.map(({ label }) => label)).toEqual(['epoch 0', 'epoch 1', 'epoch 2']);
    running.dispose();
    run.dispose();
    run.model.dispose();
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('of inputs that nobody has looked at are freed, too', async () => {
    const { running, session } = await started(
      [tfl.layers.dense({ name: 'fc', units: 1, inputShape: [16] })],
      { frames: true },
    );
    const tensors = tf.memory().numTensors;
    tf.tidy(() => void session.penalty(step({ ...once(), end: 1 }, tf.ones([2, 16]))));
    expect(tf.memory().numTensors).toBe(tensors + 1);
    const own = session.trainables!().flatMap(({ variables }) => variables);
    running.dispose();
    expect(own.every(({ isDisposed }) => isDisposed)).toBe(true);
    expect(tf.memory().numTensors).toBe(tensors - own.length);
  });

  it('are not kept where they are not asked for', async () => {
    const { session } = await started([tfl.layers.dense({ units: 1, inputShape: [16] })], {});
    const tensors = tf.memory().numTensors;
    const at = { ...once(), start: 0, end: 1 };
    tf.tidy(() => void session.penalty(step(at, tf.ones([2, 16]))));
    expect(tf.memory().numTensors).toBe(tensors);
    await session.epochEnd!(at);
    expect(session.figures!()).toEqual([]);
  });
});
