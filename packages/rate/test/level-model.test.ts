import { describe, expect, it } from 'vitest';
import { type LevelModel, levelBits } from '../src/index.js';

const model = (spike: number, tail: number, share: number): LevelModel => ({ spike, tail, share });

describe('levelBits', () => {
  // scipy.stats.laplace in float64: differences of its cdf, the escapes added.
  it.each<[LevelModel, number, number]>([
    [model(0.3, 1.5, 0.5), 0, 0.8696765239577409],
    [model(0.3, 1.5, 0.5), 0.2, 0.9371082112388841],
    [model(0.3, 1.5, 0.5), -0.5, 1.4632068344293785],
    [model(0.3, 1.5, 0.5), 0.77, 2.324753015423161],
    [model(0.3, 1.5, 0.5), 5.3, 7.6554294856097025],
    [model(0.1, 2.5, 0.8), 0, 0.2674837297560762],
    [model(0.1, 2.5, 0.8), 1, 5.073083633095024],
    [model(0.1, 2.5, 0.8), -2, 5.787805044029133],
    [model(0.1, 2.5, 0.8), 12, 11.55679491634244],
    [model(0.0725, 0.6, 0.97), 0.2, 0.03165633336448022],
    [model(0.0725, 0.6, 0.97), -2, 9.950971590110731],
    [model(0.0725, 0.6, 0.97), 12, 20.59601203786047],
  ])('of %o at %d', (own, v, bits) => {
    expect(levelBits(own, v)).toBeCloseTo(bits, 10);
  });

  it('is the same on both sides, and grows outwards', () => {
    const own = model(0.2, 1.3, 0.7);
    let before = 0;
    for (let v = 0; v < 40; v += 0.13) {
      expect(levelBits(own, -v)).toBe(levelBits(own, v));
      expect(levelBits(own, v)).toBeGreaterThan(before);
      before = levelBits(own, v);
    }
  });

  it('is finite as far as float32 goes', () => {
    expect(levelBits(model(0.07, 0.07, 0.5), 1e30)).toBeLessThan(220);
  });
});
