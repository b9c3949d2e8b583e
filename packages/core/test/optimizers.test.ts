import { jsOptimizers, type Optimizer, type ParameterGroup, randomUniform } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { close, values, variable } from './helpers.js';

const shape: [number, number] = [3, 4];
let before = 0;
beforeEach(() => {
  before = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(before);
});

function draws(seed: number, n = 12): number[] {
  const draw = randomUniform(seed);
  return Array.from({ length: n }, () => 2 * draw() - 1);
}

/** A variable and its trajectory of ten gradients, applied by ours and by TF.js's own optimizer. */
function race(ours: (groups: ParameterGroup[]) => Optimizer, theirs: tf.Optimizer): [number[], number[]] {
  const [a, b] = [1, 2].map(() => variable(draws(1), shape));
  const optimizer = ours([{ name: 'all', variables: [a], learningRate: 0.05 }]);
  for (let step = 0; step < 10; step++) {
    tf.tidy(() => {
      const gradient = tf.tensor(draws(100 + step), shape);
      optimizer.step({ [a.name]: gradient });
      theirs.applyGradients({ [b.name]: tf.clone(gradient) });
    });
  }
  const ends: [number[], number[]] = [values(a), values(b)];
  optimizer.dispose();
  theirs.dispose();
  (theirs as unknown as { c?: tf.Tensor }).c?.dispose(); // Momentum's learning rate, which TF.js forgets.
  tf.dispose([a, b]);
  return ends;
}

