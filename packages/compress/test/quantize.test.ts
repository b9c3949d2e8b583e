import '@tensorflow/tfjs-backend-cpu';
import { encode, type Grid } from '@espalier/codec';
import { describe, expect, test } from 'vitest';
import { codedBytes, entropyBytes } from '../src/choose/coded-bytes.js';
import { chooseMethods } from '../src/choose/methods.js';
import { errorOfSums, type Method, methodOf, quantize, type Rounded } from '../src/choose/quantize.js';
import { type Plan, planLinear, planPlain } from '../src/plan/tensor-plan.js';
import { roundPlain, toSteps } from '../src/round/snap.js';
import type { Stage } from '../src/time-budget.js';
import { rowMajor } from '../src/trace/layout.js';
import { gramOf, numbers, weightOf } from './plans.js';

const only = (plan: Plan, fineness: number, method?: Method): Rounded =>
  quantize([plan], fineness, new Map(method ? [[plan.weight.name, method]] : [])).get(
    plan.weight.name,
  ) as Rounded;

describe('quantised', () => {
  const sensitivity = (count: number): Float64Array => new Float64Array(count).fill(1 / count);
  const kernel = numbers(24 * 8, 3);
  const bias = numbers(8, 4, 0.2);
  const linear = planLinear(
    weightOf('k', [24, 8], kernel),
    kernel,
    sensitivity(192),
    rowMajor(24, 8),
    gramOf(24, 0.8, 2),
    'b',
  );
  const vector = planPlain(weightOf('b', [8], bias), bias, sensitivity(8));

  test('by the method that is decided, or else as its kind is', () => {
    expect(methodOf(linear, new Map())).toBe('compensated');
    expect(methodOf(vector, new Map())).toBe('plain');
    expect(methodOf(linear, new Map([['k', 'codebook']]))).toBe('codebook');
  });

  test.each([[[linear, vector]], [[vector, linear]]])(
    'a bias takes over the mean that its kernel leaves, whichever comes first',
    (plans) => {
      const rounded = quantize(plans, 0.3, new Map());
      const [k, b] = [rounded.get('k'), rounded.get('b')] as [Rounded, Rounded];
      expect([k.method, b.method]).toEqual(['compensated', 'plain']);
      const step = b.grid?.step as number;
      for (let c = 0; c < 8; c++) {
        // Every feature's mean is 2.
        let mean = bias[c] as number;
        for (let r = 0; r < 24; r++)
          mean += 2 * ((kernel[r * 8 + c] as number) - (k.values[r * 8 + c] as number));
        expect(Math.abs(mean - (b.values[c] as number))).toBeLessThanOrEqual(step / 2 + 1e-4);
      }
      expect(quantize([vector], 0.3, new Map()).get('b')?.values).not.toEqual(b.values);
    },
  );

  test('plainly: each weight to the nearest of one step, and nothing is left to the bias', () => {
    const rounded = quantize([linear, vector], 0.3, new Map<string, Method>([['k', 'plain']]));
    const grid = linear.level?.grid(0.3);
    expect(rounded.get('k')?.grid).toEqual(grid);
    expect(rounded.get('k')?.values).toEqual(
      roundPlain(kernel, toSteps(new Float64Array(192).fill(grid?.step as number))),
    );
    expect(rounded.get('b')?.values).toEqual(only(vector, 0.3).values);
  });

  test('its error is that of the weights that were asked for, by importance', () => {
    const { values, error, grid } = only(vector, 0.5);
    const exact = bias.reduce((sum, v, i) => sum + (v - (values[i] as number)) ** 2 / 8, 0);
    expect(error).toBeCloseTo(exact, 6);
    expect(
      entropyBytes(vector, { values, error, method: 'plain', ...(grid && { grid }) }),
    ).toBeLessThanOrEqual(3);
  });

  test('by a codebook where none errs as little as steps: on steps', () => {
    // Steps so fine that 256 entries are too few for 2048 different weights.
    const many = numbers(2048, 6);
    const plan = planPlain(weightOf('w', [64, 32], many), many, sensitivity(2048));
    const fine = only(plan, 1e-5, 'codebook');
    expect(fine.method).toBe('plain');
    expect(fine.grid).toBeDefined();
    const coarse = only(plan, 2, 'codebook');
    expect([coarse.method, coarse.grid]).toEqual(['codebook', undefined]);
    expect(coarse.error).toBeLessThanOrEqual(only(plan, 2).error);
  });
});

