import '@tensorflow/tfjs-backend-cpu';
import { type Moment, type ObservedStep, once, type PluginState, Run, readNow } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { input, type LayersModel, layers, model } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import {
  checkReconstruct,
  Reconstruction,
  type ReconstructOptions,
} from '../src/reconstruct/reconstruction.js';
import { refit } from '../src/reconstruct/solve.js';
import { partsOf } from '../src/structures/parts.js';
import { tiedStructures } from '../src/structures/tied.js';
import { calledAgain, graph, normal, on, type T, weights, write } from './models.js';

/** `a` of three units, and `b` of two that reads it; what is between them at inference does nothing. */
function two(useBias = true): Run {
  const run = new Run(
    graph([4], (x) => {
      const a = on(layers.dense({ name: 'a', units: 3 }), x);
      const noisy = on(layers.dropout({ rate: 0.5 }), a);
      return on(layers.dense({ name: 'b', units: 2, useBias }), noisy);
    }),
    { seed: 1 },
  );
  for (const [i, p] of run.parameters.entries()) write(p, [...normal([p.size], i + 1).dataSync()]);
  return run;
}

const setsOf = (run: Run, of = 'a/kernel') =>
  tiedStructures('test', run, run.select(of), 'filters', 'error').sets;
const begin = (run: Run, options: ReconstructOptions = {}, state?: PluginState): Reconstruction =>
  new Reconstruction('test', options, run, setsOf(run), state);
const at = (step: number, over: Partial<Moment> = {}): Moment => ({
  ...once(),
  step,
  count: 9,
  stepsPerEpoch: 4,
  ...over,
});
const see = (own: Reconstruction, step: number, inputs: tf.Tensor): void =>
  tf.tidy(() => own.observe({ at: at(step), inputs } as unknown as ObservedStep));
const apply = (own: Reconstruction, run: Run, pruned: readonly number[]): void => {
  const parts = partsOf(setsOf(run).map((set) => ({ set, pruned: Uint8Array.from(pruned) })));
  const known = tf.tidy(() =>
    own
      .look()
      .map((each) =>
        Object.fromEntries(
          Object.entries(each).map(([key, x]) => [key, x?.dataSync().slice() as Float32Array]),
        ),
      ),
  );
  own.apply(parts, known as never);
};

/** G = Σ x xᵀ of what `b` reads, with a constant 1, by hand. */
function gramOf(run: Run, batches: readonly tf.Tensor[], n = 4): Float64Array {
  const [kernel, bias] = ['a/kernel', 'a/bias'].map((name) => weights(run, name));
  const gram = new Float64Array(n * n);
  for (const batch of batches) {
    const x = batch.dataSync();
    for (let e = 0; e < batch.shape[0]; e++) {
      const row = [0, 1, 2].map((j) =>
        [0, 1, 2, 3].reduce((s, i) => s + x[4 * e + i] * kernel[3 * i + j], bias[j]),
      );
      row.push(1);
      for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) gram[n * i + j] += row[i] * row[j];
    }
  }
  return gram;
}

const close = (found: ArrayLike<number>, expected: ArrayLike<number>): void => {
  expect(found).toHaveLength(expected.length);
  for (let i = 0; i < expected.length; i++) expect(found[i]).toBeCloseTo(expected[i], 3);
};

