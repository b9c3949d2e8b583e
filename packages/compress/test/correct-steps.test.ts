import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import type { Method, Rounded } from '../src/choose/quantize.js';
import type { Bench } from '../src/fidelity/bench.js';
import type { Executable } from '../src/model/model.js';
import { type Plan, planAlone, planLinear, planPlain } from '../src/plan/tensor-plan.js';
import { correctSteps } from '../src/search/correct-steps.js';
import { Work } from '../src/time-budget.js';
import { rowMajor } from '../src/trace/layout.js';

describe('correction of steps', () => {
  const values = Float32Array.from({ length: 16 }, (_, i) => Math.sin(i * i + 1));
  const spec = (name: string, shape: number[]) => ({ name, shape, dtype: 'float32' as const });
  const weight = (name: string, shape: number[]) => ({
    ...spec(name, shape),
    values,
    scale: undefined,
    spec: spec(name, shape),
    bytes: new Uint8Array(64),
  });
  const ones = new Float64Array(16).fill(1);
  const gram = {
    size: 5,
    positions: 1e6,
    moments: Float64Array.from({ length: 25 }, (_, i) => (i % 6 === 0 ? 1 : 0)),
  };
  const kernel = (name: string): Plan =>
    planLinear(weight(name, [4, 4]), values, ones, rowMajor(4, 4), gram, undefined);
  const vector = (name: string): Plan => planPlain(weight(name, [16]), values, ones);

  const model = (rows = 8) =>
    ({
      inputs: [{ name: 'x', shape: [-1, 4], dtype: 'float32' }],
      run: async ([x]: readonly tf.Tensor[]) => {
        expect(x?.shape[0]).toBe(rows);
        return [tf.zeros([1])];
      },
    }) as unknown as Executable;

  /** A bench that measures so many times the error that is expected. */
  function bench(times: (names: readonly string[], call: number) => number) {
    const asked: string[][] = [];
    const error = async (_: Executable, rounded: ReadonlyMap<string, Rounded>): Promise<number> => {
      const names = [...rounded.keys()];
      asked.push(names);
      const count = names.filter((name) => !name.startsWith('bias')).length;
      return (times(names, asked.length) * count * 16 * 0.1 ** 2) / 12;
    };
    return { asked, bench: { error } as unknown as Bench };
  }
  const correct = async (plans: readonly Plan[], own: Bench, seconds = Number.POSITIVE_INFINITY) => {
    let now = 0;
    const x = tf.zeros([8, 4]);
    const stage = new Work(seconds, () => now++).stage(1);
    await correctSteps(model(), plans, 0.1, new Map<string, Method>(), own, [x], stage);
    x.dispose();
  };

  test('makes finer what errs more and wider what errs less, at about the same error', async () => {
    const plans = [kernel('a'), kernel('b'), kernel('c')];
    const { bench: own, asked } = bench(([name]) => ({ a: 4, b: 0.25, c: 1 })[name as 'a' | 'b' | 'c']);
    await correct(plans, own);
    // Again where steps moved far.
    expect(asked.slice(0, 3)).toEqual([['a'], ['b'], ['c']]);
    expect(asked.slice(3)).toContainEqual(['a']);
    expect(asked.slice(3)).toContainEqual(['b']);
    const [a, b, c] = plans.map(({ wish }) => wish.shift) as [number, number, number];
    expect(a).toBeLessThan(c);
    expect(c).toBeLessThan(b);
    expect(a).toBeLessThan(-0.5);
    expect(b).toBeGreaterThan(0);
    for (const { wish, level } of plans) expect(level?.shift).toBe(wish.shift);
  });

  test('parts nothing where all err alike', async () => {
    const plans = [kernel('a'), kernel('b')];
    await correct(plans, bench(() => 8).bench);
    expect(plans[0]?.wish.shift).toBe(plans[1]?.wish.shift);
    expect(Math.abs(plans[0]?.wish.shift as number)).toBeLessThanOrEqual(0.5);
  });

  test('outputs that are no numbers any more are an error, of which steps become finer', async () => {
    for (const error of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const plans = [kernel('a'), kernel('b')];
      const { bench: own } = bench(([name]) => (name === 'a' ? error : 1));
      await correct(plans, own);
      const [a, b] = plans.map(({ wish }) => wish.shift) as [number, number];
      expect(a).toBeLessThan(b - 3);
      expect(b).toBeGreaterThanOrEqual(0);
    }
  });

  test('without any error none moves', async () => {
    const plans = [kernel('a'), kernel('b')];
    await correct(plans, bench(() => 0).bench);
    expect(plans.map(({ wish }) => wish.shift + 0)).toEqual([0, 0]);
  });

  test('what seems to do no harm at all is not believed: an octave wider at most, twice', async () => {
    const plans = [kernel('a'), kernel('b')];
    const { bench: own } = bench(([name]) => (name === 'a' ? 0 : 1));
    await correct(plans, own);
    const [a, b] = plans.map(({ wish }) => wish.shift) as [number, number];
    expect(a).toBeGreaterThan(b + 0.5);
    expect(a).toBeLessThanOrEqual(2);
  });

  test('takes vectors together, and leaves alone what no output feels', async () => {
    const silent = planAlone(weight('s', [4, 4]), values, 5);
    const plans = [vector('u'), kernel('a'), silent, vector('v')];
    const { bench: own, asked } = bench(() => 2 ** 20);
    await correct(plans, own);
    expect(asked.slice(0, 2)).toEqual([['a'], ['u', 'v']]);
    expect(silent.wish.shift).toBe(0);
    expect(plans[0]?.wish.shift).toBe(plans[3]?.wish.shift);
  });

  test('rounds a bias along with its kernel', async () => {
    const own = planLinear(weight('a', [4, 4]), values, ones, rowMajor(4, 4), gram, 'bias');
    const { bench: measured, asked } = bench(() => 1);
    await correct([own, vector('bias')], measured);
    expect(asked.slice(0, 2)).toEqual([['a', 'bias'], ['bias']]);
  });

  test('without time takes together what is left, the largest first by itself', async () => {
    const large = planPlain(
      { ...weight('large', [8, 4]), values: new Float32Array(32) },
      new Float32Array(32).fill(0.3),
      new Float64Array(32).fill(1),
    );
    const { bench: own, asked } = bench(() => 1);
    await correct([kernel('a'), large, kernel('b')], own, 0.5);
    expect(asked.slice(0, 2)).toEqual([['large'], ['a', 'b']]);
  });

  test('of large inputs takes four examples at least', async () => {
    const x = tf.zeros([8, 2 ** 16]);
    const { bench: own } = bench(() => 1);
    const stage = new Work(Number.POSITIVE_INFINITY).stage(1);
    const { numTensors } = tf.memory();
    await correctSteps(model(8), [kernel('a')], 0.1, new Map(), own, [x], stage);
    const larger = tf.zeros([8, 2 ** 17]);
    await correctSteps(model(4), [kernel('a')], 0.1, new Map(), own, [larger], stage);
    larger.dispose();
    expect(tf.memory().numTensors).toBe(numTensors);
    // Those that come first; all of them, where one input takes so many at a time.
    const ramp = tf.tidy(() => tf.tile(tf.reshape(tf.range(0, 8), [8, 1]), [1, 2 ** 17]));
    const seen: number[][] = [];
    const of = (...sizes: number[]) =>
      ({
        inputs: sizes.map((n) => ({ name: `x${n}`, shape: [n, 2 ** 17], dtype: 'float32' })),
        run: async ([own]: readonly tf.Tensor[]) => {
          seen.push([...tf.tidy(() => tf.slice(own as tf.Tensor, [0, 0], [-1, 1])).dataSync()]);
          return [tf.zeros([1])];
        },
      }) as unknown as Executable;
    const before = tf.memory().numTensors;
    for (const inputs of [of(-1), of(-1, 8)])
      await correctSteps(inputs, [kernel('a')], 0.1, new Map(), own, [ramp], stage);
    expect(seen).toEqual([
      [0, 1, 2, 3],
      [0, 1, 2, 3, 4, 5, 6, 7],
    ]);
    expect(tf.memory().numTensors).toBe(before + 2);
    ramp.dispose();
    const pair = [tf.zeros([7, 2 ** 16]), tf.zeros([7, 2 ** 14])];
    await correctSteps(model(6), [kernel('a')], 0.1, new Map(), own, pair, stage);
    tf.dispose([x, ...pair]);
  });
});
