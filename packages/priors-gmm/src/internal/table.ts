import { addWeight, newSums, type Sums } from '../loss.js';
import type { Evaluator } from '../mixture.js';

/** Cells per standard deviation of the narrowest component. */
const fineness = 10;
/** The number of cells is a multiple of this. */
const unit = 4096;
const most = 8 * unit;

/**
 * The mixture's gradient for very many weights. With respect to one weight it is a function of that number
 * alone, so it is evaluated at the nodes of a grid and interpolated between them; the gradients of the mixture
 * are sums over the weights, so it is enough to know how many weights lie in each cell and what their mean is. One pass
 * over the weights, two look-ups each, whatever J is. `mixture-op.ts` of `@espalier/backend` is the same in C++.
 */
export class Table {
  readonly #evaluator: Evaluator;
  readonly #low: number;
  readonly #step: number;
  readonly #cells: number;
  /** Gradient on cell k: #lines[2k] + #lines[2k + 1] w. */
  readonly #lines: Float64Array;
  /** Weights in cell k: how many, and their sum. */
  readonly #moments: Float64Array;

  /**
   * Tabulates a mixture over the weights and its means.
   *
   * @param scale - The gradient is multiplied by it.
   */
  constructor(evaluator: Evaluator, weights: readonly Float32Array[], scale: number) {
    const [least, greatest] = rangeOf([...weights, evaluator.means]);
    const margin = 0.02 * (greatest - least) || 1e-3;
    const low = least - margin;
    const range = greatest + margin - low;
    const wanted = range * fineness * Math.sqrt(evaluator.precisions.reduce((a, b) => Math.max(a, b)));
    const cells = Math.max(unit, Math.min(most, unit * Math.ceil(wanted / unit)));
    const lines = new Float64Array(2 * cells);
    const step = range / cells;
    evaluator.visit(low);
    let before = evaluator.slope * scale;
    for (let k = 0; k < cells; k++) {
      const w = low + k * step;
      evaluator.visit(low + (k + 1) * step);
      const after = evaluator.slope * scale;
      const rise = (after - before) / step;
      lines[2 * k] = before - rise * w;
      lines[2 * k + 1] = rise;
      before = after;
    }
    this.#evaluator = evaluator;
    this.#low = low;
    this.#step = step;
    this.#cells = cells;
    this.#lines = lines;
    this.#moments = new Float64Array(2 * cells);
  }

  /** Writes the gradient of every weight to `gradient` and counts the weights for `sums`. */
  pass(weights: Float32Array, gradient: Float32Array): void {
    const lines = this.#lines;
    const moments = this.#moments;
    const low = this.#low;
    const perUnit = 1 / this.#step;
    for (let i = 0; i < weights.length; i++) {
      const w = weights[i];
      const at = 2 * (((w - low) * perUnit) | 0);
      gradient[i] = lines[at] + lines[at + 1] * w;
      moments[at] += 1;
      moments[at + 1] += w;
    }
  }

  /**
   * The sums over all weights that passed.
   *
   * @param held - How many of them are exactly 0 because they are pruned: they are no parameters any more.
   */
  sums(held: number): Sums {
    const evaluator = this.#evaluator;
    const { means } = evaluator;
    const sums = newSums(means.length);
    const moments = this.#moments;
    const step = this.#step;
    moments[2 * (((0 - this.#low) * (1 / step)) | 0)] -= held;
    for (let k = 0; k < this.#cells; k++) {
      const count = moments[2 * k];
      if (count <= 0) continue;
      // The weights of a cell count as so many at their mean; what they scatter around it, if they lie evenly,
      // is added to the second moments.
      const mean = moments[2 * k + 1] / count;
      addWeight(sums, evaluator, means, mean, count);
      const scatter = ((count - 1) * step * step) / 12;
      const { responsibilities } = evaluator;
      for (let j = 0; j < means.length; j++) sums.second[j] += scatter * responsibilities[j];
    }
    return sums;
  }
}

function rangeOf(arrays: readonly (Float32Array | Float64Array)[]): [number, number] {
  let [least, greatest] = [0, 0];
  for (const array of arrays) {
    for (let i = 0; i < array.length; i++) {
      if (array[i] < least) least = array[i];
      if (array[i] > greatest) greatest = array[i];
    }
  }
  return [least, greatest];
}
