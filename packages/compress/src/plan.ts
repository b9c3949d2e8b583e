import { Codebooks } from './codebooks.js';
import { type Factor, factorize } from './factor.js';
import type { Gram } from './gram.js';
import type { Layout } from './layout.js';
import { Predictor } from './predictor.js';
import { Wish } from './steps.js';
import type { Weight } from './weights.js';

/** All that is known about a tensor before the one number that says how fine. */
export interface Plan {
  readonly weight: Weight;
  /** What is rounded: the tensor's values, batch normalisation folded. */
  readonly values: Float32Array;
  readonly wish: Wish;
  /** One step for all of it, for `plain` rounding of a linear operation's weight. */
  readonly level?: Wish;
  readonly codebooks: Codebooks;
  /** Where elements may follow from those before them along an axis. */
  readonly predictor: Predictor | undefined;
  /** Of a linear operation, with its features' moments. */
  readonly linear?: {
    readonly layout: Layout;
    readonly factors: readonly Factor[];
    readonly bias: string | undefined;
  };
}

/**
 * Means that are added to what the examples say of a row and of a column, as parts of the mean of all: what few examples hardly
 * need, others may.
 */
const commonRows = 1;
const commonColumns = 1;

/** Plans a linear operation's weight from its features and the sensitivity of each of its outputs. */
export function planLinear(
  weight: Weight,
  values: Float32Array,
  sensitivity: Float64Array,
  unordered: Layout,
  found: Gram,
  bias: string | undefined,
): Plan {
  const predictor = Predictor.find(values, weight.shape, unordered);
  // What is predicted is rounded after what it is predicted from.
  const { layout, gram } = predictor ? { layout: unordered, gram: found } : inOrder(unordered, found);
  const { groups, rows, columns } = layout;
  const factors = Array.from(groups, (_, g) => {
    const size = gram.size;
    const moments = gram.moments.subarray(g * size * size, (g + 1) * size * size);
    return bias === undefined
      ? factorize(withoutLast(moments, size), size - 1, 0, false)
      : factorize(moments, size, 0, true);
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
  const common = (commonColumns * outputs.reduce((a, b) => a + b, 0)) / outputs.length || 1e-30;
  const importance = new Float64Array(values.length);
  for (let g = 0; g < groups.length; g++) {
    const { pivots } = factors[g];
    let base = 0;
    for (let r = 0; r < rows.length; r++) base += (commonRows * pivots[r]) / rows.length;
    for (let c = 0; c < columns.length; c++) {
      const output = outputs[g * columns.length + c] + common;
      for (let r = 0; r < rows.length; r++) {
        importance[groups[g] + rows[r] + columns[c]] = (pivots[r] + base) * output;
      }
    }
  }
  const average = sensitivity.reduce((a, b) => a + b, 0) / sensitivity.length;
  return {
    weight,
    values,
    wish: new Wish(weight.shape, importance, values),
    level: new Wish(weight.shape, new Float64Array(values.length).fill(average), values),
    codebooks: new Codebooks(values, importance),
    predictor,
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
  const codebooks = new Codebooks(values, importance);
  const predictor = Predictor.find(values, weight.shape);
  return { weight, values, wish: new Wish(weight.shape, importance, values), codebooks, predictor };
}
