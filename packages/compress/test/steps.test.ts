import '@tensorflow/tfjs-backend-cpu';
import { decode, encode } from '@espalier/codec';
import { describe, expect, test } from 'vitest';
import { Wish } from '../src/plan/steps.js';
import { roundPlain, toSteps } from '../src/round/snap.js';
import { noise } from './models.js';

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
    // Sums of 0.1 are not quite alike: that is no reason for exponents of 0.
    const tenths = new Wish([4, 8], new Float64Array(32).fill(0.1), new Float32Array(32).fill(1));
    expect(tenths.exponents).toEqual([undefined, undefined]);
  });

  test('never asks for more levels than are coded well', () => {
    const wish = new Wish([8], new Float64Array(8).fill(1e20), new Float32Array(8).fill(2));
    expect(2 / wish.grid(1e-9).step).toBeLessThan(2 ** 14 + 1);
  });

  test('is the step that adds an error of 1 / 12 for each weight, times the fineness', () => {
    const wish = new Wish([10], new Float64Array(10).fill(16), new Float32Array(10).fill(1));
    expect(wish.mean).toBe(-2);
    expect(wish.grid(1).step).toBe(0.25);
    expect(wish.grid(0.5).step).toBe(0.125);
    wish.refine(1);
    wish.refine(0.5);
    expect(wish.shift).toBe(-1.5);
    expect(wish.grid(1).step).toBe(Math.fround(2 ** -3.5));
    // The mean importance counts where there is one step: 1 and 31 are 16.
    const uneven = new Wish([2], Float64Array.of(1, 31), Float32Array.of(1, 1));
    expect(uneven.grid(1)).toEqual({ step: 0.25, exponents: [undefined] });
  });

  test('tells each axis apart: importances that are products of powers of 4 get steps that are halves', () => {
    const shape = [4, 16, 1, 4];
    const octaves = (i: number): number => [3, 0, 2, 1][i >> 6] as number;
    const others = (i: number): number => [0, 1, 4, 2][i & 3] as number;
    const importance = Float64Array.from({ length: 256 }, (_, i) => 4 ** (octaves(i) + others(i)));
    const wish = new Wish(shape, importance, new Float32Array(256).fill(1e-3));
    const [first, second, third, last] = wish.exponents;
    expect(first && [...first]).toEqual([0, 12, 4, 8]);
    expect([second, third]).toEqual([undefined, undefined]);
    expect(last && [...last]).toEqual([16, 12, 0, 8]);
    // The least step has 4^-7 for its square where importance is 4^7.
    const grid = wish.grid(1);
    expect(grid.step).toBeCloseTo(2 ** -7, 9);
    wish.steps(grid).forEach((step, i) => {
      expect(step ** 2 * (importance[i] as number)).toBeCloseTo(1, 4);
    });
  });

  test('has quarters of octaves, as the codec computes them', () => {
    // Quarters of an octave of the step are half octaves of importance.
    const importance = Float64Array.from({ length: 512 }, (_, i) => 2 ** (-(i & 7) / 2));
    const wish = new Wish([64, 8], importance, new Float32Array(512).fill(1));
    expect([...(wish.exponents[1] ?? [])]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const grid = wish.grid(0.01);
    const steps = wish.steps(grid);
    for (let i = 0; i < 8; i++) expect((steps[i] as number) / grid.step).toBeCloseTo(2 ** (i / 4), 12);
    const values = roundPlain(noise([512], 3).dataSync() as Float32Array, toSteps(steps));
    const weightSpecs = [{ name: 'w', shape: [64, 8], dtype: 'float32' as const }];
    const file = encode(
      { weightSpecs, weightData: values.slice().buffer },
      { effort: 1, grids: { w: grid } },
    );
    expect(new Float32Array(decode(file).weightData)).toEqual(values);
    expect(file.length).toBeLessThan(1024);
  });

  test('has steps of its own along an axis where these save more bits than they cost', () => {
    // Of 8 rows by 16, half a tensor is d octaves finer: that saves (d / 2)^2 ln 2 bits a weight, by the high-rate formula,
    // and takes as many bits a row as 4 d needs.
    const along = (d: number): Uint8Array | undefined => {
      const importance = Float64Array.from({ length: 128 }, (_, i) => 4 ** (d * ((i >> 4) % 2)));
      return new Wish([8, 16], importance, new Float32Array(128).fill(1)).exponents[0];
    };
    for (const d of [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 3]) {
      const saved = (d / 2) ** 2 * Math.LN2 * 128;
      const spent = 8 * Math.ceil(Math.log2(4 * d + 1));
      const own = along(d);
      if (saved > spent)
        expect([...(own ?? [])]).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((r) => (r % 2 ? 0 : 4 * d)));
      else expect(own).toBeUndefined();
    }
  });

  test('gives what hardly matters no more than 15 octaves, and stays in float32', () => {
    const importance = Float64Array.from({ length: 4096 }, (_, i) => (i % 2 ? 1 : 0));
    const wish = new Wish([2048, 2], importance, new Float32Array(4096).fill(1e-9));
    expect([...(wish.exponents[1] ?? [])]).toEqual([60, 0]);
    expect(new Wish([4], new Float64Array(4), new Float32Array(4)).grid(1e9).step).toBe(Math.fround(1e30));
    expect(new Wish([4], new Float64Array(4).fill(1), new Float32Array(4)).grid(1e-35).step).toBe(
      Math.fround(1e-30),
    );
  });

  test('leaves 2^14 levels to the greatest weight of the finest steps', () => {
    const importance = Float64Array.from({ length: 512 }, (_, i) => 4 ** (i & 7));
    const values = new Float32Array(512).fill(0.001);
    values[7] = -3;
    const wish = new Wish([64, 8], importance, values);
    expect(3 / wish.grid(1e-12).step).toBeCloseTo(2 ** 14, 0);
    values[0] = 3 * 2 ** 7 * 2;
    expect(values[0] / 2 ** 7 / new Wish([64, 8], importance, values).grid(1e-12).step).toBeCloseTo(
      2 ** 14,
      0,
    );
  });
});
