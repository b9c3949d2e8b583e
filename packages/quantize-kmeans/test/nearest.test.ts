import { randomUniform } from '@espalier/core';
import { describe, expect, it } from 'vitest';
import { nearest } from '../src/index.js';
import { sortValues } from '../src/sorted.js';

const linear = (value: number, codebook: Float32Array): number => {
  let best = 0;
  for (let j = 1; j < codebook.length; j++) {
    if (Math.abs(value - codebook[j]) < Math.abs(value - codebook[best])) best = j;
  }
  return best;
};

describe('nearest', () => {
  it('finds what a search through all entries finds', () => {
    const draw = randomUniform(1);
    for (const k of [1, 2, 3, 16, 256, 257, 3000]) {
      for (const power of [1, 9]) {
        // A power of 9 crowds the entries together around 0 and leaves a few far out.
        const entry = () => (2 * draw() - 1) ** power;
        const codebook = Float32Array.from(new Set(Float32Array.from({ length: k }, entry))).sort();
        const midpoints = codebook.subarray(1).map((c, j) => (c + codebook[j]) / 2);
        const values = Float32Array.from([
          ...Array.from({ length: 400 }, () => 3 * entry()),
          ...midpoints.slice(0, 300),
        ]);
        const indices = nearest(values, codebook);
        expect([...indices]).toEqual(Array.from(values, (value) => linear(value, codebook)));
      }
    }
  });

  it('gives ties to the lower entry and infinities to the ends', () => {
    const codebook = Float32Array.of(-1, 0, 2);
    const values = Float32Array.of(-0.5, 1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY);
    expect([...nearest(values, codebook)]).toEqual([0, 1, 2, 0]);
  });

  it('has a byte for each value up to 256 entries, and two bytes up to 65,536', () => {
    const book = (k: number): Float32Array => Float32Array.from({ length: k }, (_, i) => i);
    expect(nearest(Float32Array.of(300), book(256))).toEqual(Uint8Array.of(255));
    expect(nearest(Float32Array.of(300), book(257))).toEqual(Uint16Array.of(256));
    expect(nearest(Float32Array.of(1e9, 4.4), book(65536))).toEqual(Uint16Array.of(65535, 4));
    expect(() => nearest(Float32Array.of(1), book(65537))).toThrow(/65537 entries/);
  });

  it('takes the first of equal entries', () => {
    expect([...nearest(Float32Array.of(0, 1, 3), Float32Array.of(1, 1, 2))]).toEqual([0, 0, 2]);
  });

  it('refuses codebooks that are empty or not ascending', () => {
    expect(() => nearest(Float32Array.of(1), new Float32Array(0))).toThrow(/0 entries/);
    expect(() => nearest(Float32Array.of(1), Float32Array.of(2, 1))).toThrow(/ascending/);
    expect(() => nearest(Float32Array.of(1), Float32Array.of(2, Number.NaN))).toThrow(/ascending/);
  });
});

describe('sortValues', () => {
  it('sorts as numbers do, with their weights', () => {
    const draw = randomUniform(2);
    const values = Float32Array.from(
      { length: 5000 },
      () => (draw() - 0.5) * 2 ** Math.floor(draw() * 60 - 30),
    );
    values.set([0, -0, 3e38, -3e38, 1e-45, -1e-45, 0, -0], 100);
    const weights = values.map((x) => Math.fround(Math.abs(x) % 1));
    const sorted = sortValues(values, { weights });
    expect(sorted.values).toEqual(values.slice().sort());
    expect(sorted.weights).toEqual(sorted.values.map((x) => Math.fround(Math.abs(x) % 1)));
    expect(sortValues(values, { skipZeros: true }).values).toEqual(values.filter((x) => x !== 0).sort());
    expect(sortValues(values.subarray(7, 300)).values).toEqual(values.slice(7, 300).sort());
  });
});
