import { optimalCodebook } from '@espalier/quantize-kmeans';

/** Numbers of entries that are tried. */
const sizes = [2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256];

/** A tensor's optimal codebooks: k-means in one dimension, each weight with its importance. */
export class Codebooks {
  readonly #values: Float32Array;
  readonly #weights: Float32Array;
  /** What importance 1 is in `#weights`: they are scaled to fit float32. */
  readonly #unit: number;
  readonly #known = new Map<number, { centroids: Float32Array; error: number }>();

  /** @param importance - What the outputs' error gains by a weight's squared error. */
  constructor(values: Float32Array, importance: Float64Array) {
    const mean = importance.reduce((a, b) => a + b, 0) / importance.length || 1;
    this.#values = values;
    this.#unit = mean;
    this.#weights = Float32Array.from(importance, (x) => x / mean);
  }

  /** The smallest codebook whose weighted squared error is at most `error`; undefined if there is none. */
  within(error: number): Float32Array | undefined {
    const [smallest] = this.from(error);
    return smallest;
  }

  /** The codebooks whose weighted squared error is at most `error`, from the smallest. */
  *from(error: number): Iterable<Float32Array> {
    let [low, high] = [0, sizes.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#of(sizes[middle]).error <= error) high = middle;
      else low = middle + 1;
    }
    for (; low < sizes.length; low++) yield this.#of(sizes[low]).centroids;
  }

  /** The weighted squared error of rounding each of `wanted` to `rounded`. */
  errorOf(wanted: Float32Array, rounded: Float32Array): number {
    let error = 0;
    for (let i = 0; i < wanted.length; i++) error += this.#weights[i] * (wanted[i] - rounded[i]) ** 2;
    return error * this.#unit;
  }

  /** Of every so-manieth weight, and how large a part of all they are: enough to see whether a codebook is worth it. */
  sample(most: number): { codebooks: Codebooks; values: Float32Array; part: number } {
    const every = Math.ceil(this.#values.length / most);
    const chosen = <T extends Float32Array>(from: T): Float32Array => from.filter((_, i) => i % every === 0);
    const values = chosen(this.#values);
    const importance = Float64Array.from(chosen(this.#weights), (x) => x * this.#unit);
    return {
      codebooks: new Codebooks(values, importance),
      values,
      part: values.length / this.#values.length,
    };
  }

  #of(k: number): { centroids: Float32Array; error: number } {
    const known = this.#known.get(k);
    if (known) return known;
    const { centroids, inertia } = optimalCodebook(this.#values, k, { weights: this.#weights });
    const found = { centroids, error: inertia * this.#unit };
    this.#known.set(k, found);
    return found;
  }
}
