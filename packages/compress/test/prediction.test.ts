import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, test } from 'vitest';
import { Predictor, toPredicted } from '../src/plan/predictor.js';
import { noise } from './models.js';

describe('coefficients', () => {
  const fine = (count: number): Float64Array => new Float64Array(count).fill(1e-4);

  /** `lanes` series side by side, each from `next` of what came before in it. */
  function series(
    count: number,
    lanes: number,
    next: (lane: number, t: number, at: (k: number) => number) => number,
  ) {
    const values = new Float32Array(count * lanes);
    for (let t = 0; t < count; t++) {
      for (let lane = 0; lane < lanes; lane++) {
        values[t * lanes + lane] = next(lane, t, (k) =>
          t >= k ? (values[(t - k) * lanes + lane] as number) : 0,
        );
      }
    }
    return values;
  }

  const fit = (values: Float32Array, lanes: number, order: number, steps = fine(values.length)) => {
    const predictor = new Predictor(values, lanes);
    predictor.order = order;
    const { distance, coefficients } = predictor.fit(steps);
    return { distance, coefficients: Array.from(coefficients) };
  };

  test('are those that the series was made with, of each lane', () => {
    const own = [0.5, -0.75, 0.984375];
    const values = series(40, 3, (lane, t, at) => (t === 0 ? 1 : (own[lane] as number) * at(1)));
    expect(fit(values, 3, 1)).toEqual({ distance: 3, coefficients: own });
    const second = series(40, 2, (lane, t, at) =>
      t === 0 ? 1 : lane ? 1.5 * at(1) - 0.75 * at(2) : at(1) - at(2),
    );
    expect([...fit(second, 2, 2).coefficients]).toEqual([1, -1, 1.5, -0.75]);
  });

  test('are 64ths from -4 to 3.98', () => {
    expect([
      ...fit(
        series(6, 1, (_, t, at) => (t === 0 ? 1 : 5 * at(1))),
        1,
        1,
      ).coefficients,
    ]).toEqual([255 / 64]);
    expect([
      ...fit(
        series(6, 1, (_, t, at) => (t === 0 ? 1 : -5 * at(1))),
        1,
        1,
      ).coefficients,
    ]).toEqual([-4]);
    expect([
      ...fit(
        series(60, 1, (_, t, at) => (t === 0 ? 1 : 0.7 * at(1))),
        1,
        1,
      ).coefficients,
    ]).toEqual([45 / 64]);
  });

  test('later ones make up for how earlier ones were rounded', () => {
    const values = series(200, 1, (_, t, at) => (t === 0 ? 1 : 2 * Math.cos(0.3) * at(1) - at(2)));
    const [first, second] = fit(values, 1, 2).coefficients as [number, number];
    expect(first).toBe(Math.round(64 * 2 * Math.cos(0.3)) / 64);
    const left = (c: number): number =>
      values.reduce(
        (sum, v, t) =>
          sum +
          (v -
            (t > 0 ? first * (values[t - 1] as number) : 0) -
            (t > 1 ? c * (values[t - 2] as number) : 0)) **
            2,
        0,
      );
    for (let k = -256; k < 256; k++) expect(left(second)).toBeLessThanOrEqual(left(k / 64) + 1e-9);
  });

  test('are smaller where what they predict from is rounded, and count errors in steps', () => {
    const values = Float32Array.of(2, 1, 3, 2.5);
    // Sum of x_t x_(t-1) over that of x_(t-1)^2 and the noise of rounding, step^2 / 12.
    expect(fit(values, 1, 1, new Float64Array(4).fill(3)).coefficients[0]).toBe(
      Math.round((64 * (2 + 3 + 7.5)) / (4 + 1 + 9 + 3 * 0.75)) / 64,
    );
    // No more noise than there is of the value itself.
    expect(fit(values, 1, 1, new Float64Array(4).fill(1e3)).coefficients[0]).toBe(
      Math.round((64 * (2 + 3 + 7.5)) / (2 * (4 + 1 + 9))) / 64,
    );
    const steps = Float64Array.of(1e-3, 1e-3, 2e-3, 4e-3);
    expect(fit(values, 1, 1, steps).coefficients[0]).toBe(
      Math.round((64 * (2 + 3 / 4 + 7.5 / 16)) / (4 + 1 / 4 + 9 / 16)) / 64,
    );
  });

  test('what is rounded off a prediction is a number of steps from it, of what was rounded before', () => {
    const snap = toPredicted(new Float64Array(6).fill(0.5), {
      distance: 2,
      coefficients: Float64Array.of(1, -0.5),
    });
    expect([1.2, 1.2, 1.2, 1.2, 2.1, 0].map(snap)).toEqual([1, 1, 1, 1, 2, 0]);
    // Lane 1: of 1 is -0.5 expected, and 1.2 is nearest to -0.5 + 3 / 2 = 1.
    const other = toPredicted(new Float64Array(4).fill(0.4), {
      distance: 2,
      coefficients: Float64Array.of(1, -0.5),
    });
    [0.9, 0.9, 0.9, 0.9].map(other).forEach((v, i) => {
      expect(v).toBeCloseTo([0.8, 0.8, 0.8, 0.8][i] as number, 6);
    });
  });
});