describe('the same steps as TF.js', () => {
  test.each([
    { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
    { beta1: 0.8, beta2: 0.9, epsilon: 1e-3 },
  ])('adam %o', ({ beta1, beta2, epsilon }) => {
    const [ours, theirs] = race(
      (groups) => jsOptimizers.adam(groups, { beta1, beta2, epsilon }),
      tf.train.adam(0.05, beta1, beta2, epsilon),
    );
    close(ours, theirs, 5e-6);
  });

  test('adam by default', () => {
    close(...race((groups) => jsOptimizers.adam(groups), tf.train.adam(0.05)), 5e-6);
  });

  test('sgd', () => {
    close(...race((groups) => jsOptimizers.sgd(groups), tf.train.sgd(0.05)), 1e-6);
  });

  test.each([false, true])('momentum, nesterov %s', (nesterov) => {
    const [ours, theirs] = race(
      (groups) => jsOptimizers.sgd(groups, { momentum: 0.9, nesterov }),
      tf.train.momentum(0.05, 0.9, nesterov),
    );
    close(ours, theirs, 1e-6);
  });
});

describe('adam against the algorithm of the paper, in doubles', () => {
  test('twenty steps', () => {
    const w = variable(draws(1), shape);
    const optimizer = jsOptimizers.adam([{ name: 'all', variables: [w], learningRate: 0.01 }]);
    const expected = draws(1);
    const m = new Array<number>(12).fill(0);
    const v = new Array<number>(12).fill(0);
    for (let t = 1; t <= 20; t++) {
      const g = draws(200 + t);
      const gradient = tf.tensor(g, shape);
      optimizer.step({ [w.name]: gradient });
      gradient.dispose();
      for (let i = 0; i < 12; i++) {
        m[i] = 0.9 * m[i] + 0.1 * g[i];
        v[i] = 0.999 * v[i] + 0.001 * g[i] ** 2;
        expected[i] -= (0.01 * (m[i] / (1 - 0.9 ** t))) / (Math.sqrt(v[i] / (1 - 0.999 ** t)) + 1e-7);
      }
    }
    close(values(w), expected, 1e-5);
    optimizer.dispose();
    w.dispose();
  });
});

const rules = [
  ['adam', (groups: ParameterGroup[]) => jsOptimizers.adam(groups)],
  ['sgd', (groups: ParameterGroup[]) => jsOptimizers.sgd(groups)],
  ['momentum', (groups: ParameterGroup[]) => jsOptimizers.sgd(groups, { momentum: 0.9 })],
  ['nesterov', (groups: ParameterGroup[]) => jsOptimizers.sgd(groups, { momentum: 0.9, nesterov: true })],
] as const;

describe.each(rules)('%s', (_, make) => {
  const stepWith = (optimizer: Optimizer, w: tf.Variable, seed: number): void => {
    const gradient = tf.tensor(draws(seed, w.size), w.shape);
    optimizer.step({ [w.name]: gradient });
    gradient.dispose();
  };

  test('a masked entry does not move, the others move as without a mask', () => {
    const [a, b] = [1, 2].map(() => variable(draws(1), shape));
    const start = values(a);
    const masked = make([{ name: 'all', variables: [a], learningRate: 0.1 }]);
    const free = make([{ name: 'all', variables: [b], learningRate: 0.1 }]);
    const bits = start.map((_, i) => (i % 3 === 0 ? 0 : 1));
    const mask = tf.tensor(bits, shape);
    for (let s = 0; s < 3; s++)
      for (const [o, w] of [
        [masked, a],
        [free, b],
      ] as const)
        stepWith(o, w, s);
    const held = values(a);
    masked.setMask(a, mask);
    for (let s = 3; s < 8; s++)
      for (const [o, w] of [
        [masked, a],
        [free, b],
      ] as const)
        stepWith(o, w, s);
    const [ends, reference] = [values(a), values(b)];
    for (const [i, bit] of bits.entries()) expect(ends[i]).toBe(bit === 0 ? held[i] : reference[i]);

    masked.setMask(a, null);
    stepWith(masked, a, 9);
    expect(values(a).every((value, i) => value !== ends[i])).toBe(true);
    masked.dispose();
    free.dispose();
    tf.dispose([a, b, mask]);
  });

  test('groups have learning rates of their own, which may change', () => {
    const [a, b, c] = [0, 1, 2].map(() => variable([1, 1]));
    const groups = [
      { name: 'fast', variables: [a], learningRate: 0.1 },
      { name: 'slow', variables: [b, c], learningRate: 0.01 },
    ];
    const optimizer = make(groups);
    const gradient = tf.tensor1d([1, -2]);
    optimizer.step({ [a.name]: gradient, [b.name]: gradient, [c.name]: gradient });
    const moved = (v: tf.Variable): number[] => values(v).map((x) => x - 1);
    close(
      moved(a).map((x) => x / 10),
      moved(b),
      1e-6,
    );
    expect(values(c)).toEqual(values(b));
    groups[1].learningRate = 0;
    const still = values(b);
    optimizer.step({ [a.name]: gradient, [b.name]: gradient });
    expect(values(b)).toEqual(still);
    optimizer.dispose();
    tf.dispose([a, b, c, gradient]);
  });

  test('a variable without a gradient is left alone', () => {
    const [a, b] = [0, 1].map(() => variable([1, 1]));
    const optimizer = make([{ name: 'all', variables: [a, b], learningRate: 0.1 }]);
    stepWith(optimizer, a, 5);
    expect(values(b)).toEqual([1, 1]);
    expect(values(a)).not.toEqual([1, 1]);
    optimizer.dispose();
    tf.dispose([a, b]);
  });

  test('a restored optimizer goes on bit for bit', async () => {
    const [a, b] = [1, 2].map(() => variable(draws(1), shape));
    const first = make([{ name: 'all', variables: [a], learningRate: 0.1 }]);
    for (let s = 0; s < 4; s++) stepWith(first, a, s);
    const state = await first.state();
    tf.tidy(() => b.assign(tf.clone(a)));
    const second = make([{ name: 'all', variables: [b], learningRate: 0.1 }]);
    second.restore(JSON.parse(JSON.stringify(state), revive(a.name, b.name)));
    for (let s = 4; s < 8; s++)
      for (const [o, w] of [
        [first, a],
        [second, b],
      ] as const)
        stepWith(o, w, s);
    expect(values(b)).toEqual(values(a));
    first.dispose();
    second.dispose();
    tf.dispose([a, b]);
  });

  test('slots of variables that stay survive a change of groups', () => {
    const [a, b, c] = [1, 2, 3].map(() => variable(draws(1), shape));
    const changed = make([{ name: 'all', variables: [a, c], learningRate: 0.1 }]);
    const steady = make([{ name: 'all', variables: [b], learningRate: 0.1 }]);
    for (let s = 0; s < 3; s++)
      for (const [o, w] of [
        [changed, a],
        [steady, b],
      ] as const)
        stepWith(o, w, s);
    changed.setGroups([{ name: 'other', variables: [a], learningRate: 0.1 }]);
    for (let s = 3; s < 6; s++)
      for (const [o, w] of [
        [changed, a],
        [steady, b],
      ] as const)
        stepWith(o, w, s);
    expect(values(a)).toEqual(values(b));
    changed.dispose();
    steady.dispose();
    tf.dispose([a, b, c]);
  });
});

/** Slots under the new variable's name, and objects of numbers back to typed arrays. */
function revive(from: string, to: string): (key: string, value: unknown) => unknown {
  return (key, value) => {
    if (key === 'slots') return { [to]: (value as Record<string, unknown>)[from] };
    if (value !== null && typeof value === 'object' && '0' in value) {
      return Float32Array.from(Object.values(value as Record<string, number>));
    }
    return value;
  };
}
