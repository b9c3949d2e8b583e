import { existsSync, realpathSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Optimizer, OptimizerFactories } from '../../core/src/optimizer.js';
import { BackendError, nativeOptimizers, startBackend } from '../src/index.js';
import { masking } from '../src/native/masking.js';
import { nativeBackend } from '../src/native/ops.js';
import { addon, hasNative } from './native.js';

// Compile-time: the fused optimizers are what core expects.
const factories: OptimizerFactories = nativeOptimizers;

/** An addon of ours consists of a loader and the real one, `.so`; the stock one is a single file. */
const ownOp = hasNative && existsSync(`${realpathSync(addon)}.so`);

const VALUES = [1, -2, 3, -4, 5, -6];
const gradientAt = (step: number): number[] => VALUES.map((v, i) => Math.sin(v + step) + 0.1 * i);

function variable(name: string): tf.Variable {
  return tf.tidy(() => tf.variable(tf.tensor2d(VALUES, [2, 3]), true, name));
}

function feed(optimizer: Optimizer, names: readonly string[], step: number): void {
  tf.tidy(() => {
    optimizer.step(Object.fromEntries(names.map((name) => [name, tf.tensor2d(gradientAt(step), [2, 3])])));
  });
}

describe.runIf(hasNative)('fused optimizers', () => {
  beforeAll(async () => {
    await startBackend({ prefer: 'native' });
  });

  it.each([
    ['adam', () => tf.train.adam(0.01), (g: never) => factories.adam(g)],
    [
      'adam with options',
      () => tf.train.adam(0.02, 0.8, 0.95, 1e-3),
      (g: never) => factories.adam(g, { beta1: 0.8, beta2: 0.95, epsilon: 1e-3 }),
    ],
    ['sgd', () => tf.train.sgd(0.01), (g: never) => factories.sgd(g)],
    ['momentum', () => tf.train.momentum(0.01, 0.9), (g: never) => factories.sgd(g, { momentum: 0.9 })],
    [
      'nesterov',
      () => tf.train.momentum(0.01, 0.9, true),
      (g: never) => factories.sgd(g, { momentum: 0.9, nesterov: true }),
    ],
  ])('%s makes the steps of TF.js', (name, makeStock, makeOurs) => {
    const [a, b] = [variable(`${name}/stock`), variable(`${name}/ours`)];
    const stock = makeStock();
    const learningRate = name === 'adam with options' ? 0.02 : 0.01;
    const ours = makeOurs([{ name: 'all', variables: [b], learningRate }] as never);
    for (let step = 0; step < 25; step++) {
      const g = tf.tensor2d(gradientAt(step), [2, 3]);
      stock.applyGradients([{ name: a.name, tensor: g }]);
      ours.step({ [b.name]: g });
      g.dispose();
      const [expected, got] = [a.dataSync(), b.dataSync()];
      for (let i = 0; i < 6; i++) expect(Math.abs(got[i] - expected[i])).toBeLessThan(2e-6);
    }
    ours.dispose();
    stock.dispose();
    tf.dispose([a, b]);
  });

  it('Adam with constant gradients moves by the learning rate (golden numbers)', () => {
    const w = variable('golden');
    const adam = factories.adam([{ name: 'all', variables: [w], learningRate: 0.5 }], { epsilon: 0 });
    for (let step = 0; step < 3; step++) {
      tf.tidy(() => adam.step({ golden: tf.tensor2d([1, -1, 2, -2, 100, -0.001], [2, 3]) }));
    }
    const moved = [...w.dataSync()].map((value, i) => value - VALUES[i]);
    const expected = [-1.5, 1.5, -1.5, 1.5, -1.5, 1.5];
    for (const [i, value] of moved.entries()) expect(value).toBeCloseTo(expected[i], 4);
    adam.dispose();
    w.dispose();
  });

  it('keeps a learning rate for each group, and sees it change', () => {
    const [a, b] = [variable('slow'), variable('fast')];
    const groups = [
      { name: 'slow', variables: [a], learningRate: 0.1 },
      { name: 'fast', variables: [b], learningRate: 0.2 },
    ];
    const sgd = factories.sgd(groups);
    const step = (): void => tf.tidy(() => sgd.step({ slow: tf.ones([2, 3]), fast: tf.ones([2, 3]) }));
    step();
    groups[0].learningRate = 1;
    step();
    expect(a.dataSync()[0]).toBeCloseTo(1 - 0.1 - 1, 6);
    expect(b.dataSync()[0]).toBeCloseTo(1 - 0.4, 6);
    sgd.dispose();
    tf.dispose([a, b]);
  });

  it.each(['adam', 'momentum'])('%s resumes bit for bit', async (rule) => {
    const make = (w: tf.Variable): Optimizer => {
      const groups = [{ name: 'all', variables: [w], learningRate: 0.03 }];
      return rule === 'adam' ? factories.adam(groups) : factories.sgd(groups, { momentum: 0.9 });
    };
    const w = variable('resumed');
    const optimizer = make(w);
    for (let step = 0; step < 7; step++) feed(optimizer, ['resumed'], step);
    const state = await optimizer.state();
    const weights = w.dataSync().slice();
    for (let step = 7; step < 20; step++) feed(optimizer, ['resumed'], step);
    const expected = w.dataSync().slice();
    const expectedState = await optimizer.state();
    optimizer.dispose();

    w.assign(tf.tensor2d(weights, [2, 3]));
    const other = make(w);
    other.restore(
      JSON.parse(JSON.stringify(state), (_, v) =>
        v?.['0'] !== undefined ? Float32Array.from(Object.values(v)) : v,
      ),
    );
    for (let step = 7; step < 20; step++) feed(other, ['resumed'], step);
    expect([...w.dataSync()]).toEqual([...expected]);
    expect(await other.state()).toEqual(expectedState);
    expect(expectedState.step).toBe(20);
    other.dispose();
    w.dispose();
  });

  it('holds masked entries and zeroes their slots; a mask that goes lets them move again', async () => {
    const w = variable('masked');
    const adam = factories.adam([{ name: 'all', variables: [w], learningRate: 0.1 }]);
    for (let step = 0; step < 3; step++) feed(adam, ['masked'], step);
    const mask = tf.tensor2d([1, 0, 1, 0, 1, 0], [2, 3]);
    adam.setMask(w, mask);
    const { slots } = await adam.state();
    for (const slot of ['m', 'v']) {
      expect([...slots.masked[slot]].map((value) => value === 0)).toEqual([
        false,
        true,
        false,
        true,
        false,
        true,
      ]);
    }
    const held = w.dataSync().slice();
    for (let step = 3; step < 9; step++) feed(adam, ['masked'], step);
    const after = w.dataSync();
    for (let i = 0; i < 6; i++) expect(after[i] === held[i]).toBe(i % 2 === 1);
    adam.setMask(w, null);
    feed(adam, ['masked'], 9);
    expect(w.dataSync()[1]).not.toBe(held[1]);
    adam.dispose();
    tf.dispose([w, mask]);
  });

  it.runIf(ownOp)('masks with its own op where we compiled the addon', () => {
    const backend = nativeBackend();
    const way = masking(backend);
    expect(way.dtype).toBe('bool');
    const [gradient, mask] = [tf.randomNormal([33, 65]), tf.greater(tf.randomUniform([33, 65]), 0.5)];
    const [g, m] = backend.getInputTensorIds([gradient, mask]);
    const masked = backend.createOutputTensor({
      id: way.apply(g, m),
      shape: [33, 65],
      dtype: backend.binding.TF_FLOAT,
    });
    const expected = tf.mul(gradient, tf.cast(mask, 'float32'));
    expect(tf.max(tf.abs(tf.sub(masked, expected))).dataSync()[0]).toBe(0);
    const short = tf.ones([3], 'bool');
    expect(() => way.apply(g, backend.getInputTensorIds([short])[0])).toThrow(/another size/);
    tf.dispose([gradient, mask, masked, expected, short]);
  });

  it('notices that a variable was assigned from outside', () => {
    const w = variable('assigned');
    const sgd = factories.sgd([{ name: 'all', variables: [w], learningRate: 1 }]);
    feed(sgd, ['assigned'], 0);
    tf.tidy(() => w.assign(tf.fill([2, 3], 10)));
    tf.tidy(() => sgd.step({ assigned: tf.ones([2, 3]) }));
    expect([...w.dataSync()]).toEqual([9, 9, 9, 9, 9, 9]);
    sgd.dispose();
    w.dispose();
  });

  it('changes neither clones, nor views, nor arrays the variable came from', () => {
    const source = Float32Array.from(VALUES);
    const initial = tf.tensor2d(source, [2, 3]);
    const w = tf.variable(initial, true, 'shared');
    const sgd = factories.sgd([{ name: 'all', variables: [w], learningRate: 1 }]);
    const clone = tf.clone(w);
    const one = (): void => tf.tidy(() => sgd.step({ shared: tf.ones([2, 3]) }));
    one();
    const view = tf.reshape(w, [6]);
    const read = w.dataSync();
    one();
    one();
    expect([...w.dataSync()]).toEqual(VALUES.map((v) => v - 3));
    expect([...view.dataSync()]).toEqual(VALUES.map((v) => v - 1));
    expect([...read]).toEqual(VALUES.map((v) => v - 1));
    for (const kept of [source, clone.dataSync(), initial.dataSync()]) expect([...kept]).toEqual(VALUES);
    sgd.dispose();
    tf.dispose([w, clone, view, initial]);
  });

  it('keeps slots of variables that stay when the groups change', async () => {
    const [a, b, c] = [variable('a'), variable('b'), variable('c')];
    const momentum = factories.sgd([{ name: 'all', variables: [a, b], learningRate: 0.1 }], {
      momentum: 0.5,
    });
    feed(momentum, ['a', 'b'], 0);
    const before = (await momentum.state()).slots.a.momentum;
    momentum.setGroups([{ name: 'all', variables: [a, c], learningRate: 0.1 }]);
    const { slots } = await momentum.state();
    expect(Object.keys(slots)).toEqual(['a', 'c']);
    expect(slots.a.momentum).toEqual(before);
    expect([...slots.c.momentum]).toEqual([0, 0, 0, 0, 0, 0]);
    momentum.dispose();
    tf.dispose([a, b, c]);
  });

  it('leaves alone a variable without a gradient', () => {
    const [a, b] = [variable('with'), variable('without')];
    const adam = factories.adam([{ name: 'all', variables: [a, b], learningRate: 0.1 }]);
    feed(adam, ['with'], 0);
    expect([...b.dataSync()]).toEqual(VALUES);
    expect([...a.dataSync()]).not.toEqual(VALUES);
    adam.dispose();
    tf.dispose([a, b]);
  });

  it('leaves as many tensors as it found, in TF.js and in TensorFlow', () => {
    const { binding } = tf.backend() as unknown as { binding: { getNumOfTensors(): number } };
    const count = (): number[] => [tf.memory().numTensors, binding.getNumOfTensors()];
    const before = count();
    const w = variable('counted');
    const mask = tf.ones([2, 3], 'bool'); // Converted inside: that copy is counted too.
    const adam = factories.adam([{ name: 'all', variables: [w], learningRate: 0.1 }]);
    feed(adam, ['counted'], 0);
    adam.setMask(w, mask);
    feed(adam, ['counted'], 1);
    const warm = count();
    for (let step = 2; step < 30; step++) feed(adam, ['counted'], step);
    expect(count()).toEqual(warm);
    adam.dispose();
    tf.dispose([w, mask]);
    expect(count()).toEqual(before);
  });

  it('refuses what makes no sense, with a typed error', async () => {
    const w = variable('refused');
    const other = variable('other');
    const groups = [{ name: 'all', variables: [w], learningRate: 0.1 }];
    const adam = factories.adam(groups);
    const refused = (action: () => void, message: RegExp): void => {
      let caught: unknown;
      try {
        action();
      } catch (error) {
        caught = error;
      }
      expect(caught).toBeInstanceOf(BackendError);
      expect((caught as BackendError).message).toMatch(message);
    };
    refused(() => factories.adam(groups, { beta1: 1 }), /beta1 is 1/);
    refused(() => factories.sgd(groups, { nesterov: true }), /nesterov/);
    refused(() => factories.adam([...groups, ...groups]), /occurs twice/);
    refused(() => adam.setMask(other, null), /in no group/);
    refused(() => adam.setMask(w, tf.ones([6])), /variable's shape, \[2,3\]/);
    const { slots } = await adam.state();
    refused(() => adam.restore({ step: -1, slots }), /step count/);
    refused(() => adam.restore({ step: 0, slots: {} }), /lacks the slot "m"/);
    refused(() => adam.restore({ step: 0, slots: { ...slots, else: {} } }), /does not train/);
    refused(
      () => adam.restore({ step: 0, slots: { refused: { m: slots.refused.m, v: new Float32Array(5) } } }),
      /5 values/,
    );
    groups[0].learningRate = Number.NaN;
    refused(() => feed(adam, ['refused'], 0), /learning rate/);
    expect([...w.dataSync()]).toEqual(VALUES);
    adam.dispose();
    tf.dispose([w, other]);
  });
});
