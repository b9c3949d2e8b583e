import { describe, expect, it } from 'vitest';
import { betaLoss, betaSlope, gammaLoss, gammaSlope } from '../src/hyper-priors.js';
import {
  betaShapes,
  gammaShapes,
  gaussianMixturePrior,
  logDensity,
  mixtureLoss,
  mixtureOf,
  responsibilities,
} from '../src/index.js';
import { initialMixture } from '../src/internal/initial.js';
import { checkNumbers, mixtureFrom } from '../src/internal/numbers.js';
import { type MixturePriorOptions, resolve } from '../src/options.js';

describe('hyper-priors', () => {
  it('of precisions have their mode where it is asked for, and count as that many weights', () => {
    for (const prior of [
      { mode: 50, strength: 8 },
      { deviation: Math.sqrt(1 / 50), strength: 8 },
    ]) {
      const { a, b } = gammaShapes(prior);
      expect(a).toBe(5);
      expect((a - 1) / b).toBeCloseTo(50, 9);
      // In γ = log λ: the loss of 8 weights at the deviation is least there, but for the Jacobian.
      expect(gammaSlope({ a, b }, Math.log(50))).toBeCloseTo(0, 9);
    }
    expect(gammaShapes({ a: 3, b: 2 })).toEqual({ a: 3, b: 2 });
  });

  it('of the zero share have their mode where it is asked for', () => {
    const { a, b } = betaShapes({ mode: 0.9, strength: 100 });
    expect([a, b]).toEqual([91, expect.closeTo(11, 9)]);
    expect((a - 1) / (a + b - 2)).toBeCloseTo(0.9, 12);
    expect(betaSlope({ a, b }, 0.9)).toBeCloseTo(0, 9);
    expect(betaShapes({ a: 3, b: 2 })).toEqual({ a: 3, b: 2 });
  });

  it('have the slopes of their losses, and the losses of their densities', () => {
    const h = 1e-5;
    for (const shapes of [
      { a: 3, b: 2 },
      { a: 0.5, b: 7 },
    ]) {
      for (const x of [-1, 0.5, 2]) {
        const slope = (gammaLoss(shapes, x + h) - gammaLoss(shapes, x - h)) / (2 * h);
        expect(gammaSlope(shapes, x)).toBeCloseTo(slope, 5);
        const share = (logit: number): number => 1 / (1 + Math.exp(-logit));
        const rise = (betaLoss(shapes, share(x + h)) - betaLoss(shapes, share(x - h))) / (2 * h);
        expect(betaSlope(shapes, share(x))).toBeCloseTo(rise, 5);
      }
      const gamma = (lambda: number): number => lambda ** (shapes.a - 1) * Math.exp(-shapes.b * lambda);
      const beta = (p: number): number => p ** (shapes.a - 1) * (1 - p) ** (shapes.b - 1);
      expect(gammaLoss(shapes, Math.log(3)) - gammaLoss(shapes, 0)).toBeCloseTo(
        -Math.log(gamma(3) / gamma(1)),
        9,
      );
      expect(betaLoss(shapes, 0.2) - betaLoss(shapes, 0.7)).toBeCloseTo(-Math.log(beta(0.2) / beta(0.7)), 9);
    }
  });

  it.each([
    [{}, 'neither or both'],
    [{ strength: 1 }, 'neither or both'],
    [{ strength: 1, mode: 1, deviation: 1 }, 'neither or both'],
    [{ mode: 1 }, 'strength is undefined'],
    [{ mode: 0, strength: 1 }, 'mode is 0'],
    [{ deviation: -1, strength: 1 }, 'deviation is -1'],
    [{ mode: 1, strength: 0 }, 'strength is 0'],
    [{ a: 1 }, 'b is undefined'],
    [{ b: 1 }, 'a is undefined'],
    [{ a: 0, b: 1 }, 'a is 0'],
    [{ a: 1, b: -1 }, 'b is -1'],
    [{ a: Number.POSITIVE_INFINITY, b: 1 }, 'a is Infinity'],
    [{ a: 1, b: 1, strength: 2 }, 'given twice'],
    [{ a: 1, b: 1, mode: 2 }, 'given twice'],
    [{ a: 1, b: 1, deviation: 2 }, 'given twice'],
    [{ a: 1, b: 1, rate: 2 }, 'rate'],
  ])('of precisions refuse %o', (wrong, said) => {
    expect(() => gammaShapes(wrong as never)).toThrow(said);
  });

  it.each([
    [{ mode: 1, strength: 1 }, 'mode is 1'],
    [{ mode: 0, strength: 1 }, 'mode is 0'],
    [{ mode: 0.5 }, 'strength is undefined'],
    [{ a: 1 }, 'b is undefined'],
    [{ a: -1, b: 1 }, 'a is -1'],
    [{ a: 1, b: 0 }, 'b is 0'],
    [{ a: 1, b: 1, rate: 2 }, 'rate'],
  ])('of shares refuse %o', (wrong, said) => {
    expect(() => betaShapes(wrong as never)).toThrow(said);
  });
});

