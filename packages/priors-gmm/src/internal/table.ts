import { addWeight, newSums, type Sums } from '../loss.js';
import { Evaluator, type Mixture } from '../mixture.js';

/** Cells per standard deviation of the narrowest component. */
const fineness = 10;
/** The number of cells is a multiple of this. */
const unit = 4096;
const most = 8 * unit;

/**
 * The mixture's gradient for very many weights. With respect to one weight it is a function of that number
 * alone, so it is evaluated at the nodes of a grid and interpolated between them; the gradients of the mixture
 * are sums over the weights, so it is enough to know how many weights lie in each cell and what their mean is. One pass over the weights, two look-ups each, whatever J is.
 *
 * Weights outside the grid are evaluated exactly.
 */
export class Table {
  #evaluator!: Evaluator;
  #mixture!: Mixture;
  #low = 0;
  #cells = 0;
  #perUnit = 0;
  #scale = 1;
  /** Gradient on cell k: #lines[2k] + #lines[2k + 1] w. */
  #lines = new Float64Array(0);
  /** Weights in cell k: how many, and their sum. */
  #moments = new Float64Array(0);
  #outside: number[] = [];

  /** How many cells the grid has now. */
  get cells(): number {
    return this.#cells;
  }

  /**
   * Tabulates a mixture over [low, high].
   *
   * @param scale - The gradient is multiplied by it.
   */
  build(mixture: Mixture, low: number, high: number, scale: number): void {
    const evaluator = new Evaluator(mixture);
    let greatest = Number.NEGATIVE_INFINITY;
    for (const log of mixture.logPrecisions) greatest = Math.max(greatest, log);
    const wanted = (high - low) * fineness * Math.exp(greatest / 2);
    const cells = Math.max(unit, Math.min(most, unit * Math.ceil(wanted / unit)));
    if (cells !== this.#cells) {
      this.#lines = new Float64Array(2 * cells);
      this.#moments = new Float64Array(2 * cells);
    } else this.#moments.fill(0);
    const lines = this.#lines;
    const step = (high - low) / cells;
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
    this.#mixture = mixture;
    this.#evaluator = evaluator;
    this.#low = low;
    this.#cells = cells;
    this.#perUnit = 1 / step;
    this.#scale = scale;
    this.#outside = [];
  }

  /** Writes the gradient of every weight to `gradient` and counts the weights for `sums`. */
  pass(weights: Float32Array, gradient: Float32Array): void {
    const lines = this.#lines;
    const moments = this.#moments;
    const low = this.#low;
    const perUnit = this.#perUnit;
    const cells = this.#cells;
    for (let i = 0; i < weights.length; i++) {
      const w = weights[i];
      // Rounds towards 0: a weight less than a cell below the grid counts in the first cell, on whose line it is.
      const k = ((w - low) * perUnit) | 0;
      if (k >= 0 && k < cells) {
        const at = 2 * k;
        gradient[i] = lines[at] + lines[at + 1] * w;
        moments[at] += 1;
        moments[at + 1] += w;
      } else {
        gradient[i] = this.#exactly(w);
      }
    }
  }

  #exactly(w: number): number {
    this.#outside.push(w);
    this.#evaluator.visit(w);
    return this.#evaluator.slope * this.#scale;
  }

  /** Takes back `count` weights that are exactly 0: pruned ones, which are no parameters any more. */
  exclude(count: number): void {
    const k = Math.floor((0 - this.#low) * this.#perUnit) | 0;
    if (count > 0) this.#moments[2 * k] -= count;
  }

  /** The sums over all weights that passed since `build`, and the least and greatest of them. */
  finish(): { sums: Sums; least: number; greatest: number } {
    const sums = newSums(this.#mixture.means.length);
    const { means } = this.#mixture;
    const moments = this.#moments;
    const step = 1 / this.#perUnit;
    let least = Number.POSITIVE_INFINITY;
    let greatest = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < this.#cells; k++) {
      const count = moments[2 * k];
      if (count <= 0) continue;
      // The weights of a cell count as so many at their mean; what they scatter around it, if they lie evenly,
      // is added to the second moments.
      const mean = moments[2 * k + 1] / count;
      addWeight(sums, this.#evaluator, means, mean, count);
      const scatter = ((count - 1) * step * step) / 12;
      const { responsibilities } = this.#evaluator;
      for (let j = 0; j < means.length; j++) sums.second[j] += scatter * responsibilities[j];
      const node = this.#low + k * step;
      if (least > node) least = node;
      greatest = node + step;
    }
    for (const w of this.#outside) {
      addWeight(sums, this.#evaluator, means, w, 1);
      least = Math.min(least, w);
      greatest = Math.max(greatest, w);
    }
    return { sums, least, greatest };
  }
}
