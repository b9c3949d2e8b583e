import * as tf from '@tensorflow/tfjs-core';
import { productOf } from '../numbers/product.js';
import type { Layout } from '../trace/layout.js';
import type { Factor } from './factor.js';
import type { Snap } from './snap.js';

/**
 * Rounds the weights of a linear operation one row after the other, each so that it makes up for the errors of the rows
 * before it as far as the features allow (see `factorize`).
 *
 * Source: Frantar, Ashkboos, Hoefler and Alistarh (2022), "GPTQ: accurate post-training quantization for generative
 * pre-trained transformers"; that it is Babai's nearest plane algorithm: Chen, Hoefler and Alistarh (2025), "The geometry of LLM
 * quantization".
 *
 * @returns the rounded weights; what each was rounded from, which makes up for those before it; and what the bias should gain
 * per `[group, column]`: the mean of what remains
 */
export function roundLinear(
  values: Float32Array,
  snap: Snap,
  { groups, rows, columns }: Layout,
  factors: readonly Factor[],
): { rounded: Float32Array; wanted: Float32Array; bias: Float64Array | undefined } {
  const rounded = new Float32Array(values.length);
  const wanted = new Float32Array(values.length);
  const width = columns.length;
  const biased = factors[0].size > rows.length;
  const bias = biased ? new Float64Array(groups.length * width) : undefined;
  const errors = new Float32Array(rows.length * width);
  for (let g = 0; g < groups.length; g++) {
    const { lower, size } = factors[g];
    for (let start = 0; start < size; start += block) {
      const end = Math.min(size, start + block);
      const owed = owedTo(lower, size, start, end, errors, width);
      for (let j = start; j < end; j++) {
        const own = owed.subarray((j - start) * width, (j - start + 1) * width);
        for (let k = start; k < j; k++) {
          const m = lower[j * size + k];
          if (m === 0) continue;
          const from = k * width;
          for (let c = 0; c < width; c++) own[c] += m * errors[from + c];
        }
        if (j === rows.length) {
          for (let c = 0; c < width; c++) (bias as Float64Array)[g * width + c] = own[c];
          continue;
        }
        for (let c = 0; c < width; c++) {
          const at = groups[g] + rows[j] + columns[c];
          wanted[at] = values[at] + own[c];
          const value = snap(wanted[at], at);
          rounded[at] = value;
          errors[j * width + c] = values[at] - value;
        }
      }
    }
  }
  return { rounded, wanted, bias };
}

/** Rows that are rounded one by one, after what those before them left is told to all of them at once. */
const block = 64;

/** What rows `start` to `end` are to make up for, of the errors of the rows before `start`: `[end - start, width]`. */
function owedTo(
  lower: Float32Array,
  size: number,
  start: number,
  end: number,
  errors: Float32Array,
  width: number,
): Float32Array {
  const count = end - start;
  if (start === 0) return new Float32Array(count * width);
  const factors = new Float32Array(count * start);
  for (let j = 0; j < count; j++) {
    factors.set(lower.subarray((start + j) * size, (start + j) * size + start), j * start);
  }
  return productOf(
    tf.tensor2d(factors, [count, start]),
    tf.tensor2d(errors.subarray(0, start * width), [start, width]),
  );
}
