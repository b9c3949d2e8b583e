import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, test } from 'vitest';
import { roundLinear } from '../src/round/compensate.js';
import { type Factor, factorize } from '../src/round/factor.js';
import { roundPlain, toSteps } from '../src/round/snap.js';
import { columnMajor, depthwise, rowMajor } from '../src/trace/layout.js';
import { noise } from './models.js';
import { errorOf, momentsOf } from './moments.js';

describe('factorize', () => {
  test('gives back the moments: M transposed, D, M', () => {
    const size = 9;
    const moments = momentsOf(size);
    const { lower, pivots } = factorize(moments, size, 0.1, true);
    const m = (i: number, j: number): number => (i === j ? 1 : j < i ? lower[i * size + j] : 0);
    let energy = 0;
    for (let i = 0; i < size - 1; i++) energy += moments[i * size + i];
    for (let i = 0; i < size; i++) {
      for (let k = 0; k < size; k++) {
        let sum = 0;
        for (let j = 0; j < size; j++) sum += m(j, i) * pivots[j] * m(j, k);
        const damped = i === k && i < size - 1 ? (3e-3 * energy) / (size - 1) : 0;
        const [exact, means] = [
          moments[i * size + k],
          moments[i * size + size - 1] * moments[k * size + size - 1],
        ];
        const believed = i === k || i === size - 1 || k === size - 1 ? exact : 0.9 * exact + 0.1 * means;
        expect(sum).toBeCloseTo(believed + damped, 5);
      }
    }
  });
});

/** Second moments, the constant 1 last, of features with means of their own; exact in float64. */
function gramOf(rows: number, seed: number, constant: boolean): Float64Array {
  const size = constant ? rows + 1 : rows;
  const count = 4 * size;
  const moments = new Float64Array(size * size);
  const common = (n: number): number => Math.sin(seed + 1.7 * n * n);
  const feature = (n: number, i: number): number =>
    i === rows ? 1 : 1 + (i % 3) + common(n) + 0.3 * Math.sin(seed + 5.1 * n * (i + 1) + i * i);
  for (let n = 0; n < count; n++) {
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) moments[i * size + j] += (feature(n, i) * feature(n, j)) / count;
    }
  }
  return moments;
}

describe('shrinkage and damping', () => {
  /** M' D M, which is what a factor stands for. */
  const product = ({ lower, pivots, size }: Factor): Float64Array => {
    const m = (j: number, i: number): number => (i === j ? 1 : i < j ? lower[j * size + i] : 0);
    const sums = new Float64Array(size * size);
    for (let i = 0; i < size; i++) {
      for (let k = 0; k < size; k++) {
        for (let j = 0; j < size; j++) sums[i * size + k] += m(j, i) * pivots[j] * m(j, k);
      }
    }
    return sums;
  };

  test.each([
    [0, true],
    [0.001, true],
    [0.4, true],
    [1, true],
    [0, false],
    [0.001, false],
    [0.4, false],
  ])(
    'of doubt %d: part of each covariance, about the means where a bias carries these (%s)',
    (doubt, biased) => {
      const rows = 5;
      const size = biased ? rows + 1 : rows;
      const moments = gramOf(rows, 3, biased);
      const found = product(factorize(moments, size, doubt, biased));
      let energy = 0;
      for (let i = 0; i < rows; i++) energy += moments[i * size + i] / rows;
      const damped = Math.min(3e-3, 0.3 * doubt) * energy;
      for (let i = 0; i < size; i++) {
        for (let k = 0; k < size; k++) {
          const exact = moments[i * size + k];
          const means = biased ? moments[rows * size + i] * moments[rows * size + k] : 0;
          const isBias = biased && (i === rows || k === rows);
          const believed = i === k || isBias ? exact : means + (1 - doubt) * (exact - means);
          expect(found[i * size + k]).toBeCloseTo(believed + (i === k && !isBias ? damped : 0), 5);
        }
      }
    },
  );

  test('features that never were, or always are the same, leave finite numbers', () => {
    const moments = new Float64Array(16);
    moments[5] = 2;
    for (const at of [10, 11, 14, 15]) moments[at] = 1;
    const { lower, pivots } = factorize(moments, 4, 0.03, true);
    for (const pivot of pivots) expect(pivot).toBeGreaterThan(0);
    for (const number of lower) expect(Number.isFinite(number)).toBe(true);
    expect(pivots[3]).toBe(1);
    // Nothing at all: each by itself.
    expect([...factorize(new Float64Array(1), 1, 0, false).pivots]).toEqual([1e-30]);
  });
});

