import * as tf from '@tensorflow/tfjs-core';

/** Every so-manieth part of the examples is set apart, to check what the others say. */
const checked = 4;

/** Rows up to which that is done: the moments then take three times as much memory. */
const mostChecked = 4096;

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
  readonly #sums: (Float64Array | undefined)[] = [undefined, undefined];
  readonly #positions = [0, 0];
  #size = 0;
  #parts = 0;

  /** @param features - `[groups, positions, rows]` of one part of the examples. */
  add(features: tf.Tensor3D): void {
    const [groups, positions, rows] = features.shape;
    this.#size = rows + 1;
    const own = tf.tidy(() => {
      const whole = tf.concat([features, tf.ones([groups, positions, 1])], 2);
      return tf.matMul(whole, whole, true, false).dataSync();
    });
    this.#parts++;
    // The second, the sixth and so on: there are two parts at least.
    const side = rows <= mostChecked && this.#parts % checked === 2 ? 1 : 0;
    const sum = this.#sums[side] ?? new Float64Array(own.length);
    for (let i = 0; i < own.length; i++) sum[i] += own[i];
    this.#sums[side] = sum;
    this.#positions[side] += positions;
  }

  /** The means of all that was added. */
  finish(): Gram {
    const [learned, others] = this.#sums as [Float64Array, Float64Array | undefined];
    const [most, few] = this.#positions;
    const size = this.#size;
    if (!others) return { size, positions: most + few, moments: learned.map((x) => x / most) };
    const moments = learned.map((x, i) => (x + others[i]) / (most + few));
    return {
      size,
      positions: most + few,
      moments,
      split: [learned.map((x) => x / most), others.map((x) => x / few)],
    };
  }
}
