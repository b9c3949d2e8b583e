import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holdOut, type Split } from '../src/index.js';
import { generator, permutation } from '../src/random.js';

/** Example i has the one input i, so that one can see who went where. */
function numbered(labels: readonly number[], classCount: number): Split {
  const inputs = Float32Array.from(labels, (_, i) => i);
  return { size: labels.length, inputShape: [1], classCount, inputs, labels: Uint8Array.from(labels) };
}
const cycle = (size: number, classCount: number): Split =>
  numbered(
    Array.from({ length: size }, (_, i) => i % classCount),
    classCount,
  );

describe('holdOut', () => {
  it('parts the examples: none lost, none in both, labels still theirs, order kept', () => {
    const labels = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 2, maxLength: 60 });
    fc.assert(
      fc.property(labels, fc.nat(), fc.double({ min: 0, max: 0.99, noNaN: true }), (given, seed, share) => {
        const count = Math.floor(share * given.length);
        const { train, validation } = holdOut(numbered(given, 4), count, seed);
        expect(validation.size).toBe(count);
        const [a, b] = [[...train.inputs], [...validation.inputs]];
        expect([...a, ...b].sort((x, y) => x - y)).toEqual(given.map((_, i) => i));
        expect([...a].sort((x, y) => x - y)).toEqual(a);
        for (const part of [train, validation]) {
          expect([...part.labels]).toEqual([...part.inputs].map((i) => given[i]));
        }
      }),
    );
  });

  it('keeps the class proportions to within one example', () => {
    const labels = [...new Array(70).fill(0), ...new Array(25).fill(1), ...new Array(5).fill(2)];
    const { validation } = holdOut(numbered(labels, 3), 0.3, 5);
    const counts = [0, 1, 2].map((c) => validation.labels.filter((label) => label === c).length);
    expect(validation.size).toBe(30);
    expect(counts[0]).toBe(21);
    expect(counts[1] + counts[2]).toBe(9);
    expect(Math.abs(counts[1] - 7.5)).toBeLessThan(1);
  });

  it('depends on the seed and on nothing else', () => {
    const one = holdOut(cycle(200, 10), 50, 1).validation.inputs;
    expect(holdOut(cycle(200, 10), 50, 1).validation.inputs).toEqual(one);
    expect(holdOut(cycle(200, 10), 50, 2).validation.inputs).not.toEqual(one);
  });

  it('gives everyone the same chance', () => {
    const chosen = new Array(20).fill(0);
    for (let seed = 0; seed < 2000; seed++) {
      for (const i of holdOut(cycle(20, 2), 4, seed).validation.inputs) chosen[i]++;
    }
    // Two of each class' ten: binomial(2000, 1/5), mean 400, standard deviation 17.9.
    for (const count of chosen) expect(Math.abs(count - 400)).toBeLessThan(75);
  });

  it('refuses what it cannot do', () => {
    expect(() => holdOut(cycle(10, 2), 10, 0)).toThrow('validation is 10, of 10 examples');
    expect(() => holdOut(cycle(10, 2), -1, 0)).toThrow('validation is -1');
    expect(() => holdOut(cycle(10, 2), 2.5, 0)).toThrow('validation is 2.5');
    expect(() => holdOut(cycle(10, 2), Number.NaN, 0)).toThrow('NaN');
  });
});

describe('random numbers', () => {
  it('are uniform and differ between neighbouring keys', () => {
    const bins = new Array(10).fill(0);
    for (let seed = 0; seed < 100; seed++) {
      const random = generator(seed, 0);
      for (let i = 0; i < 100; i++) bins[Math.floor(random() * 10)]++;
    }
    const chiSquared = bins.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chiSquared).toBeLessThan(27.9); // 9 degrees of freedom, p = 0.001
    const firsts = new Set<number>();
    for (let seed = 0; seed < 50; seed++)
      for (let epoch = 0; epoch < 50; epoch++) firsts.add(generator(seed, epoch)());
    expect(firsts.size).toBe(2500);
    expect(generator(2 ** 32 + 5)()).not.toBe(generator(5)());
  });

  it('permute: each element once, and the first place goes to anyone', () => {
    const first = new Array(6).fill(0);
    for (let seed = 0; seed < 3000; seed++) {
      const order = permutation(6, seed);
      expect([...order].sort()).toEqual([0, 1, 2, 3, 4, 5]);
      first[order[0]]++;
    }
    for (const count of first) expect(Math.abs(count - 500)).toBeLessThan(90);
  });
});
