import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, test } from 'vitest';
import { roundLinear } from '../src/round/compensate.js';
import { factorize } from '../src/round/factor.js';
import { roundPlain, toSteps } from '../src/round/snap.js';
import { rowMajor } from '../src/trace/layout.js';
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
