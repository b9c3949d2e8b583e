import * as tf from '@tensorflow/tfjs-core';

/** How near outputs are to those of the original, measured. */
export interface Fidelity {
  /**
   * Peak signal-to-noise ratio in dB; Infinity when nothing differs. Of all outputs and examples, each output's error in units of
   * its peak; on photographs and made-up pictures it is {@link least}.
   */
  readonly psnr: number;
  /** That of all outputs and examples, where `psnr` is that of the worst. */
  readonly mean?: number;
  /**
   * PSNR in dB of the output that is furthest off for any one example, in units of what it spans for that example alone, at least 1/8
   * of its peak (of probabilities, and of one with fewer than 16 values, its peak). Not there in {@link compare}.
   */
  readonly least?: number;
  /** Cosine of the angle between the outputs. */
  readonly cosine: number;
  /** Mean and greatest absolute difference. */
  readonly meanDifference: number;
  readonly maxDifference: number;
  /** Share of examples whose greatest output is the same one; where the last axis has classes. */
  readonly agreement?: number;
  /**
   * Where accuracy is the aim: percentage points lost on the examples that the steps were chosen by, and a standard deviation of the
   * difference more.
   */
  readonly lost?: number;
  /** How many examples. */
  readonly examples: number;
}

/** Least part of its greatest magnitude that an output is taken to span. */
const leastSpan = 1 / 32;

/** What an output spans. */
export interface Span {
  /** Greatest less least value, and no less than 1/32 of the greatest magnitude; of a constant that magnitude. */
  readonly peak: number;
  /** Is it more than the values show? An output that hardly varies would have its own rounding for a peak. */
  readonly floored: boolean;
}

/** Values that are not finite count for nothing. */
export function spanOf(values: Float32Array): Span {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (!(high > low)) return { peak: (Number.isFinite(high) && Math.abs(high)) || 1, floored: true };
  const floor = leastSpan * Math.max(high, -low);
  return { peak: Math.max(high - low, floor), floored: high - low < floor };
}

/** What outputs span, see {@link Span}. */
export function peaksOf(outputs: readonly Float32Array[]): number[] {
  return outputs.map((values) => spanOf(values).peak);
}

/** An output of all examples: values, and its shape. */
export interface Output {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Are the rows probabilities of classes? */
export function isDistribution({ shape, values }: Output): boolean {
  if (shape.length !== 2 || shape[1] < 2) return false;
  for (let row = 0; row < shape[0]; row++) {
    let sum = 0;
    for (let i = row * shape[1]; i < (row + 1) * shape[1]; i++) {
      if (!(values[i] >= 0)) return false;
      sum += values[i];
    }
    if (Math.abs(sum - 1) > 1e-3) return false;
  }
  return true;
}

/**
 * Probabilities as 2 sqrt(p), whose squared differences are Fisher's information: an example that the model is sure of
 * says little in its probabilities, though its features may be moved as far as those of others (Amari, 2016, "Information
 * geometry and its applications", 2.2). What is nearly a probability may be below 0.
 */
export function asAngles({ shape, values }: Output): Output {
  return { shape, values: values.map((p) => 2 * Math.sqrt(Math.max(p, 0))) };
}

/**
 * Compares outputs; each output's squared error counts in units of its peak, and all outputs alike. Of an output that has
 * another size every element is a peak off; where a value is not finite and the other not the same, the PSNR is -Infinity.
 *
 * @example
 * ```ts
 * import { compare } from '@espalier/compress';
 * const original = [{ shape: [1, 2], values: Float32Array.of(0, 1) }];
 * const other = [{ shape: [1, 2], values: Float32Array.of(0.1, 0.9) }];
 * const { psnr } = compare(original, other, [1]); // the mean square of 0.1 against a peak of 1
 * if (Math.abs(psnr - 20) > 1e-5) throw new Error(`${psnr}`);
 * ```
 */
export function compare(
  original: readonly Output[],
  other: readonly Output[],
  peaks: readonly number[],
): Fidelity {
  let [noise, dot, aa, bb, sum, max, count] = [0, 0, 0, 0, 0, 0, 0];
  let [same, rows] = [0, 0];
  original.forEach(({ values: a, shape }, o) => {
    const b = other[o].values;
    count += a.length;
    if (a.length !== b.length) {
      noise += 1 / original.length;
      return;
    }
    let squares = 0;
    for (let i = 0; i < a.length; i++) {
      // The same infinity twice differs by nothing.
      if (a[i] === b[i] && !Number.isFinite(a[i])) continue;
      const d = b[i] - a[i];
      squares += d * d;
      dot += a[i] * b[i];
      aa += a[i] * a[i];
      bb += b[i] * b[i];
      sum += Math.abs(d);
      if (!(Math.abs(d) <= max)) max = Math.abs(d);
    }
    noise += squares / Math.max(1, a.length) / peaks[o] ** 2 / original.length;
    if (shape.length === 2 && shape[1] > 1) {
      for (let row = 0; row < shape[0]; row++) {
        rows++;
        if (argMax(a, row, shape[1]) === argMax(b, row, shape[1])) same++;
      }
    }
  });
  return {
    psnr: Number.isNaN(noise)
      ? Number.NEGATIVE_INFINITY
      : noise === 0
        ? Number.POSITIVE_INFINITY
        : -10 * Math.log10(noise),
    cosine: aa === 0 && bb === 0 ? 1 : dot / Math.sqrt(aa * bb),
    meanDifference: sum / Math.max(1, count),
    maxDifference: max,
    ...(rows > 0 && { agreement: same / rows }),
    examples: original[0]?.shape[0] ?? 0,
  };
}

/** Which value of a row is the greatest. */
export function argMax(values: tf.TypedArray, row: number, classes: number): number {
  const start = row * classes;
  let best = start;
  for (let i = start; i < start + classes; i++) if (values[i] > values[best]) best = i;
  return best - start;
}

/** Can it be a little off? Strings, integers and flags are left out of the measure. */
export const isMeasured = ({ dtype }: tf.Tensor): boolean => dtype === 'float32';

/** Reads the outputs of one batch that are measured, and disposes all. */
export function readOutputs(tensors: readonly tf.Tensor[]): Output[] {
  const outputs = tensors.filter(isMeasured).map((tensor) => ({
    shape: tensor.shape,
    values: Float32Array.from(tensor.dataSync()),
  }));
  tf.dispose([...tensors]);
  return outputs;
}

/** Joins outputs of several batches. */
export function joinOutputs(batches: readonly (readonly Output[])[]): Output[] {
  return batches[0].map(({ shape }, o) => {
    const values = new Float32Array(batches.reduce((n, batch) => n + batch[o].values.length, 0));
    let at = 0;
    for (const batch of batches) {
      values.set(batch[o].values, at);
      at += batch[o].values.length;
    }
    const examples = batches.reduce((n, batch) => n + (batch[o].shape[0] ?? 1), 0);
    return { shape: [examples, ...shape.slice(1)], values };
  });
}