describe('where a mixture starts', () => {
  const start = (options: MixturePriorOptions, low = -1, high = 2) => {
    const { means, logPrecision } = initialMixture(resolve(options), low, high);
    return { means: [...means].map((m) => Math.round(1e5 * m) / 1e5), sigma: Math.exp(-0.5 * logPrecision) };
  };

  it('means lie evenly over the range of the weights, without the place of the zero', () => {
    // -1, 0, 1, 2: the 0 goes. As wide as two means are apart on the average.
    const four = start({ components: 4 });
    expect(four.means).toEqual([-1, 1, 2]);
    expect(four.sigma).toBeCloseTo(1.5, 6);
    const five = start({ components: 5 }); // -1, -0.25, 0.5, 1.25, 2
    expect(five.means).toEqual([-1, 0.5, 1.25, 2]);
    expect(five.sigma).toBeCloseTo(1, 6);
    const given = start({ components: 3, means: { from: -0.5, to: 0.7 } }); // -0.5, 0.1, 0.7
    expect(given.means).toEqual([-0.5, 0.7]);
    expect(given.sigma).toBeCloseTo(1.2, 6);
    // Of two that are as near the first goes.
    expect(start({ components: 4, means: { from: -3, to: 3 } }).means).toEqual([-3, 1, 3]);
  });

  it('means and deviations may be given', () => {
    const own = start({ components: 4, means: [0.5, -0.25, 1] });
    expect(own.means).toEqual([-0.25, 0.5, 1]);
    expect(own.sigma).toBeCloseTo(1.25 / 2, 6);
    expect(start({ components: 4, deviation: 0.125 }).sigma).toBeCloseTo(0.125, 6);
    // One mean: as wide as it is from 0.
    const single = start({ components: 2, means: [-0.5] });
    expect([single.means, single.sigma]).toEqual([[-0.5], expect.closeTo(0.5, 6)]);
    expect(() => start({ components: 3, means: [0.5, 0.5] })).toThrow('all means start at 0.5');
  });

  it('is a mixture of equal shares beside that of the zero, which may be learned', () => {
    for (const zeroShare of [0.8, { mode: 0.8, strength: 10 }]) {
      const options = resolve({ components: 4, zeroShare });
      const { means, logPrecision } = initialMixture(options, -1, 2);
      const learned = typeof zeroShare === 'object';
      const numbers = [
        means,
        new Float32Array(4).fill(logPrecision),
        new Float32Array(3),
        ...(learned ? [Float32Array.of(Math.log(0.6 / 0.4))] : []),
      ];
      checkNumbers('a', numbers, options);
      const { logShares } = mixtureFrom(numbers, options);
      const expected = learned ? 0.6 : 0.8;
      expect(Math.exp(logShares[0])).toBeCloseTo(expected, 6);
      for (const j of [1, 2, 3]) expect(Math.exp(logShares[j])).toBeCloseTo((1 - expected) / 3, 6);
      const refused = [
        numbers.slice(1),
        [...numbers, new Float32Array(1)],
        [new Float32Array(2), ...numbers.slice(1)],
        [Array.from(numbers[0]), ...numbers.slice(1)],
        [numbers[0], new Float32Array(3), ...numbers.slice(2)],
      ];
      for (const wrong of refused)
        expect(() => checkNumbers('a', wrong, options)).toThrow(
          expect.objectContaining({ code: 'bad-state' }),
        );
    }
  });
});