describe('bytes', () => {
  test('by how often each level occurs; of a codebook, each value', () => {
    const values = Float32Array.from({ length: 64 }, (_, i) => [0, 0, 1, 3][i % 4] as number);
    const plan = planPlain(weightOf('w', [64], values), values, new Float64Array(64).fill(1));
    const { grid } = only(plan, 1);
    expect(grid?.step).toBe(1);
    const own = { values, error: 0, method: 'plain' as const };
    expect(entropyBytes(plan, { ...own, ...(grid && { grid }) })).toBeCloseTo((64 * 1.5) / 8, 9);
    expect(entropyBytes(plan, own)).toBeCloseTo((64 * 1.5) / 8, 9);
    // On steps of 2 are 0 and 1 both 0 or 1, and 3 is 2.
    expect(entropyBytes(plan, { ...own, grid: { step: 3, exponents: [undefined] } })).toBeCloseTo(
      (64 * 0.8112781) / 8,
      5,
    );
  });

  test('on the steps that its method has', () => {
    // Columns that matter more have finer steps of their own; plainly all have one.
    const values = numbers(32 * 8, 11);
    const sensitivity = Float64Array.from({ length: 256 }, (_, i) => 4 ** (i % 8) / 256);
    const plan = planLinear(
      weightOf('w', [32, 8], values),
      values,
      sensitivity,
      rowMajor(32, 8),
      gramOf(32, 0.3, 0),
      undefined,
    );
    for (const method of ['compensated', 'plain'] as const) {
      const rounded = only(plan, 3, method);
      const wish = method === 'plain' ? plan.level : plan.wish;
      const steps = wish?.steps(rounded.grid as Grid) as Float64Array;
      expect(new Set(steps).size > 1).toBe(method === 'compensated');
      const levels = [...rounded.values].map((v, i) => Math.round(v / (steps[i] as number)));
      const counts = new Map<number, number>();
      for (const level of levels) counts.set(level, (counts.get(level) ?? 0) + 1);
      const bits = [...counts.values()].reduce((sum, n) => sum - n * Math.log2(n / levels.length), 0);
      expect(entropyBytes(plan, rounded)).toBeCloseTo(bits / 8, 6);
    }
  });

  test('in a file of its own', () => {
    const values = Float32Array.from({ length: 300 }, (_, i) => (Math.round(3 * Math.sin(i * i)) + 0) / 4);
    const weightSpecs = [{ name: 'w', shape: [300], dtype: 'float32' as const }];
    const grid = { step: 0.25, exponents: [undefined] };
    const file = encode(
      { weightSpecs, weightData: values.slice().buffer },
      { effort: 3, grids: { w: grid } },
    );
    expect(codedBytes({ weight: weightOf('other', [300], values) }, { values, grid })).toBe(file.length);
  });
});

describe('a codebook', () => {
  /** Weights at two places that no grid fits. */
  const few = (count: number): Plan => {
    const values = Float32Array.from({ length: count }, (_, i) => ((i * i) % 7 < 3 ? -0.3711 : 1));
    return planPlain(weightOf('w', [count], values), values, new Float64Array(count).fill(1));
  };

  test('is taken where weights keep to few places: of so few weights never', () => {
    expect(chooseMethods([few(128)], 0.03)).toEqual(new Map([['w', 'codebook']]));
    expect(chooseMethods([few(127)], 0.03)).toEqual(new Map());
  });

  test('is not asked for where there is no time', () => {
    const asked: number[] = [];
    const stage = {
      fits: (size: number) => {
        asked.push(size);
        return asked.length === 1;
      },
    } as unknown as Stage;
    const other = { ...few(256), weight: weightOf('v', [256], few(256).values) };
    expect(chooseMethods([few(128), other], 0.03, stage)).toEqual(new Map([['w', 'codebook']]));
    expect(asked).toEqual([128, 256]);
  });

  test('of what is on steps already has nothing to spare', () => {
    const values = Float32Array.from({ length: 512 }, (_, i) => ((i * i) % 7) - 3);
    const plan = planPlain(weightOf('w', [512], values), values, new Float64Array(512).fill(1));
    expect(only(plan, 1).error).toBe(0);
    expect(chooseMethods([plan], 1)).toEqual(new Map());
  });
});

