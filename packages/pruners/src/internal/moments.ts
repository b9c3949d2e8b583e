import { EspalierError } from '@espalier/core';

/** Mean and (unbiased, as torch.std) standard deviation of numbers, in float64. */
export interface Distribution {
  readonly mean: number;
  readonly deviation: number;
}

/**
 * The distribution of `of(value)` over the values for which it is a number.
 *
 * @throws EspalierError `not-finite`
 */
export function distribution(
  what: string,
  values: ArrayLike<number>,
  of: (value: number) => number | undefined,
): Distribution {
  let n = 0;
  let mean = 0;
  let squares = 0;
  // Welford (1962): one pass, no cancellation.
  for (let i = 0; i < values.length; i++) {
    const value = of(values[i]);
    if (value === undefined) continue;
    n++;
    const delta = value - mean;
    mean += delta / n;
    squares += delta * (value - mean);
  }
  const deviation = n > 1 ? Math.sqrt(squares / (n - 1)) : 0;
  if (Number.isFinite(mean) && Number.isFinite(deviation)) return { mean, deviation };
  throw new EspalierError('not-finite', `${what} has weights that are not finite.`);
}
