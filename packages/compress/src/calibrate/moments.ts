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
  /** `[groups, size, size]`, of most of the examples and of the others. */
  readonly #sums: (tf.Tensor | undefined)[] = [undefined, undefined];
  readonly #positions = [0, 0];
  #parts = 0;

  /** @param features - `[groups, positions, rows]` of one part of the examples. */
  add(features: tf.Tensor3D): void {
    const [groups, positions, rows] = features.shape;
    this.#parts++;
    // The second, the sixth and so on: there are two parts at least.
    const side = rows <= mostChecked && this.#parts % checked === 2 ? 1 : 0;
    const before = this.#sums[side];
    // Added up where they are: they are read once, at the end.
    this.#sums[side] = tf.keep(
      tf.tidy(() => {
        const whole = tf.concat([features, tf.ones([groups, positions, 1])], 2);
        const own = tf.matMul(whole, whole, true, false);
        return before ? tf.add(before, own) : own;
      }),
    );
    before?.dispose();
    this.#positions[side] += positions;
  }

  /** The means of all that was added, undefined of nothing; the sums are disposed. */
  finish(): Gram | undefined {
    const size = this.#sums[0]?.shape[2] as number;
    const [learned, others] = this.#sums.map((sum) => sum?.dataSync());
    this.dispose();
    const [most, few] = this.#positions;
    if (!learned) return undefined;
    if (!others) return { size, positions: most, moments: scaled(learned, most) };
    const moments = new Float64Array(learned.length);
    for (let i = 0; i < moments.length; i++) moments[i] = (learned[i] + others[i]) / (most + few);
    return { size, positions: most + few, moments, split: [scaled(learned, most), scaled(others, few)] };
  }

  /** Frees the sums. */
  dispose(): void {
    for (const sum of this.#sums) sum?.dispose();
    this.#sums.fill(undefined);
  }
}

function scaled(sums: ArrayLike<number>, count: number): Float64Array {
  const means = new Float64Array(sums.length);
  for (let i = 0; i < means.length; i++) means[i] = sums[i] / count;
  return means;
}
