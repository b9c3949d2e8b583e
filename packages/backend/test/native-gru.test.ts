import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { startBackend } from '../src/index.js';
import { hasNative } from './native.js';
import { on } from './on-backend.js';

const values = (count: number, seed: number, scale: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => scale * Math.sin((i + 1) * 12.9898 * seed));

type Shape = readonly [batch: number, time: number, channels: number, units: number];

/** A layer's outputs, and the gradients of its input and weights. */
function pass([batch, time, channels, units]: Shape, config: object, scale = 0.6, kwargs = {}): tf.Tensor[] {
  const layer = tfl.layers.gru({
    name: 'gru',
    units,
    recurrentInitializer: 'zeros',
    ...config,
  } as Parameters<typeof tfl.layers.gru>[0]);
  const x = tf.tensor3d(values(batch * time * channels, 7, 2), [batch, time, channels]);
  layer.apply(x, kwargs); // Makes its weights.
  layer.setWeights(
    layer.getWeights().map(({ shape, size }, i) => tf.tensor(values(size, i + 2, scale), shape)),
  );
  const f = (of: tf.Tensor): tf.Tensor => {
    const y = [layer.apply(of, kwargs)].flat()[0] as tf.Tensor;
    return tf.sum(tf.mul(y, tf.tensor(values(y.size, 9, 1), y.shape)));
  };
  const y = [layer.apply(x, kwargs)].flat()[0] as tf.Tensor;
  const weights = layer.trainableWeights.map((w) => w.read() as tf.Variable);
  const { grads } = tf.variableGrads(() => f(x) as tf.Scalar, weights);
  const results = [y, tf.grad(f)(x), ...weights.map(({ name }) => grads[name])].map(tf.clone);
  for (const weight of layer.weights) weight.dispose();
  return results;
}

function expectAlike(got: Float32Array[], expected: Float32Array[], tolerance: number): void {
  expect(got.map(({ length }) => length)).toEqual(expected.map(({ length }) => length));
  for (const [i, list] of got.entries()) {
    const most = expected[i].reduce((m, v) => Math.max(m, Math.abs(v)), 1);
    let worst = 0;
    for (const [k, value] of list.entries()) worst = Math.max(worst, Math.abs(value - expected[i][k]));
    expect(worst / most).toBeLessThan(tolerance);
  }
}

const backend = hasNative ? await startBackend({ prefer: 'native' }) : undefined;
const compiled = backend?.recorder !== undefined;
if (!compiled) console.warn('the GRU of the addon is not tested: it is not compiled here');

describe.runIf(compiled)('a GRU layer on the native backend', () => {
  beforeAll(() => tf.setBackend('tensorflow'));
  afterEach(() => vi.unstubAllEnvs());

  const sigmoid = { recurrentActivation: 'sigmoid' };

  it.each<[string, Shape, object, number?]>([
    ['a sequence', [3, 6, 4, 5], { ...sigmoid, returnSequences: true }],
    ['its last state', [3, 6, 4, 5], sigmoid],
    ['hardSigmoid, whose ends are flat', [5, 4, 3, 2], { returnSequences: true }, 3],
    ['the sigmoid at its ends', [5, 4, 3, 2], sigmoid, 60],
    ['without biases', [2, 3, 4, 3], { ...sigmoid, useBias: false }],
    ['backwards', [2, 5, 4, 3], { ...sigmoid, goBackwards: true, returnSequences: true }],
    ['more sequences than are taken together, whole vectors of units', [53, 3, 5, 48], sigmoid, 0.2],
    ['units beside whole vectors', [13, 4, 3, 37], { ...sigmoid, returnSequences: true }, 0.3],
    ['one unit', [1, 5, 1, 1], { returnSequences: true }],
    ['dropout that is not asked for', [3, 4, 4, 5], { ...sigmoid, dropout: 0.5, recurrentDropout: 0.5 }],
  ])('computes what TF.js’s steps do: %s', (_name, shape, config, scale) => {
    const before = tf.memory().numTensors;
    const spy = vi.spyOn(tf.engine(), 'runKernel');
    const got = on('tensorflow', () => pass(shape, config, scale));
    expect(tf.memory().numTensors).toBe(before); // TF.js’s steps on cpu keep masks.
    const ran = spy.mock.calls.map(([kernel]) => kernel);
    spy.mockRestore();
    const name = 'recurrentActivation' in config ? 'EspalierGru' : 'EspalierHardGru';
    expect(ran).toContain(name);
    expect(ran).toContain(`${name}Grad`);
    expectAlike(
      got,
      on('cpu', () => pass(shape, config, scale)),
      1e-5,
    );
  });

  it.each<[string, object, object?]>([
    ['another activation', { ...sigmoid, activation: 'relu' }],
    ['another activation of the gates', { recurrentActivation: 'softsign' }],
    ['states that are returned', { ...sigmoid, returnState: true }],
    ['states that are given', sigmoid, { initialState: [tf.ones([3, 5])] }],
  ])('leaves to TF.js: %s', (_name, config, kwargs) => {
    const spy = vi.spyOn(tf.engine(), 'runKernel');
    const run = () => pass([3, 4, 4, 5], config, 0.6, kwargs);
    const got = on('tensorflow', run);
    expect(spy.mock.calls.map(([kernel]) => kernel)).not.toContain('EspalierGru');
    spy.mockRestore();
    expectAlike(got, on('cpu', run), 1e-5);
  });

  it('drops out in training as TF.js does', () => {
    const spy = vi.spyOn(tf.engine(), 'runKernel');
    on('tensorflow', () => pass([3, 4, 4, 5], { ...sigmoid, dropout: 0.5 }, 0.6, { training: true }));
    expect(spy.mock.calls.map(([kernel]) => kernel)).not.toContain('EspalierGru');
    spy.mockRestore();
  });

  it('takes a single step, which TF.js cannot differentiate', () => {
    const [, , dKernel, , dBias] = on('tensorflow', () => pass([4, 1, 2, 7], sigmoid));
    expect([dKernel, dBias].every((list) => list.some((v) => v !== 0))).toBe(true);
    const [whole, first] = on('tensorflow', () => {
      const layer = tfl.layers.gru({
        name: 'gru',
        units: 7,
        returnSequences: true,
        recurrentInitializer: 'ones',
      });
      const x = tf.tensor3d(values(24, 7, 2), [4, 3, 2]);
      const states = layer.apply(x) as tf.Tensor;
      const single = layer.apply(tf.slice(x, 0, [4, 1, 2])) as tf.Tensor;
      for (const weight of layer.weights) weight.dispose();
      return [tf.slice(states, 0, [4, 1, 7]), single];
    });
    expect(first).toEqual(whole);
  });

  it('comes to the same bits with any number of threads', () => {
    const [one, ...others] = ['1', '2', '3', '8'].map((threads) => {
      vi.stubEnv('TF_NUM_INTRAOP_THREADS', threads);
      return on('tensorflow', () => pass([50, 4, 6, 40], { ...sigmoid, returnSequences: true }, 0.3));
    });
    for (const other of others) expect(other).toEqual(one);
  });

  it('says what is wrong with inputs of other sizes', () => {
    tf.setBackend('tensorflow');
    const [x, u] = [tf.zeros([2, 3, 12]), tf.zeros([5, 15])];
    expect(() => tf.engine().runKernel('EspalierGru', { x, u })).toThrow(/another size/);
    tf.dispose([x, u]);
  });
});
