import { encode, type Grid, inspect } from '@espalier/codec';
import { type Factor, factorize } from './factor.js';
import type { Gram } from './gram.js';
import type { Layout } from './layout.js';
import { roundLinear, roundPlain } from './round.js';
import { Wish } from './steps.js';
import type { Weight } from './weights.js';

/** How a tensor is quantised: rows that make up for each other's errors, each weight by itself, not at all. */
export type Method = 'compensated' | 'plain' | 'kept';

/** All that is known about a tensor before the one number that says how fine. */
export interface Plan {
  readonly weight: Weight;
  /** What is rounded: the tensor's values, batch normalisation folded. */
  readonly values: Float32Array;
  readonly wish: Wish;
  /** One step for all of it, for `plain` rounding of a linear operation's weight. */
  readonly level?: Wish;
  /** Of a linear operation, with its features' moments. */
  readonly linear?: {
    readonly layout: Layout;
    readonly factors: readonly Factor[];
    readonly bias: string | undefined;
  };
}

/** A tensor quantised. */
export interface Rounded {
  readonly values: Float32Array;
  readonly grid: Grid;
  readonly method: Method;
}

/** What a column's sensitivity is never below, as a part of the mean: what no example needs, others may. */
const leastSensitivity = 1e-3;

/** Plans a linear operation's weight from its features and the sensitivity of each of its outputs. */
export function planLinear(
  weight: Weight,
  values: Float32Array,
  sensitivity: Float64Array,
  unordered: Layout,
  found: Gram,
  bias: string | undefined,
): Plan {
  const { layout, gram } = inOrder(unordered, found);
  const { groups, rows, columns } = layout;
  const factors = Array.from(groups, (_, g) => {
    const size = gram.size;
    const moments = gram.moments.subarray(g * size * size, (g + 1) * size * size);
    return bias === undefined
      ? factorize(withoutLast(moments, size), size - 1, 0)
      : factorize(moments, size, 0);
  });
  const outputs = new Float64Array(groups.length * columns.length);
  for (let g = 0; g < groups.length; g++) {
    let energy = 0;
    const base = g * gram.size * gram.size;
    for (let r = 0; r < rows.length; r++) energy += gram.moments[base + r * gram.size + r];
    for (let c = 0; c < columns.length; c++) {
      let sum = 0;
      for (const row of rows) sum += sensitivity[groups[g] + row + columns[c]];
      outputs[g * columns.length + c] = sum / Math.max(energy, 1e-30);
    }
  }
  const mean = outputs.reduce((a, b) => a + b, 0) / outputs.length || 1e-30;
  const importance = new Float64Array(values.length);
  for (let g = 0; g < groups.length; g++) {
    const { pivots } = factors[g];
    for (let c = 0; c < columns.length; c++) {
      const output = Math.max(outputs[g * columns.length + c], leastSensitivity * mean);
      for (let r = 0; r < rows.length; r++) {
        importance[groups[g] + rows[r] + columns[c]] = pivots[r] * output;
      }
    }
  }
  const average = sensitivity.reduce((a, b) => a + b, 0) / sensitivity.length;
  return {
    weight,
    values,
    wish: new Wish(weight.shape, importance, values),
    level: new Wish(weight.shape, new Float64Array(values.length).fill(average), values),
    linear: { layout, factors, bias },
  };
}

/**
 * Rows by falling variance: the first can be predicted best from those that come after them, the last are those whose
 * errors nobody makes up for.
 */
function inOrder(layout: Layout, { size, moments }: Gram): { layout: Layout; gram: Gram } {
  const { groups, rows } = layout;
  const variance = new Float64Array(rows.length);
  for (let g = 0; g < groups.length; g++) {
    const base = g * size * size;
    for (let r = 0; r < rows.length; r++) {
      variance[r] += moments[base + r * size + r] - moments[base + r * size + size - 1] ** 2;
    }
  }
  const order = [...rows.keys()].sort((a, b) => variance[b] - variance[a]);
  const all = [...order, size - 1];
  const ordered = new Float64Array(moments.length);
  for (let g = 0; g < groups.length; g++) {
    const base = g * size * size;
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) ordered[base + i * size + j] = moments[base + all[i] * size + all[j]];
    }
  }
  return {
    layout: { ...layout, rows: Int32Array.from(order, (r) => rows[r]) },
    gram: { size, moments: ordered },
  };
}

function withoutLast(moments: Float64Array, size: number): Float64Array {
  const smaller = new Float64Array((size - 1) ** 2);
  for (let i = 0; i < size - 1; i++)
    smaller.set(moments.subarray(i * size, i * size + size - 1), i * (size - 1));
  return smaller;
}

/** Plans any other tensor from its elements' sensitivities, which are noisy: each counts with the tensor's mean. */
export function planPlain(weight: Weight, values: Float32Array, sensitivity: Float64Array): Plan {
  const mean = sensitivity.reduce((a, b) => a + b, 0) / sensitivity.length;
  const importance = sensitivity.map((s) => (s + mean) / 2);
  return { weight, values, wish: new Wish(weight.shape, importance, values) };
}

/**
 * Quantises all tensors: `fineness` times 2^wish is a tensor's step, so that every weight adds fineness^2 / 12 to the mean
 * squared error of the outputs.
 */
export function quantize(
  plans: readonly Plan[],
  fineness: number,
  methods: ReadonlyMap<string, Method>,
): Map<string, Rounded> {
  const rounded = new Map<string, Rounded>();
  const owed = new Map<string, Float64Array>();
  const method = ({ weight, linear }: Plan): Method =>
    methods.get(weight.name) ?? (linear ? 'compensated' : 'plain');
  for (const plan of plans) {
    const { weight, values, wish, linear } = plan;
    if (!linear || method(plan) !== 'compensated') continue;
    const grid = wish.grid(fineness);
    const result = roundLinear(values, wish.steps(grid), linear.layout, linear.factors);
    rounded.set(weight.name, { values: result.rounded, grid, method: 'compensated' });
    if (result.bias && linear.bias !== undefined) {
      const before = owed.get(linear.bias);
      owed.set(
        linear.bias,
        before ? before.map((b, i) => b + (result.bias as Float64Array)[i]) : result.bias,
      );
    }
  }
  for (const plan of plans) {
    const { weight, values, wish: own, level: wish = own } = plan;
    if (method(plan) !== 'plain') continue;
    const grid = wish.grid(fineness);
    const extra = owed.get(weight.name);
    const wanted = extra ? values.map((value, i) => value + extra[i]) : values;
    rounded.set(weight.name, { values: roundPlain(wanted, wish.steps(grid)), grid, method: 'plain' });
  }
  return rounded;
}

/** Bytes of a tensor where the coder looks for repetitions and nothing else. */
export function repetitionBytes({ weight }: Plan, { values }: Rounded): number {
  const artifacts = {
    weightSpecs: [{ name: 'w', shape: [...weight.shape], dtype: 'float32' as const }],
    weightData: values.slice().buffer,
  };
  return inspect(encode(artifacts, { effort: 2, codecs: ['lz'] })).tensors[0].storedBytes;
}

/** Bytes that the values take by how often each level occurs. */
export function entropyBytes({ wish }: Plan, { values, grid }: Rounded): number {
  const counts = new Map<number, number>();
  const steps = wish.steps(grid);
  for (let i = 0; i < values.length; i++) {
    const level = Math.round(values[i] / steps[i]);
    counts.set(level, (counts.get(level) ?? 0) + 1);
  }
  let bits = 0;
  for (const count of counts.values()) bits -= count * Math.log2(count / values.length);
  return bits / 8;
}