describe('reconstruction', () => {
  const batches = [normal([8, 4], 11), normal([8, 4], 12), normal([8, 4], 13)];
  const kept = (run: Run, rows: readonly number[], of: readonly tf.Tensor[], ridge: number): Float64Array => {
    const before = Float64Array.from([...weights(run, 'b/kernel'), ...weights(run, 'b/bias')]);
    return refit(gramOf(run, of), before, Int32Array.from(rows), 4, 2, ridge);
  };

  it('fits kernel and bias to what the layer gave on the inputs seen since the last firing', () => {
    const run = two();
    const own = begin(run, { ridge: 0.01, batches: 2 });
    expect(own.ready).toBe(false);
    see(own, 0, batches[0]); // before the first firing nothing is wanted
    expect(own.ready).toBe(false);
    own.fired(at(0));
    see(own, 1, batches[0]); // two of four steps count
    expect(own.ready).toBe(false);
    for (const step of [2, 3]) see(own, step, batches[step - 1]);
    expect(own.ready).toBe(true);
    const expected = kept(run, [0, 2, 3], batches.slice(1), 0.01);
    apply(own, run, [0, 1, 0]);
    close(weights(run, 'b/kernel'), expected.subarray(0, 6));
    close(weights(run, 'b/bias'), expected.subarray(6));
    expect(weights(run, 'b/kernel').slice(2, 4)).toEqual([0, 0]);
  });

  it('fits layers that another net has called before, by what this one gives them', () => {
    const first = two();
    const run = new Run(calledAgain(first.model), { seed: 1 });
    const own = begin(run, { ridge: 0.01, batches: 1 });
    own.fired(at(0));
    see(own, 3, batches[0]);
    const expected = kept(run, [0, 2, 3], batches.slice(0, 1), 0.01);
    apply(own, run, [0, 1, 0]);
    close(weights(run, 'b/kernel'), expected.subarray(0, 6));
  });

  it('has options of its own by default', () => {
    const run = two();
    const [whole, own] = [begin(run, { ridge: 1e-4, batches: 16, positions: 10 }), begin(run)];
    const long = { stepsPerEpoch: 40 };
    for (const each of [whole, own]) {
      each.fired(at(0, long));
      see(each, 23, batches[0]);
      expect(each.ready).toBe(false);
      see(each, 24, batches[0]);
      expect(each.ready).toBe(true);
    }
    const expected = kept(run, [1, 2, 3], batches.slice(0, 1), 1e-4);
    apply(own, run, [1, 0, 0]);
    close([...weights(run, 'b/kernel'), ...weights(run, 'b/bias')], expected);
  });

  it('fits the kernel alone where there is no bias', () => {
    const run = two(false);
    const own = begin(run, { ridge: 0.01 });
    own.fired(at(0));
    see(own, 0, batches[0]);
    const before = Float64Array.from([...weights(run, 'b/kernel'), 0, 0]);
    const expected = refit(gramOf(run, batches.slice(0, 1)), before, Int32Array.of(0, 1), 4, 2, 0.01);
    apply(own, run, [0, 0, 1]);
    close(weights(run, 'b/kernel'), expected.subarray(0, 6));
  });

  it('leaves out what was pruned before, and whole outputs that are', () => {
    const run = two();
    // The first input and the second output are gone.
    run.setMask(run.parameter('b/kernel'), tf.tensor2d([0, 0, 1, 0, 1, 0], [3, 2]));
    const own = begin(run, { ridge: 0.01 });
    own.fired(at(0));
    see(own, 0, batches[0]);
    const before = weights(run, 'b/kernel');
    const expected = kept(run, [1, 3], batches.slice(0, 1), 0.01);
    apply(own, run, [1, 0, 0]); // it is gone already
    expect(weights(run, 'b/kernel')).toEqual(before);
    apply(own, run, [0, 0, 1]);
    close(weights(run, 'b/kernel'), expected.subarray(0, 6));
  });

  it('does nothing to layers whose inputs stay', () => {
    const run = two();
    const own = begin(run);
    own.fired(at(0));
    see(own, 0, batches[0]);
    const before = weights(run, 'b/kernel');
    apply(own, run, [0, 0, 0]);
    expect(weights(run, 'b/kernel')).toEqual(before);
  });

  it.each([
    [
      [1, 0, 1, 1, 1, 1],
      [0, 0, 1],
    ],
    [
      [1, 1, 1, 1, 1, 0],
      [1, 0, 0],
    ],
  ])('refuses single weights that are pruned, %j', (mask, pruned) => {
    const run = two();
    run.setMask(run.parameter('b/kernel'), tf.tensor2d(mask, [3, 2]));
    const own = begin(run);
    own.fired(at(0));
    see(own, 0, batches[0]);
    expect(() => apply(own, run, pruned)).toThrow(
      expect.objectContaining({
        code: 'invalid-schedule',
        message: expect.stringContaining('test: single weights of b/kernel'),
      }),
    );
  });

  it('goes on from what it has saved, and leaves nothing behind', () => {
    const run = two();
    const first = begin(run, { ridge: 0.01 });
    const tensors = tf.memory().numTensors;
    first.fired(at(0));
    see(first, 0, batches[0]);
    expect(tf.memory().numTensors).toBe(tensors + 1);
    const second = begin(run, { ridge: 0.01 }, first.save(readNow) as PluginState);
    expect(second.ready).toBe(true);
    see(second, 1, batches[1]);
    const expected = kept(run, [0, 1, 3], batches.slice(0, 2), 0.01);
    apply(second, run, [0, 0, 1]);
    close(weights(run, 'b/kernel'), expected.subarray(0, 6));
    const held = tf.memory().numTensors;
    for (const own of [first, second]) own.dispose();
    expect(tf.memory().numTensors).toBe(held - 2);
    expect(second.ready).toBe(false);
  });
});

