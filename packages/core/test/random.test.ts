import { hash, hashString, randomUniform } from '@espalier/core';
import { describe, expect, test } from 'vitest';

describe('hash', () => {
  test('golden values: a changed hash would change every recorded run', () => {
    expect(hash(0)).toBe(4294289667);
    expect(hash(1, 2, 3)).toBe(14461976);
    expect(hashString('conv2d_1/kernel')).toBe(4042514099);
    // FNV-1a, 32 bits: the published test vectors of '' and 'foobar'.
    expect(hashString('')).toBe(0x811c9dc5);
    expect(hashString('foobar')).toBe(0xbf9cf968);
  });

  test('no collisions among 100 000 consecutive counters, and every bit is fair', () => {
    const seen = new Set<number>();
    const ones = new Array<number>(32).fill(0);
    const n = 100_000;
    for (let i = 0; i < n; i++) {
      const h = hash(7, i);
      seen.add(h);
      for (let bit = 0; bit < 32; bit++) ones[bit] += (h >>> bit) & 1;
    }
    // Birthday: n²/2³³ ≈ 1.2 collisions are expected of a random function.
    expect(seen.size).toBeGreaterThan(n - 10);
    // Standard deviation of a fair count: √(n/4) = 158.
    for (const count of ones) expect(Math.abs(count - n / 2)).toBeLessThan(5 * 158);
  });

  test('one flipped input bit flips half of the output bits', () => {
    let flipped = 0;
    for (let i = 0; i < 2000; i++) {
      let changed = (hash(3, i) ^ hash(3, i ^ (1 << (i % 16)))) >>> 0;
      for (; changed !== 0; changed &= changed - 1) flipped++;
    }
    expect(flipped / 2000).toBeGreaterThan(15.5);
    expect(flipped / 2000).toBeLessThan(16.5);
  });

  test('position matters', () => {
    expect(hash(1, 2)).not.toBe(hash(2, 1));
    expect(hash(1)).not.toBe(hash(1, 0));
  });
});

describe('uniform', () => {
  test('mean, variance and range', () => {
    const draw = randomUniform(11);
    const n = 50_000;
    const drawn = Array.from({ length: n }, draw);
    const mean = drawn.reduce((a, b) => a + b) / n;
    const variance = drawn.reduce((a, b) => a + (b - mean) ** 2, 0) / n;
    expect(Math.min(...drawn.slice(0, 1000))).toBeGreaterThanOrEqual(0);
    expect(drawn.every((v) => v >= 0 && v < 1)).toBe(true);
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(0.002);
  });

  test('χ² of 100 bins, and of pairs in a 10 × 10 grid', () => {
    const draw = randomUniform(12);
    const n = 100_000;
    const bins = new Array<number>(100).fill(0);
    const pairs = new Array<number>(100).fill(0);
    for (let i = 0; i < n; i++) {
      const [a, b] = [draw(), draw()];
      bins[Math.floor(a * 100)]++;
      pairs[Math.floor(a * 10) * 10 + Math.floor(b * 10)]++;
    }
    const chi = (counts: number[]): number =>
      counts.reduce((sum, count) => sum + (count - n / 100) ** 2 / (n / 100), 0);
    // 99 degrees of freedom: mean 99, standard deviation 14; 5 σ = 169.
    expect(chi(bins)).toBeLessThan(169);
    expect(chi(pairs)).toBeLessThan(169);
  });

  test('are the hashes of a counter, over 2^32', () => {
    const draw = randomUniform(5);
    expect([draw(), draw()]).toEqual([hash(5, 0) / 2 ** 32, hash(5, 1) / 2 ** 32]);
  });

  test('streams of neighbouring seeds are not correlated', () => {
    const [a, b] = [randomUniform(1), randomUniform(2)];
    const n = 20_000;
    let sum = 0;
    for (let i = 0; i < n; i++) sum += (a() - 0.5) * (b() - 0.5);
    expect(Math.abs(sum / n)).toBeLessThan((5 / 12) * (1 / Math.sqrt(n)));
  });
});
