import '@tensorflow/tfjs-backend-cpu';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { leastPsnr, ownSpans, typicalSpans } from '../src/fidelity/worst-output.js';
import { compress, generateExamples, load } from '../src/index.js';
import { artifactsOf, fill } from './models.js';

const output = (shape: readonly number[], ...values: number[]) => ({
  shape,
  values: Float32Array.from(values),
});

/** 16 values from 0 to `span`, one of them off by `error`. */
const row = (span: number, error = 0): number[] =>
  Array.from({ length: 16 }, (_, k) => (k === 1 ? error : k % 2 ? span : 0));
const flat = (values: number[][]) => output([values.length, 16], ...values.flat());
const decibels = (error: number): number => -10 * Math.log10(error);

describe('what an output spans for one example', () => {
  test('is its own, from 1/8 of its peak to its peak', () => {
    const spans = ownSpans([flat([row(8), row(2), row(0)])], [8], 3);
    expect(spans.map((own) => [...own])).toEqual([[8, 2, 1]]);
    // A floor is a peak that values do not reach.
    expect([...ownSpans([flat([row(8)])], [4], 1)[0]]).toEqual([4]);
    expect(typicalSpans(spans)[0]).toBeCloseTo(Math.sqrt(3 / (1 / 64 + 1 / 4 + 1)), 9);
  });

  test('is the peak of few values, and of probabilities, however sure a model is', () => {
    expect([...ownSpans([output([2, 15], ...row(8).slice(1), ...row(2).slice(1))], [8], 2)[0]]).toEqual([
      8, 8,
    ]);
    const even = Array.from({ length: 16 }, () => 1 / 16);
    const sure = even.map((_, i) => (i === 0 ? 1 : 0));
    expect([...ownSpans([flat([even, sure])], [1], 2)[0]]).toEqual([1, 1]);
    // The same values with one that is none of a probability.
    expect([...ownSpans([flat([even, [...sure.slice(0, 15), -0.5]])], [1.5], 2)[0]]).toEqual([0.1875, 1.5]);
  });

  test('leaves out what is not finite, and needs no axis that counts examples', () => {
    const values = [...row(8), ...row(4, Number.NEGATIVE_INFINITY)];
    expect([...ownSpans([output([8, 4], ...values)], [8], 2)[0]]).toEqual([8, 4]);
    expect([
      ...ownSpans([output([2, 16], ...values.map(() => Number.POSITIVE_INFINITY))], [3], 2)[0],
    ]).toEqual([0.375, 0.375]);
  });
});

describe('the worst output for one example', () => {
  test('is in units of what that output spans for it', () => {
    // Two examples that span 8 and 2, each off by 1 in one of 16 values.
    const original = [flat([row(8), row(2)])];
    const spans = [Float64Array.of(8, 2)];
    expect(leastPsnr(original, [flat([row(8, 1), row(2, 1)])], spans)).toBeCloseTo(
      decibels(1 / 16 / 2 ** 2),
      9,
    );
    expect(leastPsnr(original, [flat([row(8, 1), row(2)])], spans)).toBeCloseTo(decibels(1 / 16 / 8 ** 2), 9);
    expect(leastPsnr(original, original, spans)).toBe(Number.POSITIVE_INFINITY);
  });

  test('is the worst of all outputs', () => {
    const original = [flat([row(8)]), output([1, 2], 1, 2)];
    const other = [flat([row(8, 1)]), output([1, 2], 1, 3)];
    const spans = [Float64Array.of(8), Float64Array.of(10)];
    expect(leastPsnr(original, other, spans)).toBeCloseTo(decibels(1 / 2 / 10 ** 2), 9);
    expect(leastPsnr(original.reverse(), other.reverse(), spans.reverse())).toBeCloseTo(
      decibels(1 / 2 / 10 ** 2),
      9,
    );
  });

  test('is -Infinity where one is no number any more, 0 where it has another size', () => {
    const original = [output([2], 1, Number.POSITIVE_INFINITY)];
    const spans = [Float64Array.of(1, 1)];
    expect(leastPsnr(original, [output([2], 1, Number.POSITIVE_INFINITY)], spans)).toBe(
      Number.POSITIVE_INFINITY,
    );
    expect(leastPsnr(original, [output([2], 1, Number.NaN)], spans)).toBe(Number.NEGATIVE_INFINITY);
    expect(leastPsnr(original, [output([1], 1)], spans)).toBeCloseTo(0, 9);
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
    expect(ours.fidelity.psnr).toBeGreaterThanOrEqual(35);
    expect([ours.fidelity.least, ours.fidelity.examples]).toEqual([ours.fidelity.psnr, 4]);
    // The mean is better than the worst.
    expect(ours.fidelity.mean).toBeGreaterThan(ours.fidelity.psnr);
    const model = await load(artifacts);
    const calibration = generateExamples(model.inputs, { count: 16 });
    model.dispose();
    const given = await compress(artifacts, { ...options, calibration });
    expect(given.fidelity.mean).toBeUndefined();
    expect(given.fidelity.least).toBeLessThan(given.fidelity.psnr);
    for (const tensor of calibration) tensor.dispose();
  });
});
