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

/** An output with fewer values for an example spans what it does over all of them. */
const leastValues = 16;
/** What an output spans for one example is no less than this part of what it spans over all. */
const leastSpan = 1 / 32;

/**
 * PSNR in dB of the output that is furthest off for any one example, in units of what the output spans for that example: what whoever
 * looks at one picture alone may meet. A figure over all outputs and examples hides it behind those with less error or a larger span.
 *
 * @param given - The peaks are what somebody says that outputs span, of each example too.
 */
export function leastPsnr(
  original: readonly Output[],
  other: readonly Output[],
  peaks: readonly number[],
  examples: number,
  given = false,
): number {
  let most = 0;
  original.forEach(({ values: a }, o) => {
    const b = other[o].values;
    const each = a.length / examples;
    const own = given || each < leastValues ? 1 : leastSpan;
    for (let i = 0; i < examples; i++) {
      let [low, high, squares] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
      const [from, end] = [Math.ceil(i * each), Math.ceil((i + 1) * each)];
      for (let k = from; k < end && a.length === b.length; k++) {
        if (a[k] === b[k] && !Number.isFinite(a[k])) continue;
        squares += (b[k] - a[k]) ** 2;
        low = Math.min(low, a[k]);
        high = Math.max(high, a[k]);
      }
      const span = Math.max(own * peaks[o], own < 1 ? high - low : 0);
      const error = a.length === b.length ? squares / Math.max(1, end - from) / span ** 2 : 1;
      if (!(error <= most)) most = Number.isFinite(error) ? error : Number.POSITIVE_INFINITY;
    }
  });
  return -10 * Math.log10(most);
}
