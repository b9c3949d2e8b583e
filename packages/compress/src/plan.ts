import { Codebooks } from './codebooks.js';
import { chooseDoubt, leastDoubt, usualDoubt } from './doubt.js';
import { type Factor, factorize } from './factor.js';
import type { Layout } from './layout.js';
import type { Gram } from './moments.js';
import { Predictor } from './predictor.js';
import { Wish } from './steps.js';
import type { Weight } from './weights.js';
import type { Stage } from './work.js';

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
  /** Does no output depend on it, as far as the inputs show? */
  readonly unreached?: true;
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
  stage?: Stage,
): Plan {
  const predictor = Predictor.find(values, weight.shape, unordered);
  // What is predicted is rounded after what it is predicted from.
  const order = predictor ? Int32Array.from(unordered.rows.keys()) : fallingVariance(unordered, found);
  const layout = { ...unordered, rows: order.map((r) => unordered.rows[r]) };
  const { groups, rows, columns } = layout;
  const biased = bias !== undefined;
  const size = biased ? found.size : found.size - 1;
  const inOrder = (moments: Float64Array): Float64Array => reordered(moments, found.size, order, size);
  const moments = inOrder(found.moments);
  const [learned, checked] = found.split?.map(inOrder) ?? [];
  const chosen =
    learned && checked && (stage?.fits(groups.length * size ** 3) ?? true)
      ? chooseDoubt(values, layout, { size, biased, learned, checked })
      : usualDoubt;
  const doubt = Math.max(chosen, leastDoubt(rows.length, found.positions));
  const factors = Array.from(groups, (_, g) =>
    factorize(moments.subarray(g * size * size, (g + 1) * size * size), size, doubt, biased),
  );
  const outputs = new Float64Array(groups.length * columns.length);
  for (let g = 0; g < groups.length; g++) {
    let energy = 0;
    const base = g * size * size;
    for (let r = 0; r < rows.length; r++) energy += moments[base + r * size + r];
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
function fallingVariance({ groups, rows }: Layout, { size, moments }: Gram): Int32Array {
  const variance = new Float64Array(rows.length);
  for (let g = 0; g < groups.length; g++) {
    const base = g * size * size;
    for (let r = 0; r < rows.length; r++) {
      variance[r] += moments[base + r * size + r] - moments[base + r * size + size - 1] ** 2;
    }
  }
  return Int32Array.from(rows.keys()).sort((a, b) => variance[b] - variance[a]);
}

/** Moments with their rows in another order, and with or without the constant 1, which comes last. */
function reordered(moments: Float64Array, size: number, order: Int32Array, kept: number): Float64Array {
  const groups = moments.length / (size * size);
  const all = [...order, size - 1];
  const ordered = new Float64Array(groups * kept * kept);
  for (let g = 0; g < groups; g++) {
    for (let i = 0; i < kept; i++) {
      const [from, to] = [(g * size + all[i]) * size, (g * kept + i) * kept];
      for (let j = 0; j < kept; j++) ordered[to + j] = moments[from + all[j]];
    }
  }
  return ordered;
}

/**
 * Plans a tensor that the outputs do not feel: its error in units of its mean square becomes what the outputs' is in units of
 * their peaks, to which each of the `reached` weights adds fineness^2 / 12.
 */
export function planAlone(weight: Weight, values: Float32Array, reached: number): Plan {
  const meanSquare = values.reduce((sum, v) => sum + v * v, 0) / values.length;
  const importance = new Float64Array(values.length).fill(1 / (Math.max(1, reached) * meanSquare));
  return { ...planned(weight, values, importance), unreached: true };
}

/** Plans any other tensor from its elements' sensitivities, which are noisy: each counts with the tensor's mean. */
export function planPlain(weight: Weight, values: Float32Array, sensitivity: Float64Array): Plan {
  const mean = sensitivity.reduce((a, b) => a + b, 0) / sensitivity.length;
  const importance = sensitivity.map((s) => (s + mean) / 2);
  return planned(weight, values, importance);
}

function planned(weight: Weight, values: Float32Array, importance: Float64Array): Plan {
  const codebooks = new Codebooks(values, importance);
  const predictor = Predictor.find(values, weight.shape);
  return { weight, values, wish: new Wish(weight.shape, importance, values), codebooks, predictor };
}