describe('methods', () => {
  test('of what has no rows is never plain rounding by name: it has no other', () => {
    const values = Float32Array.from({ length: 4096 }, (_, i) => Math.sin(((i & 255) * 37) ** 2));
    const plan = planPlain(weightOf('w', [4096], values), values, new Float64Array(4096).fill(1));
    expect(chooseMethods([plan], 0.01)).toEqual(new Map());
  });

  const sensitivity = new Float64Array(64 * 64).fill(1 / 4096);

  test('plain rounding, where that leaves the same rows again and again', () => {
    // 64 rows of which each four are the same: a coder finds them, unless rows make up for each other.
    const distinct = numbers(16 * 64, 8);
    const values = Float32Array.from(
      { length: 4096 },
      (_, i) => distinct[(i >> 8) * 64 + (i & 63)] as number,
    );
    const plan = planLinear(
      weightOf('w', [64, 64], values),
      values,
      sensitivity,
      rowMajor(64, 64),
      gramOf(64, 0.5, 0),
      undefined,
    );
    expect(chooseMethods([plan], 0.01)).toEqual(new Map([['w', 'plain']]));
    const other = numbers(4096, 9);
    const none = planLinear(
      weightOf('w', [64, 64], other),
      other,
      sensitivity,
      rowMajor(64, 64),
      gramOf(64, 0.5, 0),
      undefined,
    );
    expect(chooseMethods([none], 0.01)).toEqual(new Map());
  });

  test('not plain rounding for repetitions that cost the sums more error than they spare bytes', () => {
    // On one step as wide as this all weights are the same, 0, and what they lose together nobody makes up for.
    const distinct = numbers(16 * 64, 8);
    const values = Float32Array.from(
      { length: 4096 },
      (_, i) => distinct[(i >> 8) * 64 + (i & 63)] as number,
    );
    const gram = gramOf(64, 0.9, 0);
    const plan = planLinear(
      weightOf('w', [64, 64], values),
      values,
      sensitivity,
      rowMajor(64, 64),
      gram,
      undefined,
    );
    const [first, plain] = (['compensated', 'plain'] as const).map((method) => only(plan, 0.2, method));
    expect(plain?.values.every((v) => v === 0)).toBe(true);
    // By the sums the compensated error is as it was told, and the plain one is more than three times as large.
    const error = first?.error as number;
    expect(errorOfSums(plan, first?.values as Float32Array)).toBeCloseTo(error, 9);
    expect(errorOfSums(plan, plain?.values as Float32Array)).toBeGreaterThan(3 * error);
    expect(chooseMethods([plan], 0.2)).toEqual(new Map());
  });

  test('prediction, where rows follow from those before', () => {
    const values = Float32Array.from({ length: 4096 }, (_, i) => Math.sin((i >> 6) / 9 + (i & 63) ** 2));
    const plan = planLinear(
      weightOf('w', [64, 64], values),
      values,
      sensitivity,
      rowMajor(64, 64),
      gramOf(64, 0.2, 0),
      undefined,
    );
    expect(plan.predictor?.distance).toBe(64);
    expect(chooseMethods([plan], 0.01)).toEqual(new Map([['w', 'predicted']]));
    for (const other of ['plain', 'compensated'] as const) {
      expect(only(plan, 0.01, other).method).toBe(other);
      expect(only(plan, 0.01, other).grid?.prediction).toBeUndefined();
    }
    const { method, grid, values: rounded } = only(plan, 0.01, 'predicted');
    expect([method, grid?.prediction?.distance]).toEqual(['predicted', 64]);
    expect(Math.max(...rounded.map((v, i) => Math.abs(v - (values[i] as number))))).toBeGreaterThan(0);
  });
});
