import '@tensorflow/tfjs-backend-cpu';
import { encode } from '@espalier/codec';
import { describe, expect, test } from 'vitest';
import type { Gram } from '../src/calibrate/moments.js';
import { codedBytes, entropyBytes } from '../src/choose/coded-bytes.js';
import { chooseMethods } from '../src/choose/methods.js';
import { type Method, methodOf, quantize, type Rounded } from '../src/choose/quantize.js';
import type { Weight } from '../src/model/weights.js';
import { type Plan, planAlone, planLinear, planPlain } from '../src/plan/tensor-plan.js';
import { roundPlain, toSteps } from '../src/round/snap.js';
import { rowMajor } from '../src/trace/layout.js';
import { noise } from './models.js';

const numbers = (count: number, seed: number, scale = 1): Float32Array =>
  noise([count], seed, scale).dataSync() as Float32Array;

function weightOf(name: string, shape: readonly number[], values: Float32Array): Weight {
  const spec = { name, shape: [...shape], dtype: 'float32' as const };
  return {
    name,
    shape,
    dtype: 'float32',
    values,
    scale: undefined,
    spec,
    bytes: new Uint8Array(values.buffer),
  };
}

/** Features of the same energy that have part of it in common, and a mean. */
function gramOf(rows: number, common: number, mean: number, positions = 1e6): Gram {
  const size = rows + 1;
  const moments = Float64Array.from({ length: size * size }, (_, at) => {
    const [i, j] = [Math.floor(at / size), at % size];
    if (i === rows && j === rows) return 1;
    if (i === rows || j === rows) return mean;
    return (i === j ? 1 : common) + mean ** 2;
  });
  return { size, positions, moments };
}

const only = (plan: Plan, fineness: number, method?: Method): Rounded =>
  quantize([plan], fineness, new Map(method ? [[plan.weight.name, method]] : [])).get(
    plan.weight.name,
  ) as Rounded;

describe('a plan', () => {
  test('of a vector: each element counts half by itself, half by the mean', () => {
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
    expect(moved(0)).toBeCloseTo((43 + 4) / 2, 4);
    expect(moved(7)).toBeCloseTo((3 + 4) / 2, 4);
    // All of them err as fineness^2 / 12 each.
    expect(wish.mean).toBeCloseTo(-0.5 * Math.log2(4), 12);
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

describe('methods', () => {
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
    const { method, grid, values: rounded } = only(plan, 0.01, 'predicted');
    expect([method, grid?.prediction?.distance]).toEqual(['predicted', 64]);
    expect(Math.max(...rounded.map((v, i) => Math.abs(v - (values[i] as number))))).toBeGreaterThan(0);
  });
});
