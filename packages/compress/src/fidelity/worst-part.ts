import type { Output } from './fidelity.js';

/**
 * Mean squared error of each example, each output's in units of its peak, all outputs alike. Infinity where a value is not
 * finite and the other not the same. Outputs need no axis that counts examples: they have equally many values of each.
 */
export function errorsOf(
  original: readonly Output[],
  other: readonly Output[],
  peaks: readonly number[],
  examples: number,
): Float64Array {
  const errors = new Float64Array(examples);
  original.forEach(({ values: a }, o) => {
    const b = other[o].values;
    if (a.length !== b.length) {
      for (let i = 0; i < examples; i++) errors[i] += 1 / original.length;
      return;
    }
    const unit = original.length * (Math.max(1, a.length) / examples) * peaks[o] ** 2;
    for (let i = 0; i < a.length; i++) {
      if (a[i] === b[i]) continue;
      const square = (b[i] - a[i]) ** 2;
      errors[Math.floor((i * examples) / a.length)] += Number.isFinite(square) ? square / unit : Infinity;
    }
  });
  return errors;
}

/** PSNR in dB of the examples with the largest errors, so large a part of all: at least one. */
export function psnrOfWorst(errors: Float64Array, part: number): number {
  const count = Math.max(1, Math.ceil(part * errors.length));
  const worst = Float64Array.from(errors).sort().subarray(-count);
  return -10 * Math.log10(worst.reduce((sum, error) => sum + error, 0) / count);
}
