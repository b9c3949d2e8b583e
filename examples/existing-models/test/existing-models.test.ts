import '@tensorflow/tfjs-backend-cpu';
import { brotliCompressSync } from 'node:zlib';
import { readWeights } from '@espalier/compress';
import { describe, expect, it } from 'vitest';
// @ts-expect-error: the example is plain JavaScript
import { crop } from '../inputs.js';
// @ts-expect-error: the example is plain JavaScript
import { models } from '../models.js';
// @ts-expect-error: the example is plain JavaScript
import { music } from '../sound.js';
// @ts-expect-error: the example is plain JavaScript
import { describe as table } from '../table.js';
// @ts-expect-error: the example is plain JavaScript
import { brotli, convertUniformly, quantizeUniformly } from '../uniform.js';

describe('existing-models', () => {
  it('quantises as the converter does: zero is exact, errors are half a step at most', () => {
    const values = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i) * (i % 7 === 0 ? 0 : 3) + 1);
    for (const bits of [8, 5, 2]) {
      const { integers, values: back } = quantizeUniformly(values, bits);
      const step = 6 / (2 ** bits - 1);
      expect(Math.max(...integers)).toBeLessThan(2 ** bits);
      for (const [i, v] of values.entries()) expect(Math.abs(v - back[i])).toBeLessThan(1.01 * step);
    }
    const mixed = quantizeUniformly(Float32Array.of(-1, 0, 0.3, 2.7), 8);
    expect(mixed.values[1]).toBe(0);
    expect(quantizeUniformly(Float32Array.of(2, 2, 2), 8).values[0]).toBeCloseTo(2, 6);
  });

  it('counts weights and text by Brotli, and leaves integers as they are', () => {
    const floats = Float32Array.from({ length: 4096 }, (_, i) => Math.cos(i * i));
    const artifacts = {
      format: 'layers-model',
      modelTopology: { name: 'x' },
      weightSpecs: [
        { name: 'w', shape: [64, 64], dtype: 'float32' },
        { name: 'i', shape: [2], dtype: 'int32' },
      ],
      weightData: new Uint8Array([
        ...new Uint8Array(floats.buffer),
        ...new Uint8Array(Int32Array.of(7, -9).buffer),
      ]).buffer,
    };
    const { artifacts: converted, weightBytes, textBytes } = convertUniformly(artifacts, 8);
    const [w, i] = readWeights(converted);
    expect([...(i.values ?? [])]).toEqual([7, -9]);
    expect(new Set(w.values).size).toBeLessThanOrEqual(256);
    expect(weightBytes).toBeGreaterThan(3000);
    expect(weightBytes).toBeLessThan(4200);
    expect(textBytes).toBeLessThan(250);
    const bytes = new Uint8Array(5000);
    expect(brotli(bytes)).toBeLessThanOrEqual(brotliCompressSync(bytes).length);
  });

  it('says what came of it, whole and without the text', () => {
    const fidelity = { psnr: 47.25, agreement: 0.9921875, meanDifference: 0.00123, examples: 128 };
    const converter = { weightBytes: 1000, textBytes: 250, psnr: 45.2 };
    const text: string = table([
      {
        name: 'one',
        raw: 4000,
        bits: 6,
        converter,
        ours: { bytes: 500, weightBytes: 400, fidelity: { psnr: 46 } },
      },
      {
        name: 'two',
        raw: 1234567,
        bits: 'as published',
        converter,
        ours: { bytes: 1000, weightBytes: 700, fidelity },
      },
    ]);
    expect(text).toMatch(/one +4,000 +6 bits +1,000 +1,250 +45\.2 dB +500 +400 +46\.0 dB +0\.400 +0\.400/);
    expect(text).toMatch(/two +1,234,567 +as published .* 0\.800 +0\.700/);
    expect(text).toContain(
      'two, 1,000 bytes: same class on 99.22 % of 128 held-out inputs, mean difference 0.00123',
    );
  });

  it('cuts crops out of pictures, shrunk by the mean of their pixels', () => {
    const data = new Uint8Array(4 * 20 * 30).fill(255);
    for (let i = 0; i < data.length; i += 4) data[i] = (i / 4) % 2 === 0 ? 0 : 255;
    const values: Float32Array = crop({ width: 30, height: 20, data }, 10, () => 0.99);
    expect(values.length).toBe(300);
    for (const [i, v] of values.entries()) expect(v).toBeCloseTo(i % 3 === 0 ? 0.5 : 1, 5);
  });

  it('makes sound that neither is silent nor clips, the same every time', () => {
    const sound: Float32Array = music(2, 4096, 3);
    expect(sound).toEqual(music(2, 4096, 3));
    const energy = sound.reduce((sum, v) => sum + v * v, 0) / sound.length;
    expect(energy).toBeGreaterThan(1e-5);
    expect(Math.max(...sound.map(Math.abs))).toBeLessThan(2);
  });

  it('knows ten models, each pinned', () => {
    expect(models.length).toBe(10);
    for (const { spec } of models) expect(spec).toMatch(/@\d+\.\d+\.\d+$/);
  });
});
