import { isDistribution, type Output } from './fidelity.js';

/** An output with fewer values for an example spans what it does over all of them. */
const leastValues = 16;
/** What an output spans for one example is no less than this part of what it spans over all. */
const leastSpan = 1 / 8;

/** Where the values of an example begin and end: outputs need no axis that counts examples, they have equally many values of each. */
const partOf = ({ values }: Output, i: number, examples: number): [number, number] => [
  Math.ceil((i * values.length) / examples),
  Math.ceil(((i + 1) * values.length) / examples),
];

/**
 * What each output spans for each example alone, from 1/8 of its peak up: whoever looks at one picture has no others to compare
 * with. Of probabilities, and of fewer than 16 values, it is the peak.
 */
export function ownSpans(
  original: readonly Output[],
  peaks: readonly number[],
  examples: number,
): Float64Array[] {
  return original.map((output, o) => {
    const spans = new Float64Array(examples).fill(peaks[o]);
    if (output.values.length / examples < leastValues || isDistribution(output)) return spans;
    return spans.map((peak, i) => {
      let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (const value of output.values.subarray(...partOf(output, i, examples))) {
        if (!Number.isFinite(value)) continue;
        if (value < low) low = value;
        if (value > high) high = value;
      }
      return Math.min(peak, Math.max(leastSpan * peak, high - low));
    });
  });
}

/** In the mean over examples errors count in these units as they do in those of each. */
export function typicalSpans(spans: readonly Float64Array[]): number[] {
  return spans.map((own) => Math.sqrt(own.length / own.reduce((sum, span) => sum + span ** -2, 0)));
}

/**
 * PSNR in dB of the output that is furthest off for any one example, in units of what it spans for that example. A figure over all
 * outputs and examples hides it behind those with less error or a larger span.
 */
export function leastPsnr(
  original: readonly Output[],
  other: readonly Output[],
  spans: readonly Float64Array[],
): number {
  let most = 0;
  original.forEach((output, o) => {
    const [a, b] = [output.values, other[o].values];
    for (const [i, span] of spans[o].entries()) {
      const [from, end] = partOf(output, i, spans[o].length);
      let squares = 0;
      for (let k = from; k < end && a.length === b.length; k++) {
        // The same infinity twice differs by nothing.
        if (a[k] !== b[k]) squares += (b[k] - a[k]) ** 2;
      }
      const error = a.length === b.length ? squares / Math.max(1, end - from) / span ** 2 : 1;
      if (!(error <= most)) most = Number.isFinite(error) ? error : Number.POSITIVE_INFINITY;
    }
  });
  return -10 * Math.log10(most);
}
