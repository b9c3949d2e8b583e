import '@tensorflow/tfjs-backend-cpu';
import { dequantize, randomUniform as draws, Run } from '@espalier/core';
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
  });
});
