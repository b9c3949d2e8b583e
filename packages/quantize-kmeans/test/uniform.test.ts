import '@tensorflow/tfjs-backend-cpu';
import { dequantize, randomUniform as draws, Run } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { uniform, uniformLevels } from '../src/index.js';

const build = (): Run =>
  new Run(
    tfl.sequential({
      layers: [
        tfl.layers.dense({
          name: 'fc',
          units: 40,
          inputShape: [30],
          kernelInitializer: tfl.initializers.randomNormal({ seed: 1 }),
          biasInitializer: tfl.initializers.randomNormal({ seed: 2 }),
        }),
      ],
    }),
  );

describe('uniform', () => {
  it('rounds to multiples of a float32 step, zero among them', async () => {
    const run = build();
    const before = (run.parameters[0].variable.dataSync() as Float32Array).slice();
    await run.quantize(uniform({ step: 0.01 }));
    const step = Math.fround(0.01);
    run.parameters[0].variable.dataSync().forEach((x, i) => {
      expect(Math.abs(x - before[i])).toBeLessThanOrEqual(step / 2 + 1e-9);
      expect(x).toBe(Math.fround(Math.round(x / step) * step));
    });
    const { codebook, fixed } = run.shared(run.parameters[0])!;
    expect(fixed).toEqual([codebook.indexOf(0)]);
  });

  it('uses the bits it is given, and clips where that has less error', async () => {
    const errors = [];
    for (const range of ['max', 'mse'] as const) {
      const run = build();
      const before = (run.parameters[0].variable.dataSync() as Float32Array).slice();
      await run.quantize(uniform({ bits: { 'fc/kernel': 3, '**': 8 }, range }), '**');
      const { codebook } = run.shared(run.parameters[0])!;
      expect(codebook.length).toBeLessThanOrEqual(7);
      expect(run.shared(run.parameters[1])!.codebook.length).toBeGreaterThan(7);
      const after = run.parameters[0].variable.dataSync();
      const peak = before.reduce((a, x) => Math.max(a, Math.abs(x)), 0);
      if (range === 'max') {
        expect(Math.max(...codebook.map(Math.abs))).toBeCloseTo(peak, 6);
        before.forEach((x, i) => {
          expect(Math.abs(x - after[i])).toBeLessThanOrEqual(peak / 6 + 1e-6);
        });
      }
      errors.push(before.reduce((sum, x, i) => sum + (x - after[i]) ** 2, 0));
    }
    expect(errors[1]).toBeLessThan(0.8 * errors[0]);
  });

  it('has, of 64 parts of the step that clips nothing, the one of least error', async () => {
    const draw = draws(3);
    const values = Float32Array.from({ length: 1200 }, () => 4 * (draw() - 0.5) ** 5);
    const most = 2 ** (3 - 1) - 1;
    const peak = Math.max(...values.map(Math.abs));
    const errorOf = (step: number): number =>
      values.reduce(
        (sum, x) => sum + (x - step * Math.max(-most, Math.min(most, Math.round(x / step)))) ** 2,
        0,
      );
    const steps = Array.from({ length: 64 }, (_, i) => ((i + 1) / 64) * (peak / most));
    const errors = steps.map(errorOf);
    const best = Math.fround(steps[errors.indexOf(Math.min(...errors))]);
    expect(best).toBeLessThan(0.9 * (peak / most));
    const run = build();
    const [kernel] = run.parameters;
    kernel.variable.assign(tf.tensor2d(values, [30, 40]));
    await run.quantize(uniform({ bits: 3 }), 'fc/kernel');
    expect([...run.shared(kernel)!.codebook]).toEqual(
      [-3, -2, -1, 0, 1, 2, 3].map((i) => Math.fround(i * best)),
    );
  });

  it('looks at some of very many values', async () => {
    const units = 2 ** 13 + 1; // 64 rows of them are just more than 2^19: every third counts
    const values = Float32Array.from({ length: 64 * units }, (_, i) => (i % 3 === 0 ? 1 : 0.4));
    values[1] = 8; // which parts of 1/64 of it are tried
    const run = new Run(
      tfl.sequential({ layers: [tfl.layers.dense({ units, inputShape: [64], useBias: false })] }),
    );
    const [kernel] = run.parameters;
    kernel.variable.assign(tf.tensor2d(values, [64, units]));
    await run.quantize(uniform({ bits: 2 }));
    // All that are seen are 1.
    expect([...run.shared(kernel)!.codebook]).toEqual([0, 1]);
    run.dispose();
  });

  it('manages a tensor of zeros, and bits from 2 to 16', async () => {
    const run = build();
    const [kernel] = run.parameters;
    const before = (kernel.variable.dataSync() as Float32Array).slice();
    await run.quantize(uniform({ bits: 16, range: 'max' }), 'fc/kernel');
    const peak = Math.max(...before.map(Math.abs));
    const step = Math.fround(peak / 32767);
    for (const [i, x] of kernel.variable.dataSync().entries())
      expect(Math.abs(x - before[i])).toBeLessThanOrEqual(0.5001 * step);
    expect(() => uniform({ bits: 2 })).not.toThrow();
    for (const bits of [1, 17, 2.5]) expect(() => uniform({ bits })).toThrow(/from 2 to 16/);
    for (const bad of [Number.POSITIVE_INFINITY, -1, Number.NaN])
      expect(() => uniform({ step: bad })).toThrow(/> 0/);
    const empty = build();
    empty.parameters[0].variable.assign(tf.zeros([30, 40]));
    await empty.quantize(uniform({ bits: 4 }), 'fc/kernel');
    expect([...empty.shared(empty.parameters[0])!.codebook]).toEqual([0]);
  });

  it('leaves shared tensors alone', async () => {
    const run = build();
    await run.quantize(uniform({ bits: 3 }));
    const shared = run.shared(run.parameters[0]);
    await run.quantize(uniform({ bits: 2 }));
    expect(run.shared(run.parameters[0])).toBe(shared);
  });

  it('refuses what it cannot honour', () => {
    expect(() => uniform({})).toThrow(/bits or step/);
    expect(() => uniform({ bits: 4, step: 1 })).toThrow(/one of them/);
    expect(() => uniform({ bits: 1 })).toThrow(/from 2 to 16/);
    expect(() => uniform({ step: 0 })).toThrow(/step is 0/);
    expect(() => uniform({ step: 1, range: 'max' })).toThrow(/beside step/);
    expect(() => uniform({ bits: 4, range: 'min' as never })).toThrow(/mse, max/);
    expect(() => uniform({ bit: 4 } as never)).toThrow(/Did you mean 'bits'/);
    expect(() => uniformLevels(Float32Array.of(Number.NaN), 1)).toThrow(/Value 0 is NaN/);
    expect(() => uniformLevels(Float32Array.of(1), Number.NaN)).toThrow(/step is NaN/);
  });
});

