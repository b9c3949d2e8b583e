/** The middle and the ends of what several trials came to. */
export interface Span {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** @param values - At least one. */
export function spanOf(values: readonly number[]): Span {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, least: sorted[0], most: sorted[sorted.length - 1] };
}

/** `1.52 % (1.40 % to 1.71 %)`: the median and the range. */
export function shownSpan({ median, least, most }: Span, format: (value: number) => string): string {
  return `${format(median)} (${format(least)} to ${format(most)})`;
}
