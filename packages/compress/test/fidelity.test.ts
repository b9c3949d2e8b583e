import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, test } from 'vitest';
import { compare, peaksOf } from '../src/fidelity/fidelity.js';

describe('compare', () => {
  test('PSNR, cosine, agreement by hand', () => {
    const original = [{ shape: [2, 2], values: Float32Array.of(1, 0, 0, 1) }];
    const other = [{ shape: [2, 2], values: Float32Array.of(0.9, 0, 0.6, 0.5) }];
    const { psnr, cosine, agreement, meanDifference, maxDifference } = compare(
      original,
      other,
      peaksOf([original[0].values]),
    );
    expect(psnr).toBeCloseTo(-10 * Math.log10((0.01 + 0.36 + 0.25) / 4), 4);
    expect(cosine).toBeCloseTo(1.4 / Math.sqrt(2 * (0.81 + 0.36 + 0.25)), 5);
    expect(agreement).toBe(0.5);
    expect(meanDifference).toBeCloseTo(0.3, 5);
    expect(maxDifference).toBeCloseTo(0.6, 5);
    expect(compare(original, original, [1]).psnr).toBe(Number.POSITIVE_INFINITY);
  });
});
