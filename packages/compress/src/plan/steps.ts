import type { Grid } from '@espalier/codec';

/** Quarters of an octave that steps of one tensor may differ by. */
const mostExponent = 60;

/** Levels beyond this are not coded well; what rows make up for each other may double them. */
const mostLevel = 2 ** 14;

/** Rounds of fitting the axes' steps to each other. */
const rounds = 8;

/**
 * Steps for a tensor: one for the whole, and for each axis a factor for every index, in quarters of an octave, where that
 * saves more bits than it costs. With an error of weight^2 importance for each element, the steps of least error at a given
 * rate are those for which every index of every axis has the same mean error; they are found by iterative proportional
 * fitting (Deming and Stephan, 1940).
 */
export class Wish {
  readonly #shape: readonly number[];
  /** Base-2 logarithm of the step that adds an error of 1 / 12 for each weight. */
  readonly mean: number;
  /** Whole quarters of an octave above the least, by axis. */
  readonly exponents: readonly (Uint8Array | undefined)[];

  /** Below this step, levels would leave what is coded well. */
  readonly #least: number;

  constructor(shape: readonly number[], importance: Float64Array, values: Float32Array) {
    this.#shape = shape;
    const logs = shape.map((size) => new Float64Array(size));
    const used = shape.map(() => true);
    let left = importance;
    for (let round = 0; round < rounds; round++) {
      for (const axis of shape.keys()) {
        if (!used[axis]) continue;
        const means = meansOf(shape, left, axis);
        const all = means.reduce((a, b) => a + b, 0) / means.length;
        for (let i = 0; i < means.length; i++) {
          const least = Math.max(means[i] / all, 2 ** -12);
          logs[axis][i] -= 0.5 * Math.log2(least);
          means[i] = 1 / least;
        }
        left = scaled(shape, left, axis, means);
        // Without own steps an axis would cost about so many bits more, by the high-rate formula.
        if (round !== 1) continue;
        const center = logs[axis].reduce((a, b) => a + b, 0) / shape[axis];
        const variance = logs[axis].reduce((sum, x) => sum + (x - center) ** 2, 0) / shape[axis];
        const bits = Math.ceil(Math.log2(quartersOf(logs[axis]).reduce((a, b) => Math.max(a, b), 0) + 1));
        if (bits > 0 && variance * Math.LN2 * importance.length > bits * shape[axis]) continue;
        used[axis] = false;
        left = scaled(
          shape,
          left,
          axis,
          logs[axis].map((x) => 2 ** (-2 * x)),
        );
      }
    }
    this.exponents = shape.map((_, axis) =>
      used[axis] && shape[axis] > 1 ? quartersOf(logs[axis]) : undefined,
    );
    let error = 0;
    const relative = this.steps({ step: 1, exponents: this.exponents });
    for (let i = 0; i < importance.length; i++)
      error += (importance[i] * relative[i] ** 2) / importance.length;
    this.#least = values.reduce((most, v, i) => Math.max(most, Math.abs(v) / relative[i]), 0) / mostLevel;
    this.mean = -0.5 * Math.log2(Math.max(error, 1e-60));
  }

  /** Of the logarithms, what was learned since. */
  #shift = 0;

  /** log2 of the factor that `refine` gave all steps. */
  get shift(): number {
    return this.#shift;
  }

  /** Makes all steps smaller by so many octaves. */
  refine(octaves: number): void {
    this.#shift -= octaves;
  }

  /** The grid with all steps times `factor`. */
  grid(factor: number): Grid {
    const wanted = Math.min(1e30, factor * 2 ** (this.mean + this.#shift));
    const step = Math.fround(Math.max(1e-30, this.#least, wanted));
    return { step, exponents: this.exponents };
  }

  /** The step of every element, as the codec computes it. */
  steps({ step }: Grid): Float64Array {
    return stepsOn(this.#shape, { step, exponents: this.exponents });
  }
}

/** The step of every element of a tensor on a grid, as the codec computes it. */
export function stepsOn(shape: readonly number[], { step, exponents }: Grid): Float64Array {
  let steps = Float64Array.of(0);
  let size = 1;
  for (const [axis, length] of shape.entries()) {
    const next = new Float64Array(size * length);
    const own = exponents[axis];
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < length; j++) next[i * length + j] = steps[i] + (own ? own[j] : 0);
    }
    steps = next;
    size *= length;
  }
  return steps.map((exponent) => stepAt(step, exponent));
}

/** What docs/format.md says: step * Q[e mod 4] * 2^floor(e / 4). */
function stepAt(step: number, exponent: number): number {
  const quarters = [1, 1.189207115002721, Math.SQRT2, 1.681792830507429];
  return step * quarters[exponent & 3] * (1 << (exponent >> 2));
}

/** Mean at each index of an axis. */
function meansOf(shape: readonly number[], values: Float64Array, axis: number): Float64Array {
  const means = new Float64Array(shape[axis]);
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const each = values.length / shape[axis];
  for (let i = 0; i < values.length; i++) means[Math.floor(i / inner) % shape[axis]] += values[i] / each;
  return means;
}

/** Values times a factor for each index of an axis. */
function scaled(
  shape: readonly number[],
  values: Float64Array,
  axis: number,
  factors: Float64Array,
): Float64Array {
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  return values.map((value, i) => value * factors[Math.floor(i / inner) % shape[axis]]);
}

/** Logarithms as quarters of an octave above the least. */
function quartersOf(logs: Float64Array): Uint8Array {
  const low = logs.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  return Uint8Array.from(logs, (x) => Math.min(mostExponent, Math.round(4 * (x - low))));
}
