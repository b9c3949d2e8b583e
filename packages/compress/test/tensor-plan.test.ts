import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, test } from 'vitest';
import { coarse } from '../src/numbers/coarse.js';
import { planAlone, planLinear, planPlain } from '../src/plan/tensor-plan.js';
import type { Stage } from '../src/time-budget.js';
import { depthwise, rowMajor } from '../src/trace/layout.js';
import { gramOf, numbers, weightOf } from './plans.js';

describe('a plan', () => {
  test('of a vector: each element counts half by itself, half by the mean, in half octaves', () => {
    const values = numbers(40, 1);
    const sensitivity = new Float64Array(40).fill(3);
    sensitivity[0] = 43;
    const { codebooks, wish, linear, unreached } = planPlain(
      weightOf('w', [40], values),
      values,
      sensitivity,
    );
    expect([linear, unreached]).toEqual([undefined, undefined]);
    const moved = (at: number): number =>
      codebooks.errorOf(
        values,
        values.map((v, i) => (i === at ? v + 1 : v)),
      );
    expect(moved(0)).toBeCloseTo(coarse((43 + 4) / 2), 4);
    expect(moved(7)).toBeCloseTo(coarse((3 + 4) / 2), 4);
    // All of them err as fineness^2 / 12 each.
    expect(wish.mean).toBeCloseTo(-0.5 * Math.log2((2 ** 4.5 + 39 * 4) / 40), 12);
  });

  test('of what no output feels: its error in units of its mean square', () => {
    const values = Float32Array.from({ length: 64 }, (_, i) => (i % 2 ? 2 : -2));
    const plan = planAlone(weightOf('w', [8, 8], values), values, 100);
    expect(plan.unreached).toBe(true);
    expect(plan.wish.grid(0.01).step).toBeCloseTo(0.01 * Math.sqrt(100 * 4), 6);
    expect(planAlone(weightOf('w', [8, 8], values), values, 0).wish.grid(0.01).step).toBeCloseTo(0.02, 6);
  });

  test('of a linear operation: with or without the mean, in the order of the variance', () => {
    const values = numbers(6 * 4, 2);
    const weight = weightOf('w', [6, 4], values);
    const gram = gramOf(6, 0.5, 1);
    (gram.moments as Float64Array)[3 * 7 + 3] += 5;
    const sensitivity = new Float64Array(24).fill(2);
    const own = planLinear(weight, values, sensitivity, rowMajor(6, 4), gram, 'b');
    expect(own.linear?.factors.map(({ size }) => size)).toEqual([7]);
    expect(own.linear?.bias).toBe('b');
    expect([...(own.linear?.layout.rows ?? [])]).toEqual([12, 0, 4, 8, 16, 20]);
    const alone = planLinear(weight, values, sensitivity, rowMajor(6, 4), gram, undefined);
    expect(alone.linear?.factors.map(({ size }) => size)).toEqual([6]);
    expect(alone.level?.grid(1)).toEqual({
      step: Math.fround(Math.SQRT1_2),
      exponents: [undefined, undefined],
    });
    // What is left of the first row, doubted by 0.03, is its variance without what a common cause tells; see `importance`.
    const pivots = own.linear?.factors[0]?.pivots as Float64Array;
    expect(pivots[6]).toBe(1);
    expect(pivots[5]).toBeCloseTo(1 + (0.003 * (12 + 5)) / 6, 3);
  });

  test('of channels that share nothing: each by its own moments', () => {
    const values = numbers(8, 3);
    const energies = [
      [6, 2],
      [3, 1],
    ];
    const moments = Float64Array.from(energies.flatMap(([a, b]) => [a, 0, 0, 0, b, 0, 0, 0, 1]) as number[]);
    const gram = { size: 3, positions: 1e9, moments };
    const plan = planLinear(
      weightOf('w', [2, 1, 2, 2], values),
      values,
      new Float64Array(8).fill(1),
      depthwise(2, 2, 2),
      gram,
      undefined,
    );
    energies.forEach(([a, b], g) => {
      // Nothing predicts anything: what is left of each row is its energy, damped by 0.003 of the mean.
      const damping = (0.003 * ((a as number) + (b as number))) / 2;
      const pivots = [...(plan.linear?.factors[g]?.pivots ?? [])];
      expect(pivots).toEqual([a, b].map((energy) => expect.closeTo((energy as number) + damping, 6)));
    });
  });

  test('that is smooth along its rows keeps their order', () => {
    const values = Float32Array.from({ length: 128 }, (_, i) => Math.sin((i >> 2) / 5 + (i & 3)));
    const rising = gramOf(32, 0, 0);
    for (let r = 0; r < 32; r++) (rising.moments as Float64Array)[r * 34] = 2 ** (r / 2);
    const orderOf = (own: Float32Array): number[] => {
      const { linear } = planLinear(
        weightOf('w', [32, 4], own),
        own,
        new Float64Array(128).fill(1),
        rowMajor(32, 4),
        rising,
        undefined,
      );
      return [...(linear?.layout.rows ?? [])];
    };
    const rows = Array.from({ length: 32 }, (_, r) => 4 * r);
    expect(orderOf(values)).toEqual(rows);
    expect(orderOf(numbers(128, 4))).toEqual([...rows].reverse());
  });

  test('doubts covariances as much as examples set apart say, where there is time', () => {
    const values = numbers(12 * 4, 5);
    const learned = gramOf(12, 0.9, 0).moments;
    // Of those set apart features are each other's contrary, as far as twelve can be.
    const other = gramOf(12, -0.05, 0).moments;
    const gram = { ...gramOf(12, 0.8, 0), split: [learned, other] as const };
    const asked: number[] = [];
    const planned = (fits: boolean) =>
      planLinear(
        weightOf('w', [12, 4], values),
        values,
        new Float64Array(48).fill(1),
        rowMajor(12, 4),
        gram,
        undefined,
        {
          fits: (size: number) => {
            asked.push(size);
            return fits;
          },
        } as unknown as Stage,
      );
    const lower = (doubt: number): number => 0.8 * (1 - doubt);
    const [checked, usual] = [planned(true), planned(false)].map((plan) =>
      Math.max(...(plan.linear?.factors[0]?.lower ?? [])),
    ) as [number, number];
    expect(asked).toEqual([12 ** 3, 12 ** 3]);
    // What the second to last row tells of the last two: all but 0.03 is believed by default, little where it was checked.
    expect(usual).toBeCloseTo(lower(0.03), 2);
    expect(checked).toBeLessThan(lower(0.2));
  });

  test('that knows few positions believes few covariances', () => {
    const values = numbers(60, 2);
    const lower = (positions: number): number => {
      const gram = gramOf(30, 0.9, 0, positions);
      const plan = planLinear(
        weightOf('w', [30, 2], values),
        values,
        new Float64Array(60).fill(1),
        rowMajor(30, 2),
        gram,
        undefined,
      );
      return Math.max(...(plan.linear?.factors[0]?.lower ?? []));
    };
    // Of two rows alone the later tells 0.9 (1 - doubt) of the first.
    expect(lower(1e6)).toBeGreaterThan(0.8);
    expect(lower(1)).toBeLessThan(0.5);
  });
});
