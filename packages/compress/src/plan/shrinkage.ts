import { entropyOf } from '../numbers/entropy.js';
import { roundLinear } from '../round/compensate.js';
import { type Factor, factorize } from '../round/factor.js';
import { toSteps } from '../round/snap.js';
import type { Layout } from '../trace/layout.js';

/** What is tried: from nearly all covariances believed to none. */
const candidates = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1];

/** Where the search starts, and what is taken where nothing can be checked. */
export const usualDoubt = 0.03;

/** Outputs that it is tried on. */
const mostColumns = 48;

/** Deviation of the weights in steps. */
const deviation = 1.5;

/** So many positions for each row weigh as much as a witness as what was thought before: that features have nothing in common. */
const prior = 0.03;

/**
 * The least part of the covariances that is not believed: of few examples, which have more features than there are of them,
 * those set apart are too much like the others to show it (parts of the same pictures, say).
 */
export function leastDoubt(rows: number, positions: number): number {
  return (prior * rows) / (prior * rows + positions);
}

/** Moments of `[groups, size, size]`; without the constant 1 where there is no bias. */
export interface SplitMoments {
  readonly size: number;
  readonly biased: boolean;
  readonly learned: Float64Array;
  readonly checked: Float64Array;
}

/**
 * Finds how much of the covariances is to be believed: weights are rounded by the moments of most of the examples, and the
 * error counted by the moments of the others. What is least: bits a weight at the same error.
 *
 * Source: shrinkage of covariances by cross-validation, Friedman (1989), "Regularized discriminant analysis", towards the
 * diagonal as in Ledoit and Wolf (2004), "A well-conditioned estimator for large-dimensional covariance matrices", whose own
 * measure, the squared error of the covariances, says little of what is made up for.
 */
export function chooseDoubt(values: Float32Array, layout: Layout, split: SplitMoments): number {
  const every = Math.ceil(layout.columns.length / mostColumns);
  const some = { ...layout, columns: layout.columns.filter((_, i) => i % every === 0) };
  const costs = new Map<number, number>();
  const cost = (i: number): number => {
    if (i < 0 || i >= candidates.length) return Number.POSITIVE_INFINITY;
    const known = costs.get(i) ?? bitsAtSameError(values, some, split, candidates[i]);
    costs.set(i, known);
    return known;
  };
  let best = candidates.indexOf(usualDoubt);
  for (;;) {
    if (cost(best + 1) < cost(best)) best++;
    else if (cost(best - 1) < cost(best)) best--;
    else return candidates[best];
  }
}

/** What a doubt costs: bits a weight, and those that half the logarithm of the error on the examples set apart stands for. */
export function bitsAtSameError(
  values: Float32Array,
  layout: Layout,
  { size, biased, learned, checked }: SplitMoments,
  doubt: number,
): number {
  const { groups, rows, columns } = layout;
  const square = size * size;
  const factors: Factor[] = [];
  const steps = new Float64Array(values.length);
  let [energy, count, wide] = [0, 0, 0];
  for (let g = 0; g < groups.length; g++) {
    const factor = factorize(learned.subarray(g * square, (g + 1) * square), size, doubt, biased);
    factors.push(factor);
    const mean = factor.pivots.subarray(0, rows.length).reduce((a, b) => a + b, 0) / rows.length;
    for (let r = 0; r < rows.length; r++) {
      const step = 1 / Math.sqrt(factor.pivots[r] + mean);
      for (const column of columns) {
        const at = groups[g] + rows[r] + column;
        steps[at] = step;
        energy += values[at] ** 2;
        wide += step ** 2;
        count++;
      }
    }
  }
  const scale = Math.sqrt(energy / wide) / deviation || 1;
  for (let i = 0; i < steps.length; i++) steps[i] *= scale;
  const { rounded, bias } = roundLinear(values, toSteps(steps), layout, factors);
  const levels = new Float32Array(count);
  let [error, next] = [0, 0];
  const errors = new Float64Array(size);
  for (let g = 0; g < groups.length; g++) {
    const base = g * square;
    for (let c = 0; c < columns.length; c++) {
      for (let r = 0; r < rows.length; r++) {
        const at = groups[g] + rows[r] + columns[c];
        errors[r] = values[at] - rounded[at];
        levels[next++] = Math.round(rounded[at] / steps[at]);
      }
      if (bias) errors[size - 1] = -bias[g * columns.length + c];
      for (let i = 0; i < size; i++) {
        let sum = 0;
        const row = base + i * size;
        for (let j = 0; j < size; j++) sum += checked[row + j] * errors[j];
        error += errors[i] * sum;
      }
    }
  }
  return (8 * entropyOf(levels)) / count + 0.5 * Math.log2(Math.max(error, 1e-60));
}
