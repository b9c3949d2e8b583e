import type { Sorted } from './sorted.js';

const block = 256;

/**
 * Weight, weighted sum and weighted sum of squares of the first i sorted values, for any i: a running sum at
 * every 256th value and a short scan from there, so that 37.7 million values need 4 MB instead of 900.
 */
export class Moments {
  readonly sorted: Sorted;
  readonly #starts: Float64Array;
  /** Of the first i values after `upTo(i)`. */
  weight = 0;
  sum = 0;
  squares = 0;

  constructor(sorted: Sorted) {
    this.sorted = sorted;
    const { values, weights } = sorted;
    const starts = new Float64Array(3 * (Math.floor(values.length / block) + 1));
    let weight = 0;
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < values.length; i++) {
      if (i % block === 0) starts.set([weight, sum, squares], (3 * i) / block);
      const w = weights === undefined ? 1 : weights[i];
      const x = values[i];
      weight += w;
      sum += w * x;
      squares += w * x * x;
    }
    if (values.length % block === 0) starts.set([weight, sum, squares], (3 * values.length) / block);
    this.#starts = starts;
  }

  upTo(i: number): void {
    const { values, weights } = this.sorted;
    const start = Math.floor(i / block);
    let weight = this.#starts[3 * start];
    let sum = this.#starts[3 * start + 1];
    let squares = this.#starts[3 * start + 2];
    for (let j = start * block; j < i; j++) {
      const w = weights === undefined ? 1 : weights[j];
      const x = values[j];
      weight += w;
      sum += w * x;
      squares += w * x * x;
    }
    this.weight = weight;
    this.sum = sum;
    this.squares = squares;
  }
}