describe('a mixture', () => {
  const mixture = mixtureOf([-0.5, 1], [4, 1, 2], [0.3, -0.2], 0.7);
  const shares = [0.7, (0.3 * Math.exp(0.3)) / (Math.exp(0.3) + Math.exp(-0.2)), 0];
  shares[2] = 0.3 - shares[1];
  const [means, logs] = [
    [0, -0.5, 1],
    [4, 1, 2],
  ];
  const normal = (w: number, j: number): number =>
    Math.sqrt(Math.exp(logs[j]) / (2 * Math.PI)) * Math.exp(-0.5 * Math.exp(logs[j]) * (w - means[j]) ** 2);

  it('has the density of its components, and shares what they take of each weight', () => {
    for (const w of [-2, -0.5, 0, 0.01, 0.7, 3]) {
      const parts = shares.map((share, j) => share * normal(w, j));
      const all = parts.reduce((a, b) => a + b);
      expect(logDensity(mixture, w)).toBeCloseTo(Math.log(all), 9);
      const found = responsibilities(mixture, w);
      for (const j of [0, 1, 2]) expect(found[j]).toBeCloseTo(parts[j] / all, 9);
    }
    expect(() => mixtureOf([1], [1, 2], [1, 2], 0.5)).toThrow('1 means');
    expect(() => mixtureOf([1], [1], [1], 0.5)).toThrow('1 log-precisions');
    expect(() => mixtureOf([1, 2], [1, 2], [1, 2], 0.5)).toThrow('2 log-precisions');
  });

  it('has a loss whose gradients are those of finite differences, hyper-priors and all', () => {
    const weights = Float64Array.of(-0.4, 0, 0.02, 0.9, 1.3);
    const hyper = { zeroPrecision: { a: 5, b: 0.2 }, precision: { a: 3, b: 0.5 }, zeroShare: { a: 6, b: 3 } };
    const numbers = [-0.5, 1, 4, 1, 2, 0.3, -0.2, Math.log(0.7 / 0.3)];
    const of = (x: readonly number[]) =>
      mixtureLoss(
        mixtureOf(x.slice(0, 2), x.slice(2, 5), x.slice(5, 7), 1 / (1 + Math.exp(-x[7]))),
        weights,
        hyper,
      );
    const total = (x: readonly number[]): number => {
      const { data, zeroPrecision, precision, zeroShare } = of(x);
      return data + zeroPrecision + precision + zeroShare;
    };
    const found = of(numbers);
    const slopes = [...found.means, ...found.logPrecisions, ...found.rhos, found.zeroLogit];
    for (const [i, slope] of slopes.entries()) {
      const at = (h: number): number => total(numbers.map((x, j) => (i === j ? x + h : x)));
      expect(slope).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 5);
    }
    expect(found.data).toBeCloseTo(-weights.reduce((sum, w) => sum + logDensity(mixture, w), 0), 9);
    expect(found.zeroPrecision).toBe(gammaLoss(hyper.zeroPrecision, 4));
    expect(found.precision).toBeCloseTo(gammaLoss(hyper.precision, 1) + gammaLoss(hyper.precision, 2), 12);
    expect(found.zeroShare).toBeCloseTo(betaLoss(hyper.zeroShare, 0.7), 9);
  });
});

