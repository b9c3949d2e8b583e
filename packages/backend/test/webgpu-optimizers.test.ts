import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Optimizer, OptimizerFactories } from '../../core/src/optimizer.js';
import { jsOptimizers } from '../../core/src/optimizers-js.js';
import { BackendError, startBackend, webgpuOptimizers } from '../src/index.js';
import { hasWebgpu } from './software-gpu.js';
import '@tensorflow/tfjs-backend-cpu';

// Compile-time: the optimizers are what core expects.
const factories: OptimizerFactories = webgpuOptimizers;

const SHAPES = [[2, 3], [], [70]];
const values = (size: number, seed: number): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => Math.sin(seed * 7.3 + i * 1.7) * (1 + (i % 5)));

/** Trains variables of several shapes for some steps, the last one masked, and gives what became of them. */
async function trained(
  make: (groups: Parameters<OptimizerFactories['adam']>[0]) => Optimizer,
  steps: number,
): Promise<number[]> {
  const variables = SHAPES.map((shape, k) =>
    tf.tidy(() => tf.variable(tf.tensor(values(tf.util.sizeFromShape(shape), k), shape))),
  );
  const groups = [
    { name: 'one', variables: variables.slice(0, 2), learningRate: 0.05 },
    { name: 'two', variables: variables.slice(2), learningRate: 0.02 },
  ];
  const optimizer = make(groups);
  const mask = tf.tensor1d(Array.from({ length: 70 }, (_, i) => (i % 3 === 0 ? 0 : 1)));
  for (let step = 0; step < steps; step++) {
    if (step === 2) optimizer.setMask(variables[2], mask);
    if (step === 4) groups[1].learningRate = 0.1;
    tf.tidy(() =>
      optimizer.step(
        Object.fromEntries(
          variables.map((v, k) => [v.name, tf.tensor(values(v.size, step + 11 * k), v.shape as number[])]),
        ),
      ),
    );
  }
  const all: number[] = [];
  for (const v of variables) all.push(...(await v.data()));
  const { slots } = await optimizer.state();
  for (const v of variables) for (const slot of Object.values(slots[v.name])) all.push(...slot);
  optimizer.dispose();
  tf.dispose([variables, mask]);
  return all;
}

describe.skipIf(!hasWebgpu)('optimizers on webgpu', () => {
  beforeAll(async () => {
    await startBackend({ prefer: 'webgpu' });
  });

  it.each([
    ['adam', {}],
    ['adam', { beta1: 0.8, beta2: 0.95, epsilon: 1e-3 }],
    ['sgd', {}],
    ['sgd', { momentum: 0.9 }],
    ['sgd', { momentum: 0.9, nesterov: true }],
  ] as const)('%s %j makes the steps of plain ops on the CPU', async (rule, options) => {
    const ours = await trained((groups) => factories[rule](groups, options), 9);
    await tf.setBackend('cpu');
    const expected = await trained((groups) => jsOptimizers[rule](groups, options), 9);
    await tf.setBackend('webgpu');
    expect(ours).toHaveLength(expected.length);
    for (const [i, value] of expected.entries()) {
      expect(Math.abs(ours[i] - value)).toBeLessThan(1e-5 * (1 + Math.abs(value)));
    }
  });

  it('leaves clones of a weight, shared numbers, and what is being read alone', async () => {
    const w = tf.tidy(() => tf.variable(tf.tensor1d([1, 2])));
    const one = tf.tidy(() => tf.variable(tf.scalar(1)));
    const sgd = factories.sgd([{ name: 'all', variables: [w, one], learningRate: 1 }]);
    const step = (): void =>
      tf.tidy(() => sgd.step({ [w.name]: tf.tensor1d([1, 1]), [one.name]: tf.scalar(1) }));
    step();
    const clone = tf.clone(w);
    const reading = w.data();
    step();
    expect([...(await reading)]).toEqual([0, 1]);
    expect([...(await w.data())]).toEqual([-1, 0]);
    step();
    expect([...(await w.data())]).toEqual([-2, -1]);
    expect([...(await clone.data())]).toEqual([0, 1]);
    expect((await one.data())[0]).toBe(-2);
    expect((await tf.add(tf.scalar(1), 1).data())[0]).toBe(2); // The 1 that `one` began as is still 1.
    sgd.dispose();
    tf.dispose([w, one, clone]);
  });

  it('trains a weight that was cast from whole numbers, by gradients and masks that were', async () => {
    const cast = (values: number[]): tf.Tensor =>
      tf.tidy(() => tf.cast(tf.tensor1d(values, 'int32'), 'float32'));
    const w = tf.tidy(() => tf.variable(cast([5, 6])));
    const sgd = factories.sgd([{ name: 'all', variables: [w], learningRate: 1 }], { momentum: 0.5 });
    tf.tidy(() => sgd.setMask(w, cast([1, 0])));
    for (let k = 0; k < 2; k++) tf.tidy(() => sgd.step({ [w.name]: cast([1, 1]) }));
    expect([...(await w.data())]).toEqual([2.5, 6]);
    sgd.dispose();
    w.dispose();
  });

  it('resumes bit for bit, and keeps no tensors', async () => {
    const before = tf.memory().numTensors;
    const w = tf.tidy(() => tf.variable(tf.tensor1d(values(70, 3))));
    const groups = [{ name: 'all', variables: [w], learningRate: 0.03 }];
    const feed = (optimizer: Optimizer, from: number, to: number): void => {
      for (let k = from; k < to; k++) {
        tf.tidy(() => optimizer.step({ [w.name]: tf.tensor1d(values(70, k)) }));
      }
    };
    const first = factories.adam(groups);
    feed(first, 0, 7);
    const state = await first.state();
    const weights = (await w.data()).slice();
    feed(first, 7, 20);
    const expected = (await w.data()).slice();
    const expectedState = await first.state();
    first.dispose();
    tf.tidy(() => w.assign(tf.tensor1d(weights as Float32Array)));
    const second = factories.adam(groups);
    second.restore(state);
    feed(second, 7, 20);
    expect(await w.data()).toEqual(expected);
    expect(await second.state()).toEqual(expectedState);
    second.dispose();
    w.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses what it cannot do, with a remedy', () => {
    const w = tf.tidy(() => tf.variable(tf.zeros([2])));
    const groups = [{ name: 'g', variables: [w], learningRate: 0.1 }];
    const adam = factories.adam(groups);
    const stranger = tf.variable(tf.zeros([2], 'int32'));
    const faults: [() => unknown, RegExp][] = [
      [() => factories.adam(groups, { beta1: 1 }), /beta1 is 1/],
      [() => factories.sgd(groups, { nesterov: true }), /nesterov without momentum/],
      [() => adam.setMask(stranger, null), /is in no group/],
      [() => adam.setMask(w, tf.ones([3])), /shape \[3\]/],
      [() => adam.setGroups([...groups, ...groups]), /occurs twice/],
      [() => adam.setGroups([{ name: 'i', variables: [stranger], learningRate: 1 }]), /is int32/],
      [() => adam.restore({ step: 1, slots: {} }), /lacks the slot/],
    ];
    for (const [fault, message] of faults) {
      expect(fault).toThrow(BackendError);
      expect(fault).toThrow(message);
    }
    groups[0].learningRate = Number.NaN;
    expect(() => adam.step({})).toThrow(/group "g" is NaN/);
    adam.dispose();
    tf.dispose([w, stranger]);
  });
});