describe('rows that make up for those before them', () => {
  test('two: the second takes over what it can tell of the first', () => {
    const [a, b, c] = [2, 1.2, 1.6];
    const factor = factorize(Float64Array.of(a, b, b, c), 2, 0, false);
    expect(factor.pivots[1]).toBeCloseTo(c, 12);
    expect(factor.pivots[0]).toBeCloseTo(a - b ** 2 / c, 6);
    const steps = new Float64Array(2).fill(1);
    const { rounded, wanted, bias } = roundLinear(Float32Array.of(0.4, 0.3), toSteps(steps), rowMajor(2, 1), [
      factor,
    ]);
    // 0.4 - 0 is made up for by 0.4 b / c = 0.3 more.
    expect(wanted[1]).toBeCloseTo(0.6, 6);
    expect([...rounded]).toEqual([0, 1]);
    expect(bias).toBeUndefined();
  });

  test.each([
    ['a matrix', rowMajor(6, 3), true],
    ['a matrix that lies the other way', columnMajor(6, 3), true],
    ['a matrix without bias', rowMajor(6, 3), false],
    ['a depthwise kernel', depthwise(6, 4, 2), true],
    ['many rows', rowMajor(70, 2), true],
  ])(
    '%s: the error is what each row leaves, times its pivot; the bias is the best there is',
    (_, layout, biased) => {
      const { groups, rows, columns } = layout;
      const size = biased ? rows.length + 1 : rows.length;
      const count = groups.length * rows.length * columns.length;
      const values = Float32Array.from({ length: count }, (_, i) => Math.sin(1 + i * i));
      const grams = Array.from(groups, (_, g) => gramOf(rows.length, 10 * g + 1, biased));
      const factors = grams.map((gram) => factorize(gram, size, 0, biased));
      const steps = Float64Array.from(values, (_, i) => 0.2 + 0.05 * (i % 4));
      const { rounded, wanted, bias } = roundLinear(values, toSteps(steps), layout, factors);
      expect(bias?.length).toBe(biased ? groups.length * columns.length : undefined);
      groups.forEach((group, g) => {
        columns.forEach((column, c) => {
          const errors = Float64Array.from(
            rows,
            (row) => values[group + row + column] - rounded[group + row + column],
          );
          const error = (gained: number): number =>
            errorOf(grams[g] as Float64Array, size, (i) => (i < rows.length ? errors[i] : -gained));
          const own = bias?.[g * columns.length + c] ?? 0;
          const left = rows.reduce((sum, row, r) => {
            const at = group + row + column;
            expect(Math.abs(wanted[at] - rounded[at])).toBeLessThanOrEqual(steps[at] / 2 + 1e-6);
            return sum + (factors[g] as Factor).pivots[r] * (wanted[at] - rounded[at]) ** 2;
          }, 0);
          expect(error(own) / left).toBeCloseTo(1, 4);
          if (biased) expect(Math.min(error(own - 0.01), error(own + 0.01))).toBeGreaterThan(error(own));
        });
      });
    },
  );
});

describe('many rows', () => {
  const size = 150;
  const columns = 3;
  const moments = momentsOf(size);

  test('are factorised in blocks as one by one', () => {
    const { lower, pivots } = factorize(moments, size, 0.3, true);
    let energy = 0;
    for (let i = 0; i < size - 1; i++) energy += moments[i * size + i];
    for (const [i, k] of [
      [0, 0],
      [5, 3],
      [70, 2],
      [149, 64],
      [100, 100],
      [148, 148],
      [149, 149],
    ]) {
      let sum = 0;
      const m = (j: number, row: number): number => (row === j ? 1 : row < j ? lower[j * size + row] : 0);
      for (let j = 0; j < size; j++) sum += m(j, i) * pivots[j] * m(j, k);
      const means = moments[i * size + size - 1] * moments[k * size + size - 1];
      const believed =
        i === k || i === size - 1 ? moments[i * size + k] : 0.7 * moments[i * size + k] + 0.3 * means;
      expect(sum).toBeCloseTo(believed + (i === k && i < size - 1 ? (3e-3 * energy) / (size - 1) : 0), 4);
    }
  });

  test('are rounded in blocks as one by one', () => {
    const values = Float32Array.from(noise([(size - 1) * columns], 8).dataSync());
    const steps = new Float64Array(values.length).fill(0.3);
    const factor = factorize(moments, size, 0.1, true);
    const { rounded, wanted, bias } = roundLinear(values, toSteps(steps), rowMajor(size - 1, columns), [
      factor,
    ]);
    for (const j of [0, 1, 63, 64, 65, 127, 128, 148, 149]) {
      for (let c = 0; c < columns; c++) {
        let owed = 0;
        for (let k = 0; k < j; k++) {
          owed += factor.lower[j * size + k] * (values[k * columns + c] - rounded[k * columns + c]);
        }
        if (j === size - 1) expect(bias?.[c]).toBeCloseTo(owed, 4);
        else expect(wanted[j * columns + c] - values[j * columns + c]).toBeCloseTo(owed, 4);
      }
    }
  });
});

describe('rounding', () => {
  test('rows that make up for each other leave far less error than each to the nearest', () => {
    const size = 33;
    const moments = momentsOf(size);
    const columns = 20;
    const values = Float32Array.from(noise([32, columns], 5).dataSync());
    const steps = new Float64Array(values.length).fill(0.5);
    const { rounded, bias } = roundLinear(values, toSteps(steps), rowMajor(32, columns), [
      factorize(moments, size, 0, true),
    ]);
    const plain = roundPlain(values, toSteps(steps));
    for (const value of rounded) expect(value % 0.5).toBeCloseTo(0, 6);
    let [own, nearest] = [0, 0];
    for (let c = 0; c < columns; c++) {
      own += errorOf(moments, size, (i) =>
        i < 32 ? values[i * columns + c] - rounded[i * columns + c] : -(bias?.[c] ?? 0),
      );
      nearest += errorOf(moments, size, (i) =>
        i < 32 ? values[i * columns + c] - plain[i * columns + c] : 0,
      );
    }
    expect(own).toBeLessThan(nearest / 4);
  });

  test('is to the nearest where features have nothing to do with each other', () => {
    const size = 8;
    const moments = new Float64Array(size * size);
    for (let i = 0; i < size; i++) moments[i * size + i] = 1 + i;
    const values = Float32Array.from(noise([7], 5).dataSync());
    const steps = new Float64Array(7).fill(0.3);
    const { rounded } = roundLinear(values, toSteps(steps), rowMajor(7, 1), [
      factorize(moments, size, 0, true),
    ]);
    expect(rounded).toEqual(roundPlain(values, toSteps(steps)));
  });
});
