import '@tensorflow/tfjs-backend-cpu';
import { Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { weightScorers } from '../src/criteria/criterion.js';
import { geometricMedian } from '../src/criteria/weights.js';
import { countInto, gather, gathered, sliceOf, spread, spreadValues, sums } from '../src/structures/slice.js';
import { goneIn, type Structures } from '../src/structures/structures.js';
import { write } from './models.js';

/** A weight of shape [2, 3, 2] with the numbers 1 to 12, negative where even. */
const run = new Run(
  tfl.sequential({
    layers: [tfl.layers.conv1d({ name: 'c', filters: 2, kernelSize: 2, inputShape: [4, 3] })],
  }),
);
const kernel = run.parameter('c/kernel');
const bias = run.parameter('c/bias');
const numbers = Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? i + 1 : -i - 1));
write(kernel, numbers);
write(bias, [20, -3]);

const middle = sliceOf(kernel, 1, Int32Array.of(1, -1, 0));
const first = sliceOf(kernel, 0, Int32Array.of(0, 1));
const last = sliceOf(kernel, 2, Int32Array.of(0, 1));

describe('slices', () => {
  test('see a tensor as what is before an axis, along it and behind it', () => {
    expect(middle).toMatchObject({ outer: 2, length: 3, inner: 2 });
    expect(first).toMatchObject({ outer: 1, length: 2, inner: 6 });
    expect(last).toMatchObject({ outer: 6, length: 2, inner: 1 });
    expect(sliceOf(bias, 0, Int32Array.of(0, 1))).toMatchObject({ outer: 1, length: 2, inner: 1 });
  });

  test('add up what lies at each index, and what each structure has', () => {
    const along = (slice: typeof middle) => [...sums(slice, kernel.variable, tf.abs).dataSync()];
    expect(along(middle)).toEqual([1 + 2 + 7 + 8, 3 + 4 + 9 + 10, 5 + 6 + 11 + 12]);
    expect(along(first)).toEqual([21, 57]);
    expect(along(last)).toEqual([36, 42]);
    const [here, counts] = [new Float64Array(2).fill(100), new Float64Array(2)];
    gather(middle, [1, 2, 4], here);
    expect([...here]).toEqual([104, 101]);
    countInto(middle, counts);
    countInto(last, counts);
    expect([...counts]).toEqual([4 + 6, 4 + 6]);
    const values = tf.tensor1d([1, 2, 4]);
    expect([...gathered(middle.units, values, 2).dataSync()]).toEqual([4, 1]);
    expect([...gathered(Int32Array.of(1, 1, 0), values, 3).dataSync()]).toEqual([4, 3, 0]);
    expect(gathered(Int32Array.of(0, 1, 2), values, 3)).toBe(values);
    expect([...gathered(Int32Array.of(0, 1, 2), values, 4).dataSync()]).toEqual([1, 2, 4, 0]);
  });

  test('spread a factor of each structure over its weights, on the device and here', () => {
    const slices = [middle, last];
    const factors = [
      [2, 3],
      [1, 10],
    ];
    // Along the middle 3, 1 (none), 2; along the last axis 1, 10.
    const expected = [3, 30, 1, 10, 2, 20, 3, 30, 1, 10, 2, 20];
    expect([...spreadValues(slices, factors)]).toEqual(expected);
    expect([...spread(slices, factors).dataSync()]).toEqual(expected);
    const tensors = factors.map((f) => tf.tensor1d(f));
    expect([...spread(slices, tensors).dataSync()]).toEqual(expected);
    expect(spread(slices, tensors).shape).toEqual([2, 3, 2]);
  });
});

const units: Structures = {
  name: 'units',
  size: 2,
  scored: [last, sliceOf(bias, 0, Int32Array.of(0, 1))],
  masked: [],
  group: undefined,
};

describe('structures', () => {
  test('are gone when all their weights are masked', () => {
    const maskOf = (own: readonly number[] | undefined, other: readonly number[] | undefined) => [
      ...goneIn(units, (p) => (p === kernel ? own : other)),
    ];
    const second = numbers.map((_, i) => Number(i % 2 === 0));
    expect(maskOf(undefined, undefined)).toEqual([0, 0]);
    expect(maskOf(second, [1, 0])).toEqual([0, 1]);
    expect(maskOf(second, [1, 1])).toEqual([0, 0]);
    expect(maskOf(second, undefined)).toEqual([0, 0]);
    expect(maskOf(Array<number>(12).fill(0), [0, 0])).toEqual([1, 1]);
    for (let at = 0; at < 12; at++) {
      const one = numbers.map((_, i) => Number(i === at));
      expect(maskOf(one, [0, 0])).toEqual(at % 2 === 0 ? [0, 1] : [1, 0]);
      const middles = { ...units, scored: [middle] };
      const unit = middle.units[Math.floor(at / 2) % 3];
      expect([...goneIn(middles, () => one)]).toEqual([0, 1].map((u) => Number(u !== unit)));
    }
  });

  test.each([
    ['l1', [(1 + 3 + 5 + 7 + 9 + 11 + 20) / 7, (2 + 4 + 6 + 8 + 10 + 12 + 3) / 7]],
    ['l2', [Math.sqrt((286 + 400) / 7), Math.sqrt((364 + 9) / 7)]],
    ['max', [20, 12]],
  ] as const)('have scores by %s, on the device and here', (name, expected) => {
    const scorer = weightScorers[name];
    const scoring = scorer.start({ owner: 'mine', run, sets: [units], tied: undefined });
    const seen = (scoring.look(units) ?? []).map((t) => Float32Array.from(t.dataSync()));
    const here = scoring.scores(units, seen);
    const device = scorer.onDevice(units).dataSync();
    for (const i of [0, 1]) {
      expect(here[i]).toBeCloseTo(expected[i], 5);
      expect(device[i]).toBeCloseTo(expected[i], 4);
    }
    // Some of the middle belong to nobody, the others to each other's.
    const mixed = { ...units, scored: [middle] };
    const parts = (scoring.look(mixed) ?? []).map((t) => Float32Array.from(t.dataSync()));
    const found = scoring.scores(mixed, parts);
    const own = [
      [5, 6, 11, 12],
      [1, 2, 7, 8],
    ].map((all) =>
      name === 'max'
        ? Math.max(...all)
        : name === 'l1'
          ? all.reduce((a, b) => a + b) / 4
          : Math.sqrt(all.reduce((a, b) => a + b * b, 0) / 4),
    );
    const also = scorer.onDevice(mixed).dataSync();
    for (const i of [0, 1]) {
      expect(found[i]).toBeCloseTo(own[i], 5);
      expect(also[i]).toBeCloseTo(own[i], 4);
    }
  });

  test('have distances from all others', () => {
    const set = { ...units, size: 3, scored: [sliceOf(kernel, 1, Int32Array.of(0, 1, 2))] };
    const scoring = geometricMedian.start({ owner: 'mine', run, sets: [set], tied: undefined });
    const found = scoring.scores(set, [Float32Array.from(numbers)]);
    // Vectors (1, -2, 7, -8), (3, -4, 9, -10) and (5, -6, 11, -12): 4 and 8 apart.
    expect([...found]).toEqual([12, 8, 12]);
    const uneven = { ...set, size: 2, scored: [middle, sliceOf(bias, 0, Int32Array.of(0, -1))] };
    expect(() => scoring.scores(uneven, [Float32Array.from(numbers), Float32Array.of(1, 2)])).toThrow(
      'differ in size',
    );
  });
});
