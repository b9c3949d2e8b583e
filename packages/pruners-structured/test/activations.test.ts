import '@tensorflow/tfjs-backend-cpu';
import { type ObservedStep, Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { layers } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { activations, positiveShare } from '../src/criteria/activations.js';
import { taylor } from '../src/criteria/taylor.js';
import { tiedStructures } from '../src/structures/tied.js';
import { calledAgain, graph, on, type T, write } from './models.js';

const identity = (a: tf.Tensor): tf.Tensor => a;
const scoredOf = (run: Run, of: string) => {
  const tied = tiedStructures('test', run, run.select(of), 'filters', 'error');
  return { owner: 'test', run, sets: tied.sets, tied };
};
/** What is observed of the only set of structures. */
const observed = (run: Run, of: string, inputs: tf.Tensor, f = identity): number[] =>
  tf.tidy(() => {
    const [numbers] = activations(f)(scoredOf(run, of))({ inputs } as unknown as ObservedStep).values();
    return [...numbers.dataSync()];
  });
const dense = (name: string, units: number, activation?: 'relu' | 'linear') =>
  layers.dense({ name, units, useBias: false, ...(activation && { activation }) });

describe('activations are means over examples and positions', () => {
  it('at the first function after a layer', () => {
    const run = new Run(
      graph([2, 2, 1], (x) => {
        x = on(
          layers.conv2d({ name: 'a', filters: 2, kernelSize: 1, useBias: false, activation: 'linear' }),
          x,
        );
        x = on(layers.leakyReLU({ alpha: 0.5 }), x);
        x = on(layers.reLU(), x);
        return on(dense('b', 1), on(layers.flatten(), x));
      }),
    );
    write(run.parameter('a/kernel'), [1, -2]);
    const inputs = tf.tensor4d([1, 2, -3, 4, 5, 6, 7, 8], [2, 2, 2, 1]);
    // 1 + 2 - 1.5 + 4 + … + 8 of eight; twice as much, the other way round.
    const sums = [1 + 2 - 1.5 + 4 + 5 + 6 + 7 + 8, -1 - 2 + 6 - 4 - 5 - 6 - 7 - 8];
    expect(observed(run, 'a/kernel', inputs)).toEqual(sums.map((s) => s / 8));
    expect(observed(run, 'a/kernel', inputs, positiveShare)).toEqual([7 / 8, 1 / 8]);
    expect(observed(run, 'a/kernel', inputs, tf.abs)).toEqual([34.5 / 8, 39 / 8]);
  });

  it('of the layer itself where it ends in a function', () => {
    const run = new Run(graph([1], (x) => on(dense('b', 1), on(dense('a', 2, 'relu'), x))));
    write(run.parameter('a/kernel'), [1, -1]);
    expect(observed(run, 'a/kernel', tf.tensor2d([[1], [-3]]))).toEqual([0.5, 1.5]);
  });

  it('of a layer that another net has called before', () => {
    const first = graph([1], (x) => on(dense('b', 1), on(dense('a', 2, 'relu'), x)));
    const run = new Run(calledAgain(first));
    write(run.parameter('a/kernel'), [1, -1]);
    expect(observed(run, 'a/kernel', tf.tensor2d([[1], [-3]]))).toEqual([0.5, 1.5]);
  });

  it('of recurrent layers at their outputs', () => {
    const run = new Run(
      graph([3, 1], (x) =>
        on(
          dense('b', 1),
          on(
            layers.simpleRNN({ name: 'a', units: 2, activation: 'linear', recurrentInitializer: 'zeros' }),
            x,
          ),
        ),
      ),
    );
    write(run.parameter('a/kernel'), [1, -2]);
    expect(observed(run, 'a/kernel', tf.tensor3d([1, 2, 3, 4, 5, 6], [2, 3, 1]))).toEqual([4.5, -9]);
  });

  it('of each layer that makes the units, where several do', () => {
    const run = new Run(
      graph([1], (x) => {
        const [p, q] = [on(dense('a', 2, 'relu'), x), on(dense('c', 2, 'relu'), x)];
        return on(dense('b', 1), on(layers.add(), [p, q]));
      }),
    );
    write(run.parameter('a/kernel'), [1, 2]);
    write(run.parameter('c/kernel'), [5, 10]);
    const tied = tiedStructures('test', run, run.select(['a/kernel', 'c/kernel']), 'filters', 'error');
    const step = { inputs: tf.tensor2d([[1], [3]]) } as unknown as ObservedStep;
    const [means] = tf.tidy(() =>
      [...activations(identity)({ owner: 'test', run, sets: tied.sets, tied })(step).values()].map((x) => [
        ...x.dataSync(),
      ]),
    ) as unknown as number[][];
    // Means 2 and 4 of one, 10 and 20 of the other.
    expect(means).toEqual([6, 12]);
  });

  it('of the units among others, where layers are joined, and of each place of a unit', () => {
    const run = new Run(
      graph([2, 1], (x) => {
        const [p, q] = [on(dense('a', 2), x), on(dense('c', 3), x)];
        const joined = on(layers.concatenate(), [q, p]);
        const flat = on(layers.flatten(), joined);
        return on(dense('b', 1), on(layers.activation({ activation: 'relu' }), flat));
      }),
    );
    write(run.parameter('a/kernel'), [1, 2]);
    write(run.parameter('c/kernel'), [100, 100, 100]);
    // Two positions of five channels: those of `a` are the last two of each.
    const inputs = tf.tensor3d([1, 2, 3, 6], [2, 2, 1]);
    expect(observed(run, 'a/kernel', inputs)).toEqual([3, 6]);
    expect(observed(run, 'c/kernel', inputs)).toEqual([300, 300, 300]);
    // Both sets at once, at the one function that they go through.
    const tied = tiedStructures('test', run, run.select(['a/kernel', 'c/kernel']), 'filters', 'error');
    const both = tf.tidy(() => {
      const see = activations(identity)({ owner: 'test', run, sets: tied.sets, tied });
      const found = see({ inputs } as unknown as ObservedStep);
      return [...found].map(([{ name }, x]) => [name, ...x.dataSync()]) as unknown as tf.Tensor[];
    });
    expect(both).toEqual([
      ['c', 300, 300, 300],
      ['a', 3, 6],
    ]);
  });
});

describe('activations are refused', () => {
  it('of structures that are not tied, and where no function follows', () => {
    const run = new Run(graph([1], (x) => on(dense('b', 1), on(dense('a', 2, 'linear'), x))));
    const scored = scoredOf(run, 'a/kernel');
    expect(() => activations(identity)({ ...scored, tied: undefined })).toThrow(
      expect.objectContaining({ code: 'invalid-option' }),
    );
    expect(() => activations(identity)(scored)).toThrow('test: no activation follows a');
    // One that comes before does not count.
    const before = new Run(
      graph([1], (x) => on(dense('b', 1), on(dense('a', 2), on(layers.reLU(), x as T)))),
    );
    expect(() => activations(identity)(scoredOf(before, 'a/kernel'))).toThrow('no activation follows a');
  });
});

describe('taylor', () => {
  const run = new Run(graph([2], (x) => on(dense('b', 1), on(dense('a', 2), x))));
  write(run.parameter('a/kernel'), [1, 2, 3, -4]);
  const step = (known: boolean): ObservedStep =>
    ({ gradient: () => (known ? tf.tensor2d([5, 1, -2, 1], [2, 2]) : undefined) }) as unknown as ObservedStep;

  it('is the size of the sum of weight times gradient', () => {
    const [found] = tf.tidy(() => [...taylor(scoredOf(run, 'a/kernel'))(step(true)).values()]);
    expect([...found.dataSync()]).toEqual([Math.abs(5 - 6), Math.abs(2 - 4)]);
  });

  it('adds up what a unit has in several tensors', () => {
    const two = new Run(
      graph([2], (x) => {
        const [p, q] = [on(dense('a', 2), x), on(dense('c', 2), x)];
        return on(dense('b', 1), on(layers.add(), [p, q]));
      }),
    );
    for (const name of ['a/kernel', 'c/kernel']) write(two.parameter(name), [1, 2, 3, -4]);
    const tied = tiedStructures('test', two, two.select(['a/kernel', 'c/kernel']), 'filters', 'error');
    const [found] = tf.tidy(() => [
      ...taylor({ owner: 'test', run: two, sets: tied.sets, tied })(step(true)).values(),
    ]);
    expect([...found.dataSync()]).toEqual([2, 4]);
  });

  it('needs a gradient', () => {
    expect(() => tf.tidy(() => void taylor(scoredOf(run, 'a/kernel'))(step(false)))).toThrow(
      'a/kernel has no gradient',
    );
  });
});
