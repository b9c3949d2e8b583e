import { type Factor, factorize } from '../round/factor.js';
import { perOwnProduct, spend } from '../time-budget.js';
import type { Layout } from '../trace/layout.js';

/**
 * What is tried: from nearly all covariances believed to none. Less doubt would amplify what backends differ by in their last bits until it
 * decides how weights are rounded.
 */
const candidates = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1];

/** Where the search starts, and what is taken where nothing can be checked. */
export const usualDoubt = 0.03;

/** Errors of rounding that it is tried with: random signs. */
const probes = 32;

/** So many positions for each row weigh as much as a witness as what was thought before: that features have nothing in common. */
const prior = 0.03;

/**
 * The least part of the covariances that is not believed: of few examples, which have more features than there are of them,
 * those set apart are too much like the others to show it (parts of the same pictures, say).
 */
export function leastDoubt(rows: number, positions: number): number {
  return Math.max(candidates[0], (prior * rows) / (prior * rows + positions));
}

/** Moments of `[groups, size, size]`; without the constant 1 where there is no bias. */
export interface SplitMoments {
  readonly size: number;
  readonly biased: boolean;
  readonly learned: Float64Array;
  readonly checked: Float64Array;
}

/**
 * Finds how much of the covariances is to be believed: rows make up for each other's errors by the moments of most of the examples,
 * and what is left is counted by the moments of the others. What is least: bits a weight at the same error.
 *
 * Source: shrinkage of covariances by cross-validation, Friedman (1989), "Regularized discriminant analysis", towards the
 * diagonal as in Ledoit and Wolf (2004), "A well-conditioned estimator for large-dimensional covariance matrices", whose own
 * measure, the squared error of the covariances, says little of what is made up for.
 */
export function chooseDoubt(layout: Layout, split: SplitMoments): number {
  const costs = new Map<number, number>();
  const cost = (i: number): number => {
    if (i < 0 || i >= candidates.length) return Number.POSITIVE_INFINITY;
    const known = costs.get(i) ?? bitsAtSameError(layout, split, candidates[i]);
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

/**
 * What a doubt costs, in bits a weight, but for what is the same for all: half the logarithm of the error that is expected on the
 * examples set apart, and what the steps' logarithms spare. No weight is rounded for it: each choice there would hang on last bits.
 */
export function bitsAtSameError(
  { groups, rows }: Pick<Layout, 'groups' | 'rows'>,
  { size, biased, learned, checked }: SplitMoments,
  doubt: number,
): number {
  const square = size * size;
  spend(perOwnProduct * groups.length * square * (size / 6 + 2 * probes));
  let [error, octaves] = [0, 0];
  for (let g = 0; g < groups.length; g++) {
    const factor = factorize(learned.subarray(g * square, (g + 1) * square), size, doubt, biased);
    const mean = factor.pivots.subarray(0, rows.length).reduce((a, b) => a + b, 0) / rows.length;
    const steps = factor.pivots.subarray(0, rows.length).map((pivot) => 1 / Math.sqrt(pivot + mean));
    for (const step of steps) octaves += Math.log2(step) / (rows.length * groups.length);
    error += expectedError(factor, steps, checked.subarray(g * square, (g + 1) * square));
  }
  return 0.5 * Math.log2(Math.max(error, 1e-60)) - octaves;
}

/**
 * The error of a column's sum by the moments set apart, when what is left of each row (`factorize`'s brackets) is independent and as
 * large as its step: the mean over random signs (Hutchinson, 1990). What is left for the bias is nothing.
 */
function expectedError({ lower, size }: Factor, steps: Float64Array, moments: Float64Array): number {
  const errors = new Float64Array(size * probes);
  for (let j = 0; j < size; j++) {
    const own = errors.subarray(j * probes, (j + 1) * probes);
    for (let p = 0; j < steps.length && p < probes; p++) own[p] = sign(j, p) * steps[j];
    for (let k = 0; k < j; k++) {
      const m = lower[j * size + k];
      for (let p = 0, at = k * probes; p < probes; p++, at++) own[p] -= m * errors[at];
    }
  }
  let sum = 0;
  const products = new Float64Array(probes);
  for (let i = 0; i < size; i++) {
    products.fill(0);
    for (let j = 0, at = 0; j < size; j++) {
      const m = moments[i * size + j];
      for (let p = 0; p < probes; p++, at++) products[p] += m * errors[at];
    }
    for (let p = 0; p < probes; p++) sum += products[p] * errors[i * probes + p];
  }
  return sum / probes;
}

/** A sign that looks like chance: a bit of a product's middle. */
function sign(row: number, probe: number): number {
  const mixed = Math.imul(Math.imul(row + 1, 0x9e3779b1) ^ (probe + 1), 0x85ebca6b);
  return Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35) & 0x10000 ? 1 : -1;
}