describe('uniformLevels', () => {
  it('gives back multiples of the step exactly, up to 65,535 levels', () => {
    const draw = draws(1);
    const step = Math.fround(0.003);
    const values = Float32Array.from({ length: 3000 }, () => Math.floor(draw() * 65535 - 32767) * step);
    expect(dequantize(uniformLevels(values, step))).toEqual(values);
    expect([...dequantize(uniformLevels(Float32Array.of(-9, 0.2, 9), 1, 2))]).toEqual([-2, 0, 2]);
    // Halves go up, as Math.round has it; a step is a float32.
    expect([...dequantize(uniformLevels(Float32Array.of(0.5, -0.5, 1.5, -1.5), 1))]).toEqual([1, 0, 2, -1]);
    expect(uniformLevels(Float32Array.of(-0.1, 0, 0.1), 0.1).codebook).toEqual(
      Float32Array.of(-Math.fround(0.1), 0, Math.fround(0.1)),
    );
  });

  it('takes 1 to 32,767 multiples of a step that is a float32', () => {
    const one = Float32Array.of(1);
    for (const most of [1, 32767]) expect(() => uniformLevels(one, 1, most)).not.toThrow();
    for (const most of [0, 32768, 1.5]) expect(() => uniformLevels(one, 1, most)).toThrow(/Give 1 to 32767/);
    for (const step of [0, -1, 1e-60, 1e60])
      expect(() => uniformLevels(one, step)).toThrow(/Give a number > 0/);
    for (const x of [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
      expect(() => uniformLevels(Float32Array.of(1, x), 1)).toThrow(/Value 1 is/);
  });
});
