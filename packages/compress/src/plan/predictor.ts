import type { LinearPrediction } from '@espalier/codec';
import { solve } from '../numbers/least-squares.js';
import { levelOf, type Snap } from '../round/snap.js';
import type { Layout } from '../trace/layout.js';

/** Shorter lanes are not worth coefficients of their own. */
const leastLength = 16;

/** Of how many earlier elements a prediction may be (docs/format.md). */
const orders = [1, 2, 3, 4, 5, 6, 7];

/** What is left of the variance by a prediction from two elements where prediction seems to be worth it: a bit a weight. */
const leftover = 1 / 4;

/**
 * Linear prediction of a tensor's elements from those before them along an axis, for tensors that are smooth there: windows,
 * sinusoids, encodings of positions.
 */
export class Predictor {
  /** Elements from one to the next along the axis, see the codec's `LinearPrediction`. */
  readonly distance: number;
  readonly #values: Float32Array;
  /** Of how many earlier elements. */
  order = 2;

  constructor(values: Float32Array, distance: number) {
    this.#values = values;
    this.distance = distance;
  }

  /**
   * A predictor along the axis that suits best; undefined where none seems to be worth it.
   *
   * @param layout - In which order the elements are rounded; default: as they lie.
   */
  static find(values: Float32Array, shape: readonly number[], layout?: Layout): Predictor | undefined {
    let [found, least]: [Predictor | undefined, number] = [undefined, Number.POSITIVE_INFINITY];
    const root = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    const exact = new Float64Array(values.length).fill(1e-6 * root);
    for (const [axis, size] of shape.entries()) {
      const distance = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
      if (size < leastLength) continue;
      const predictor = new Predictor(values, distance);
      const left = predictor.#leftover(predictor.fit(exact));
      if (!(left < Math.min(least, leftover * spread(values, distance)))) continue;
      if (!layout || suits(layout, distance, values.length)) [found, least] = [predictor, left];
    }
    return found;
  }

  /** Takes the order with which the tensor has the fewest bytes. Returns whether these are fewer than `most`. */
  choose(most: number, bytes: () => number): boolean {
    let [best, least] = [0, most];
    for (const order of orders) {
      // More coefficients than this are not saved again.
      if (4 * order * this.distance > this.#values.length) break;
      this.order = order;
      const own = bytes();
      if (own < least) [best, least] = [order, own];
    }
    this.order = best || 1;
    return best > 0;
  }

  /**
   * The coefficients of least squared error, counted in steps, for elements that are rounded to these steps: what rounding
   * adds to the elements that predictions come from counts as noise. Each coefficient is rounded in turn, and those
   * after it make up for that (as in `roundLinear`).
   */
  fit(steps: Float64Array): LinearPrediction {
    const { distance, order } = this;
    const coefficients = new Float64Array(distance * order);
    for (let lane = 0; lane < distance; lane++) {
      const { moments, target } = this.#moments(lane, steps);
      for (let first = 0; first < order; first++) {
        const size = order - first;
        const a = new Float64Array(size * size);
        const b = new Float64Array(size);
        for (let i = 0; i < size; i++) {
          b[i] = target[first + i];
          for (let k = 0; k < first; k++)
            b[i] -= moments[(first + i) * order + k] * coefficients[lane * order + k];
          for (let j = 0; j < size; j++) a[i * size + j] = moments[(first + i) * order + first + j];
        }
        const wanted = Math.round(64 * solve(a, b)[0]);
        coefficients[lane * order + first] = Math.max(-256, Math.min(255, wanted)) / 64;
      }
    }
    return { distance, coefficients };
  }

  /** The normal equations of a lane. */
  #moments(lane: number, steps: Float64Array): { moments: Float64Array; target: Float64Array } {
    const { distance, order } = this;
    const values = this.#values;
    const moments = new Float64Array(order * order);
    const target = new Float64Array(order);
    let all = 0;
    for (let at = lane + distance; at < values.length; at += distance) {
      const weight = 1 / steps[at] ** 2;
      for (let i = 0, from = at - distance; i < order && from >= 0; i++, from -= distance) {
        const value = values[from];
        target[i] += weight * value * values[at];
        moments[i * order + i] += weight * Math.min(value ** 2, steps[from] ** 2 / 12);
        for (let j = 0, other = at - distance; j <= i; j++, other -= distance) {
          moments[i * order + j] += weight * value * values[other];
        }
      }
      all += weight * values[at] ** 2;
    }
    for (let i = 0; i < order; i++) {
      moments[i * order + i] += 1e-9 * all + 1e-30;
      for (let j = 0; j < i; j++) moments[j * order + i] = moments[i * order + j];
    }
    return { moments, target };
  }

  /** Squared error of the prediction from values that are not rounded. */
  #leftover({ coefficients }: LinearPrediction): number {
    const { distance, order } = this;
    let sum = 0;
    for (let i = 0; i < this.#values.length; i++) {
      sum += (this.#values[i] - expected(this.#values, i, distance, order, coefficients)) ** 2;
    }
    return sum;
  }
}

/**
 * To multiples of each weight's step off what its predecessors let expect: those that were rounded before, so it must be
 * asked in an order that suits, once for each place.
 */
export function toPredicted(steps: Float64Array, { distance, coefficients }: LinearPrediction): Snap {
  const known = new Float32Array(steps.length);
  const order = coefficients.length / distance;
  return (value, at) => {
    const sum = expected(known, at, distance, order, coefficients);
    known[at] = levelOf(value - sum, steps[at]) * steps[at] + sum;
    return known[at];
  };
}

/** As docs/format.md says, in this order. */
function expected(
  values: Float32Array,
  i: number,
  distance: number,
  order: number,
  coefficients: ArrayLike<number>,
): number {
  let sum = 0;
  for (let k = order; k > 0; k--) {
    if (i >= k * distance) sum += coefficients[(i % distance) * order + k - 1] * values[i - k * distance];
  }
  return sum;
}

/** Squared distance from each lane's mean: that elements are about the same is not what prediction is for. */
function spread(values: Float32Array, distance: number): number {
  const sums = new Float64Array(distance);
  for (let i = 0; i < values.length; i++) sums[i % distance] += values[i];
  const each = values.length / distance;
  return values.reduce((sum, value, i) => sum + (value - sums[i % distance] / each) ** 2, 0);
}

/** Is each element rounded after the one so far before it? */
function suits({ groups, rows, columns }: Layout, distance: number, size: number): boolean {
  const turn = new Int32Array(size);
  let count = 0;
  for (const group of groups) {
    for (const row of rows) for (const column of columns) turn[group + row + column] = count++;
  }
  return turn.every((own, i) => i < distance || turn[i - distance] < own);
}