describe('the order of a prediction', () => {
  const predictor = (length: number): Predictor => new Predictor(new Float32Array(length), 2);

  test('is the one of fewest bytes, if these are fewer than without', () => {
    const own = predictor(1000);
    const bytes = [90, 70, 60, 65, 60, 80, 90];
    expect(own.choose(61, () => bytes[own.order - 1] as number)).toBe(true);
    expect(own.order).toBe(3);
    expect(own.choose(60, () => bytes[own.order - 1] as number)).toBe(false);
    expect(own.order).toBe(1);
    expect(own.choose(91, () => 100 - own.order)).toBe(false);
    expect(own.choose(95, () => 100 - own.order)).toBe(true);
    expect(own.order).toBe(7);
  });

  test('needs four weights for each coefficient', () => {
    const tried = (length: number): number[] => {
      const own = predictor(length);
      const orders: number[] = [];
      own.choose(0, () => orders.push(own.order));
      return orders;
    };
    expect(tried(24)).toEqual([1, 2, 3]);
    expect(tried(23)).toEqual([1, 2]);
    expect(tried(7)).toEqual([]);
  });
});

describe('the axis of a prediction', () => {
  test('is that which leaves least', () => {
    // Smooth along both, but for noise that is the same for a whole column, or row.
    const random = noise([48], 3, 0.2).dataSync();
    const values = (of: (row: number, column: number) => number): Float32Array =>
      new Float32Array(48 * 48).map((_, i) => {
        const [row, column] = [Math.floor(i / 48), i % 48];
        return Math.cos(row / 12 + column / 12) + (random[of(row, column)] as number);
      });
    expect(
      Predictor.find(
        values((_, column) => column),
        [48, 48],
      )?.distance,
    ).toBe(48);
    expect(
      Predictor.find(
        values((row) => row),
        [48, 48],
      )?.distance,
    ).toBe(1);
  });

  test('is none where a prediction from two leaves more than a quarter of the variance', () => {
    // A random walk that leaks: the best prediction leaves 1 - c^2 of its variance.
    const walk = (c: number): Float32Array => {
      const random = noise([4096], 9).dataSync();
      const values = new Float32Array(4096);
      values.forEach((_, i) => {
        values[i] = (i ? c * (values[i - 1] as number) : 0) + (random[i] as number);
      });
      return values;
    };
    expect(Predictor.find(walk(0.92), [4096])?.distance).toBe(1);
    expect(Predictor.find(walk(0.82), [4096])).toBeUndefined();
    // Sixteen in a row, at least.
    const wave = (times: number): Float32Array =>
      new Float32Array(4 * times).map((_, i) => Math.cos((i >> 2) / 5 + (i & 3)));
    expect(Predictor.find(wave(16), [16, 4])?.distance).toBe(4);
    expect(Predictor.find(wave(15), [15, 4])).toBeUndefined();
  });
});
