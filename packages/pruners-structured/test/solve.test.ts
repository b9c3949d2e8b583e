import { randomUniform } from '@espalier/core';
import { describe, expect, test } from 'vitest';
import { refit, solveSymmetric } from '../src/reconstruct/solve.js';

const draw = randomUniform(5);
const random = (n: number): Float64Array => Float64Array.from({ length: n }, () => 2 * draw() - 1);
const product = (a: Float64Array, b: Float64Array, n: number, k: number, m: number): Float64Array =>
  Float64Array.from({ length: n * m }, (_, at) => {
    const [i, j] = [Math.floor(at / m), at % m];
    let sum = 0;
    for (let c = 0; c < k; c++) sum += a[i * k + c] * b[c * m + j];
    return sum;
  });
const transposed = (a: Float64Array, rows: number, columns: number): Float64Array =>
  Float64Array.from({ length: a.length }, (_, at) => a[(at % rows) * columns + Math.floor(at / rows)]);
/** XᵀX of examples `[rows, n]`. */
const gramOf = (x: Float64Array, rows: number, n: number): Float64Array =>
  product(transposed(x, rows, n), x, n, rows, n);

describe('solveSymmetric', () => {
  test.each([1, 2, 3, 6])('solves %i equations', (n) => {
    for (const m of [1, 2, 4]) {
      const a = gramOf(random(3 * n * n), 3 * n, n);
      const x = random(n * m);
      const b = product(a, x, n, n, m);
      expect(solveSymmetric(a.slice(), b, n, m)).toBe(true);
      for (let i = 0; i < b.length; i++) expect(b[i]).toBeCloseTo(x[i], 8);
    }
  });

  test('tells a matrix that is not positive definite', () => {
    expect(solveSymmetric(Float64Array.of(0), Float64Array.of(1), 1, 1)).toBe(false);
    expect(solveSymmetric(Float64Array.of(-1), Float64Array.of(1), 1, 1)).toBe(false);
    expect(solveSymmetric(Float64Array.of(Number.NaN), Float64Array.of(1), 1, 1)).toBe(false);
    expect(solveSymmetric(Float64Array.of(1, 2, 2, 1), Float64Array.of(1, 1), 2, 1)).toBe(false);
    expect(solveSymmetric(Float64Array.of(4, 2, 2, 1), Float64Array.of(1, 1), 2, 1)).toBe(false);
  });
});

describe('refit', () => {
  const [rows, n, m] = [40, 5, 3];
  const x = random(rows * n);
  const gram = gramOf(x, rows, n);
  const weights = random(n * m);
  const kept = Int32Array.of(0, 2, 3);

  /** ‖X W - X W'‖² + λ ‖W' - W‖² over the kept rows of W'. */
  const costOf = (other: Float64Array, lambda: number): number => {
    const difference = weights.map((w, i) => w - other[i]);
    const errors = product(x, difference, rows, n, m).reduce((sum, e) => sum + e * e, 0);
    return kept.reduce((sum, i) => {
      for (let c = 0; c < m; c++) sum += lambda * difference[i * m + c] ** 2;
      return sum;
    }, errors);
  };

  test.each([1e-6, 0.1, 10])('is where the error and the change cost least, at a ridge of %d', (ridge) => {
    const found = refit(gram, weights, kept, n, m, ridge);
    const trace = [0, 1, 2, 3, 4].reduce((sum, i) => sum + gram[i * n + i], 0);
    const lambda = (ridge * trace) / n;
    const least = costOf(found, lambda);
    for (let i = 0; i < n; i++)
      for (let c = 0; c < m; c++) {
        if (!kept.includes(i)) {
          expect(found[i * m + c]).toBe(0);
          continue;
        }
        // A minimum of a parabola: as much more on either side.
        const moved = [1e-3, -1e-3].map((step) => {
          const other = found.slice();
          other[i * m + c] += step;
          return costOf(other, lambda) - least;
        });
        expect(moved[0]).toBeGreaterThan(0);
        expect(moved[0] / moved[1]).toBeCloseTo(1, 3);
      }
  });

  test('leaves all as it is where nothing is left out, and where nothing is known', () => {
    const all = refit(gram, weights, Int32Array.of(0, 1, 2, 3, 4), n, m, 0.01);
    for (let i = 0; i < weights.length; i++) expect(all[i]).toBeCloseTo(weights[i], 9);
    const unknown = refit(new Float64Array(n * n), weights, kept, n, m, 0.01);
    for (const i of kept)
      for (let c = 0; c < m; c++) expect(unknown[i * m + c]).toBeCloseTo(weights[i * m + c], 12);
  });

  test('keeps the weights where there is no solution', () => {
    const bad = new Float64Array(n * n).fill(Number.NaN);
    const found = refit(bad, weights, kept, n, m, 0.01);
    for (let i = 0; i < n; i++)
      for (let c = 0; c < m; c++) expect(found[i * m + c]).toBe(kept.includes(i) ? weights[i * m + c] : 0);
  });
});
