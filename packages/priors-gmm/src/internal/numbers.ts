import { EspalierError, type Parameter } from '@espalier/core';
import { type Mixture, mixtureOf } from '../mixture.js';
import { owner, type Resolved } from '../options.js';
import { initialMixture, rangeOf } from './initial.js';

/**
 * The numbers of a mixture's trained variables as they start: the means `[J - 1]`, the log-precisions `[J]`, the
 * unnormalised log-shares ρ `[J - 1]` and, where it is learned, the logit of π_0 `[1]`.
 *
 * @param weights - Of the parameters, in their order.
 * @throws EspalierError `not-finite`, `invalid-option`
 */
export function initialNumbers(
  parameters: readonly Parameter[],
  weights: readonly Float32Array[],
  options: Resolved,
): Float32Array[] {
  const { components, zeroShare, hyper } = options;
  const { low, high } = rangeOf(parameters, weights);
  const { means, logPrecision } = initialMixture(options, low, high);
  return [
    means,
    new Float32Array(components).fill(logPrecision),
    new Float32Array(components - 1).fill(Math.log((1 - zeroShare) / (components - 1))),
    ...(hyper.zeroShare ? [Float32Array.of(Math.log(zeroShare) - Math.log1p(-zeroShare))] : []),
  ];
}

/** The mixture, from the numbers of its variables. */
export function mixtureFrom(
  [means, logPrecisions, rhos, logit]: readonly Float32Array[],
  options: Resolved,
): Mixture {
  const zeroShare = logit === undefined ? options.zeroShare : 1 / (1 + Math.exp(-logit[0]));
  return mixtureOf(means, logPrecisions, rhos, zeroShare);
}

/** @throws EspalierError `bad-state` where these are the numbers of another mixture. */
export function checkNumbers(
  name: string,
  numbers: readonly unknown[],
  { components, hyper }: Resolved,
): asserts numbers is readonly Float32Array[] {
  const wanted = [components - 1, components, components - 1, ...(hyper.zeroShare ? [1] : [])];
  const is = (values: unknown, size: number): boolean =>
    values instanceof Float32Array && values.length === size;
  if (numbers.length === wanted.length && wanted.every((size, i) => is(numbers[i], size))) return;
  throw new EspalierError(
    'bad-state',
    `${owner}: the saved mixture of ${name} is not one of these options.`,
    {
      remedy: 'Resume with the recipe and the model the state was saved with.',
    },
  );
}
