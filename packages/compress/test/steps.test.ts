import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, test } from 'vitest';
import { Wish } from '../src/plan/steps.js';

describe('Wish', () => {
  test('spreads the error evenly over the indices of every axis, within the quarters', () => {
    const shape = [64, 32];
    const importance = Float64Array.from(
      { length: 2048 },
      (_, i) => 4 ** (Math.floor(i / 32) % 7) * 9 ** ((i % 32) % 3),
    );
    const wish = new Wish(shape, importance, new Float32Array(2048).fill(1));
    const steps = wish.steps(wish.grid(1));
    const errors = importance.map((w, i) => w * steps[i] ** 2);
    expect(errors.reduce((a, b) => a + b, 0) / 2048).toBeCloseTo(1, 5);
    for (const error of errors) expect(Math.abs(Math.log2(error))).toBeLessThan(0.55);
  });

  test('has one step where that serves as well', () => {
    const wish = new Wish([64, 32], new Float64Array(2048).fill(4), new Float32Array(2048).fill(1));
    expect(wish.grid(1)).toEqual({ step: 0.5, exponents: [undefined, undefined] });
  });

  test('never asks for more levels than are coded well', () => {
    const wish = new Wish([8], new Float64Array(8).fill(1e20), new Float32Array(8).fill(2));
    expect(2 / wish.grid(1e-9).step).toBeLessThan(2 ** 14 + 1);
  });
});