describe('reconstruction is refused', () => {
  const refused = (built: LayersModel, of = 'a/kernel'): unknown => {
    const run = new Run(built);
    const { sets } = tiedStructures('test', run, run.select(of), 'filters', 'error');
    return () => new Reconstruction('test', {}, run, sets);
  };
  const a = (x: T, units = 3): T => on(layers.dense({ name: 'a', units }), x);

  it('of layers of other kinds, inside others, called twice, or too wide', () => {
    const rnn = graph([3, 2], (x) =>
      on(layers.simpleRNN({ name: 'r', units: 1, recurrentInitializer: 'zeros' }), a(x)),
    );
    expect(refused(rnn)).toThrow('test cannot reconstruct r/kernel: its layer is a SimpleRNN');
    const inner = graph([3], (x) => on(layers.dense({ name: 'b', units: 1 }), x));
    expect(refused(graph([2], (x) => on(inner, a(x))))).toThrow(/b\/kernel: its layer is inside another one/);
    const shared = layers.dense({ name: 'b', units: 1 });
    const twice = graph([2], (x) => {
      const y = a(x);
      return [on(shared, y), on(shared, on(layers.activation({ activation: 'relu' }), y))];
    });
    expect(refused(twice)).toThrow('b/kernel: its layer is called more than once');
    const wide = (units: number) => graph([1], (x) => on(layers.dense({ name: 'b', units: 1 }), a(x, units)));
    expect(refused(wide(2400))).toThrow('b/kernel: its window has 2400 inputs, more than 2399');
    expect(refused(wide(2399))).not.toThrow();
  });

  it('with options that it does not have', () => {
    for (const good of [{}, { positions: 1 }, { batches: 1 }, { ridge: Number.MIN_VALUE }, { ridge: 1e9 }])
      expect(() => checkReconstruct('test', good)).not.toThrow();
    for (const bad of [
      { positions: 0 },
      { batches: 0 },
      { positions: 1.5 },
      { batches: -1 },
      { ridge: 0 },
      { ridge: -1 },
      { ridges: 1 },
    ])
      expect(() => checkReconstruct('test', bad as never)).toThrow();
  });
});

it('of several readers each has its own', () => {
  const [x] = [input({ shape: [4] })];
  const y = on(layers.dense({ name: 'a', units: 3 }), x);
  const outs = ['b', 'c'].map((name) => on(layers.dense({ name, units: 2 }), y));
  const run = new Run(model({ inputs: x, outputs: outs }), { seed: 1 });
  for (const [i, p] of run.parameters.entries()) write(p, [...normal([p.size], i + 1).dataSync()]);
  const own = begin(run, { ridge: 0.01 });
  own.fired(at(0));
  const batch = normal([8, 4], 11);
  see(own, 0, batch);
  const expected = ['b', 'c'].map((name) => {
    const before = Float64Array.from([...weights(run, `${name}/kernel`), ...weights(run, `${name}/bias`)]);
    return refit(gramOf(run, [batch]), before, Int32Array.of(0, 2, 3), 4, 2, 0.01);
  });
  apply(own, run, [0, 1, 0]);
  for (const [i, name] of ['b', 'c'].entries())
    close([...weights(run, `${name}/kernel`), ...weights(run, `${name}/bias`)], expected[i]);
});