describe('options', () => {
  it.each([
    [{ tau: -1 }, 'tau is -1'],
    [{ tau: null }, 'tau'],
    [{ tau: { from: 0, zeros: 0.5 } }, 'from is 0'],
    [{ tau: { from: 1, zeros: 0 } }, 'zeros is 0'],
    [{ tau: { from: 1, zeros: 1.1 } }, 'zeros is 1.1'],
    [{ tau: { from: 1, zeros: 0.5, growth: 0.9 } }, 'growth is 0.9'],
    [{ tau: { from: 1, zeros: 0.5, most: 0.5 } }, 'most is 0.5'],
    [{ tau: { from: 1, zeros: 0.5, to: 2 } }, 'to'],
    [{ tau: { from: -1, to: 2 } }, 'from is -1'],
    [{ tau: { from: 0, to: -2 } }, 'to is -2'],
    [{ tau: { from: 0, to: 2, shape: 'geometric' } }, 'from is 0'],
    [{ tau: { from: 1, to: 0, shape: 'geometric' } }, 'to is 0'],
    [{ tau: { from: 0, to: 1, shape: 'steep' } }, 'shape'],
    [{ tau: { from: 0, to: 1, over: 0 } }, 'over is 0'],
    [{ tau: { from: 0, to: 1, over: 1.5 } }, 'over is 1.5'],
    [{ components: 1 }, 'components is 1'],
    [{ components: 257 }, 'components is 257'],
    [{ components: 2.5 }, 'components is 2.5'],
    [{ pruneFrom: 1 }, 'pruneFrom is 1'],
    [{ pruneFrom: -0.1 }, 'pruneFrom is -0.1'],
    [{ examples: 0 }, 'examples is 0'],
    [{ deviation: 0 }, 'deviation is 0'],
    [{ zeroShare: 0 }, 'zeroShare is 0'],
    [{ zeroShare: 1 }, 'zeroShare is 1'],
    [{ zeroShare: { a: 1, b: 2 } }, 'no mode'],
    [{ zeroShare: { a: 2, b: 1 } }, 'no mode'],
    [{ means: 'even' }, 'means'],
    [{ components: 3, means: [1] }, 'means are 1 numbers'],
    [{ components: 3, means: [1, Number.NaN] }, 'means are 2 numbers'],
    [{ means: { from: 1, to: 0 } }, 'to is 0'],
    [{ rates: { means: -1 } }, 'means is -1'],
    [{ rates: { precisions: -1 } }, 'precisions is -1'],
    [{ rates: { shares: -1 } }, 'shares is -1'],
    [{ rates: { zeros: 1 } }, 'zeros'],
    [{ snap: { merge: { distance: -1 } } }, 'distance is -1'],
    [{ snap: { merge: { gap: 1 } } }, 'gap'],
    [{ snap: { assign: 'near' } }, 'snap.assign'],
    [{ snap: { values: 'medians' } }, 'snap.values'],
    [{ share: 'model' }, 'share'],
  ])('%o are refused', (wrong, said) => {
    expect(() => gaussianMixturePrior(wrong as never)).toThrow(said);
  });

  it('have their defaults, and the mode of a Beta prior for the share', () => {
    const all = resolve({});
    expect(all).toMatchObject({
      components: 16,
      tau: 0.003,
      zeroShare: 0.99,
      rates: { means: 1e-4, precisions: 3e-3, shares: 3e-3 },
      hyper: { zeroPrecision: { a: 5000, b: 2 }, precision: { a: 250, b: 0.1 }, zeroShare: undefined },
    });
    expect(resolve({ zeroShare: { mode: 0.75, strength: 8 } }).zeroShare).toBeCloseTo(0.75, 12);
    expect(resolve({ zeroPrecision: false, precision: false }).hyper).toEqual({
      zeroPrecision: undefined,
      precision: undefined,
      zeroShare: undefined,
    });
  });
});
