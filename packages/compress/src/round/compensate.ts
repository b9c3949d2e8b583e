import { exactProduct } from '../numbers/product.js';
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
  for (let g = 0; g < groups.length; g++) {
    const { lower, size } = factors[g];
    const owed = new Float64Array(size * width);
    for (let start = 0; start < size; start += block) {
      const end = Math.min(size, start + block);
      const errors = new Float64Array(block * width);
      for (let j = start; j < end; j++) {
        const own = owed.subarray(j * width, (j + 1) * width);
        for (let k = start; k < j; k++) {
          const m = lower[j * size + k];
          if (m === 0) continue;
          const from = (k - start) * width;
          for (let c = 0; c < width; c++) own[c] += m * errors[from + c];
        }
        if (j === rows.length) {
          (bias as Float64Array).set(own, g * width);
          continue;
        }
        for (let c = 0; c < width; c++) {
          const at = groups[g] + rows[j] + columns[c];
          wanted[at] = values[at] + own[c];
          const value = snap(values[at] + own[c], at);
          rounded[at] = value;
          errors[(j - start) * width + c] = values[at] - value;
        }
      }
      if (end < size) tell(owed, lower, size, end, errors, width);
    }
  }
  return { rounded, wanted, bias };
}

/** Rows that are rounded one by one, before those after them are told of all of them at once. */
const block = 64;

/** Tells rows `end` and on of the errors of the block before them. */
function tell(
  owed: Float64Array,
  lower: Float64Array,
  size: number,
  end: number,
  errors: Float64Array,
  width: number,
): void {
  const count = size - end;
  const factors = new Float64Array(count * block);
  for (let j = 0; j < count; j++) {
    const row = (end + j) * size + end;
    factors.set(lower.subarray(row - block, row), j * block);
  }
  const sums = exactProduct(factors, errors, [count, block, width]);
  for (let i = 0, to = end * width; i < sums.length; i++, to++) owed[to] += sums[i];
}
