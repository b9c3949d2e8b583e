import '@tensorflow/tfjs-backend-cpu';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { compare } from '../src/fidelity/fidelity.js';
import { errorsOf, leastPsnr, psnrOfWorst } from '../src/fidelity/worst-part.js';
import { compress, generateExamples, load } from '../src/index.js';
import { artifactsOf, fill } from './models.js';

const output = (shape: readonly number[], ...values: number[]) => ({
  shape,
  values: Float32Array.from(values),
});

describe('the worst part of the examples', () => {
  test('errors of each example are those of its own outputs, in units of their peaks', () => {
    const original = [output([4, 2], 0, 0, 0, 0, 0, 0, 0, 0), output([4], 1, 1, 1, 1)];
    const other = [output([4, 2], 0, 0, 2, 0, 0, 0, 0, 4), output([4], 1, 1, 2, 1)];
    // Of two outputs each counts half: (4 / 2) / 2^2 / 2, 1 / 10^2 / 2, (16 / 2) / 2^2 / 2.
    expect([...errorsOf(original, other, [2, 10], 4)]).toEqual([0, 0.25, 0.005, 1]);
    expect(psnrOfWorst(errorsOf(original, other, [2, 10], 4), 1)).toBeCloseTo(
      compare(original, other, [2, 10]).psnr,
      9,
    );
  });

  test('of one value is that value; the first and the last count', () => {
    expect([...errorsOf([output([1], 3)], [output([1], 5)], [2], 1)]).toEqual([1]);
    expect([...errorsOf([output([2], 3, 1)], [output([2], 5, 2)], [2], 2)]).toEqual([1, 0.25]);
    expect([...errorsOf([output([0])], [output([0])], [2], 1)]).toEqual([0]);
    // The larger part, where it is no whole number of examples.
    expect(psnrOfWorst(Float64Array.of(1e-2, 1e-4, 1e-3), 0.5)).toBeCloseTo(-10 * Math.log10(0.011 / 2), 9);
  });

  test('is one example at least, and the largest errors', () => {
    const errors = Float64Array.of(1e-4, 1e-2, 1e-3, 0, 1e-6, 1e-2, 0, 0);
    expect(psnrOfWorst(errors, 0.25)).toBeCloseTo(20, 9);
    expect(psnrOfWorst(errors, 0.01)).toBeCloseTo(20, 9);
    expect(psnrOfWorst(errors, 0.375)).toBeCloseTo(-10 * Math.log10(0.021 / 3), 9);
    expect(psnrOfWorst(Float64Array.of(0, 0), 0.25)).toBe(Number.POSITIVE_INFINITY);
  });

  test('where something is no number any more, or has another size', () => {
    const original = [output([2], 1, Number.POSITIVE_INFINITY)];
    expect([...errorsOf(original, [output([2], 1, Number.POSITIVE_INFINITY)], [1], 2)]).toEqual([0, 0]);
    const broken = errorsOf(original, [output([2], 1, Number.NaN)], [1], 2);
    expect(psnrOfWorst(broken, 0.5)).toBe(Number.NEGATIVE_INFINITY);
    expect([...errorsOf(original, [output([1], 1)], [1], 2)]).toEqual([1, 1]);
  });

  describe('of one output for one example', () => {
    /** 16 values from 0 to `span`, one of them off by `error`. */
    const row = (span: number, error = 0): number[] =>
      Array.from({ length: 16 }, (_, k) => (k === 1 ? error : k % 2 ? span : 0));
    const flat = (values: number[][]) => output([values.length, 16], ...values.flat());

    test('is in units of what that output spans for it', () => {
      // Two examples that span 8 and 2, each off by 1 in one of 16 values; over all the peak is 8.
      const original = [flat([row(8), row(2)])];
      const other = [flat([row(8, 1), row(2, 1)])];
      expect(leastPsnr(original, other, [8], 2)).toBeCloseTo(-10 * Math.log10(1 / 16 / 2 ** 2), 9);
      expect(leastPsnr(original, other, [8], 2, true)).toBeCloseTo(-10 * Math.log10(1 / 16 / 8 ** 2), 9);
      expect(leastPsnr(original, [flat([row(8, 1), row(2)])], [8], 2)).toBeCloseTo(
        -10 * Math.log10(1 / 16 / 8 ** 2),
        9,
      );
      // No less than 1/32 of the peak.
      expect(leastPsnr([flat([row(8), row(0)])], [flat([row(8), row(0, 1)])], [8], 2)).toBeCloseTo(
        -10 * Math.log10(1 / 16 / 0.25 ** 2),
        9,
      );
    });

    test('is the worst of all outputs, and one of few values has its peak', () => {
      const first = flat([row(8)]);
      const other = [flat([row(8, 1)]), output([1, 2], 1, 3)];
      expect(leastPsnr([first, output([1, 2], 1, 2)], other, [8, 10], 1)).toBeCloseTo(
        -10 * Math.log10(1 / 2 / 10 ** 2),
        9,
      );
      expect(leastPsnr([first], [first], [8], 1)).toBe(Number.POSITIVE_INFINITY);
    });

    test('is -Infinity where one is no number any more, 0 where it has another size', () => {
      const original = [output([2], 1, Number.POSITIVE_INFINITY)];
      expect(leastPsnr(original, [output([2], 1, Number.POSITIVE_INFINITY)], [1], 2)).toBe(
        Number.POSITIVE_INFINITY,
      );
      expect(leastPsnr(original, [output([2], 1, Number.NaN)], [1], 2)).toBe(Number.NEGATIVE_INFINITY);
      expect(leastPsnr(original, [output([1], 1)], [1], 2)).toBeCloseTo(0, 9);
    });
  });

  test('is what a quality means on photographs of ours, and all of them where inputs are given', async () => {
    const { layers } = tfl;
    const net = tfl.sequential({
      layers: [
        layers.conv2d({ filters: 6, kernelSize: 4, strides: 4, activation: 'relu', inputShape: [16, 16, 3] }),
        layers.globalAveragePooling2d({}),
        layers.dense({ units: 5 }),
      ],
    });
    const artifacts = await artifactsOf(fill(net, 3));
    const options = { quality: 35, effort: 1 };
    const ours = await compress(artifacts, { ...options, sample: { count: 16 } });
    expect([ours.fidelity.part, ours.fidelity.examples]).toEqual([1 / 3, 4]);
    expect(ours.fidelity.psnr).toBeGreaterThanOrEqual(35);
    // No part is better than the worst of its outputs.
    expect(ours.fidelity.least).toBeLessThanOrEqual(ours.fidelity.psnr);
    const model = await load(artifacts);
    const calibration = generateExamples(model.inputs, { count: 16 });
    model.dispose();
    const given = await compress(artifacts, { ...options, calibration });
    expect(given.fidelity.part).toBeUndefined();
    for (const tensor of calibration) tensor.dispose();
  });
});
