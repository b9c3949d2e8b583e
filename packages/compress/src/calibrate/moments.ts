import * as tf from '@tensorflow/tfjs-core';

/** Every so-manieth part of the examples is set apart, to check what the others say. */
const checked = 4;

/** Rows up to which that is done: the moments then take three times as much memory. */
const mostChecked = 4096;

/** Rows up to which moments are added up here, in float64: backends, and numbers of threads, then differ by the features alone. */
const mostOwn = 128;

/** Positions that else the backend adds up, in float32 and in an order of its own, before their sums are added up here. */
const block = 512;

/** Second moments of what a linear operation's rows are multiplied with, the last row being a constant 1. */
export interface Gram {
  /** Rows, the constant one included. */
  readonly size: number;
  /** How many positions were seen. */
  readonly positions: number;
  /** `[groups, size, size]`: mean over positions of feature x feature. */
  readonly moments: Float64Array;
  /** The same of most of the examples, and of the others. */
  readonly split?: readonly [learned: Float64Array, checked: Float64Array];
}

/** Adds up second moments, part of the examples by part. */
export class Moments {
  /** `[groups, size, size]`, of most of the examples and of the others. */
  readonly #sums: (Float64Array | undefined)[] = [undefined, undefined];
  readonly #positions = [0, 0];
  #size = 0;
  #parts = 0;

  /** @param features - `[groups, positions, rows]` of one part of the examples. */
  add(features: tf.Tensor3D): void {
    const [groups, positions, rows] = features.shape;
    this.#size = rows + 1;
    this.#parts++;
    // The second, the sixth and so on: there are two parts at least.
    const side = rows <= mostChecked && this.#parts % checked === 2 ? 1 : 0;
    this.#sums[side] ??= new Float64Array(groups * this.#size ** 2);
    const sums = this.#sums[side];
    if (rows <= mostOwn) addOwn(sums, features.dataSync(), features.shape);
    else {
      for (let start = 0; start < positions; start += block) {
        const count = Math.min(block, positions - start);
        const products = tf.tidy(() => {
          const some = tf.slice(features, [0, start, 0], [groups, count, rows]);
          const whole = tf.concat([some, tf.ones([groups, count, 1])], 2);
          return tf.matMul(whole, whole, true, false);
        });
        const values = products.dataSync();
        products.dispose();
        for (let i = 0; i < sums.length; i++) sums[i] += values[i];
      }
    }
    this.#positions[side] += positions;
  }

  /** The means of all that was added, undefined of nothing. */
  finish(): Gram | undefined {
    const size = this.#size;
    const [learned, others] = this.#sums.splice(0);
    const [most, few] = this.#positions;
    if (!learned) return undefined;
    if (!others) return { size, positions: most, moments: scaled(learned, most) };
    const moments = new Float64Array(learned.length);
    for (let i = 0; i < moments.length; i++) moments[i] = (learned[i] + others[i]) / (most + few);
    return { size, positions: most + few, moments, split: [scaled(learned, most), scaled(others, few)] };
  }
}

/** Adds products of features, and of each with the constant 1. */
function addOwn(
  sums: Float64Array,
  features: ArrayLike<number>,
  [groups, positions, rows]: readonly [number, number, number],
): void {
  const size = rows + 1;
  const own = new Float64Array(size).fill(1);
  for (let g = 0; g < groups; g++) {
    const products = sums.subarray(g * size * size, (g + 1) * size * size);
    for (let p = 0, at = g * positions * rows; p < positions; p++) {
      for (let i = 0; i < rows; i++) own[i] = features[at++];
      for (let i = 0; i < size; i++) {
        const feature = own[i];
        for (let j = 0, to = i * size; j <= i; j++) products[to++] += feature * own[j];
      }
    }
    for (let i = 0; i < size; i++) {
      for (let j = i + 1; j < size; j++) products[i * size + j] = products[j * size + i];
    }
  }
}

/** The same array, of means. */
function scaled(sums: Float64Array, count: number): Float64Array {
  for (let i = 0; i < sums.length; i++) sums[i] /= count;
  return sums;
}
