import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Curve, curveOf, offsets, together, trade } from '../src/search/trade.js';
import { numbers } from './plans.js';

const zero = offsets.indexOf(0);
const curve = (count: number, step: number, seed = 1): Curve =>
  curveOf(numbers(count, seed), new Float64Array(count).fill(step));

beforeAll(() => tf.ready());

describe('what steps cost', () => {
  test('fine ones a bit a weight for each octave, of few weights too; wide ones next to nothing', () => {
    for (const count of [64, 4096]) {
      const { bits } = curve(count, 1 / 64);
      const octave = (bits[zero - 4] as number) - (bits[zero] as number);
      expect(octave / count).toBeCloseTo(1, 1);
    }
    const { bits } = curve(4096, 16);
    expect(((bits[zero - 4] as number) - (bits[zero] as number)) / 4096).toBeLessThan(0.1);
  });

  test('bits are what an ideal coder of normal numbers takes, within a tenth of a bit', () => {
    // h = log2(sqrt(2 pi e)) - log2(step)
    const { bits } = curve(16384, 0.125);
    expect((bits[zero] as number) / 16384).toBeCloseTo(2.047 + 3, 1);
  });

  test('errors are squares of the first steps: a twelfth a weight, a quarter of it for half the step, where steps are fine', () => {
    const { errors } = curve(16384, 1 / 64);
    const [half, own, twice] = [-4, 0, 4].map((i) => (12 * (errors[zero + i] as number)) / 16384);
    expect(half).toBeCloseTo(0.25, 1);
    expect(own).toBeCloseTo(1, 1);
    expect(twice).toBeCloseTo(4, 0);
    // Where all levels are 0, half the step hardly helps.
    const wide = curve(16384, 16).errors;
    expect((wide[zero - 4] as number) / (wide[zero] as number)).toBeGreaterThan(0.9);
  });

  test('large tensors are looked at by a sample, and count whole', () => {
    const [few, many] = [curve(2 ** 14, 0.3), curve(2 ** 16, 0.3)];
    expect((many.bits[zero] as number) / (few.bits[zero] as number)).toBeCloseTo(4, 1);
    expect((many.errors[zero] as number) / (few.errors[zero] as number)).toBeCloseTo(4, 0);
  });

  test('tensors without error, and levels beyond 2^16, have curves of numbers', () => {
    const exact = curveOf(new Float32Array(16).fill(3), new Float64Array(16).fill(1));
    const fine = curve(64, 1e-7);
    for (const { bits, errors } of [exact, fine, together([exact, fine])])
      expect([...bits, ...errors].every(Number.isFinite)).toBe(true);
  });
});

describe('steps that cost the least together', () => {
  const grown = ({ errors }: Curve, i: number) =>
    i > zero ? 4 ** (offsets[i] as number) : (errors[i] as number) / (errors[zero] as number);
  const errorOf = (curves: readonly Curve[], errors: readonly number[], at: readonly number[]) =>
    at.reduce((sum, i, t) => sum + (errors[t] as number) * grown(curves[t] as Curve, i), 0);
  const bitsOf = (curves: readonly Curve[], at: readonly number[]) =>
    at.reduce((sum, i, t) => sum + (curves[t]?.bits[i] as number), 0);

  test('no others at as little error take fewer bits, and the error is what it was', () => {
    const curves = [curve(4000, 2, 1), curve(3000, 0.4, 2), curve(1000, 0.05, 3)];
    for (const errors of [
      [1, 1, 1],
      [40, 3, 0.1],
      [0.1, 3, 40],
    ]) {
      const total = errors.reduce((a, b) => a + b, 0);
      const chosen = trade(curves, errors).map((offset) => offsets.indexOf(offset));
      const error = errorOf(curves, errors, chosen);
      expect(error).toBeLessThanOrEqual(total);
      expect(error).toBeGreaterThan(0.6 * total);
      let least = Number.POSITIVE_INFINITY;
      for (const a of offsets.keys())
        for (const b of offsets.keys())
          for (const c of offsets.keys())
            if (errorOf(curves, errors, [a, b, c]) <= error)
              least = Math.min(least, bitsOf(curves, [a, b, c]));
      expect(bitsOf(curves, chosen)).toBe(least);
    }
  });

  test('who errs most where a step costs no bits becomes finer, and pays by the others', () => {
    const [low, high] = trade([curve(4000, 2.5, 1), curve(4000, 0.1, 2)], [4, 1]) as [number, number];
    expect(low).toBeLessThanOrEqual(-0.5);
    expect(high).toBeGreaterThanOrEqual(0.25);
  });

  test('at one rate, who errs four times as much is an octave finer', () => {
    const own = curve(4000, 0.05);
    const [a, b, c] = trade([own, own, own], [2, 1, 0.5]) as [number, number, number];
    expect(c - a).toBe(1);
    expect(b - a).toBeCloseTo(0.5, 0);
  });

  test('one alone stays; without any error none moves', () => {
    expect(trade([curve(4000, 0.3)], [7])).toEqual([0]);
    expect(trade([], [])).toEqual([]);
    expect(trade([curve(100, 0.3), curve(100, 3)], [0, 0])).toEqual([0, 0]);
  });

  test('weights that lie on their steps do not get wider ones for nothing', () => {
    const exact = curveOf(new Float32Array(4000).fill(3), new Float64Array(4000).fill(1));
    expect(exact.errors[zero]).toBe(0);
    expect(trade([exact, curve(4000, 0.1)], [8, 1])[0]).toBeLessThanOrEqual(0);
  });

  test('several together move as one, each with its weight', () => {
    const [few, many] = [curve(40, 16, 1), curve(4000, 0.05, 2)];
    const alone = trade([many, curve(4000, 0.05, 3)], [4, 1]);
    expect(trade([together([few, many]), curve(4000, 0.05, 3)], [4, 1])).toEqual(alone);
  });
});
