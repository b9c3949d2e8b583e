import { EspalierError, type Parameter } from '@espalier/core';
import { owner, type Resolved } from '../options.js';

/** Least and greatest weight of some parameters. @throws EspalierError `not-finite` */
export function rangeOf(
  parameters: readonly Parameter[],
  weights: readonly Float32Array[],
): { low: number; high: number } {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const [p, { name }] of parameters.entries()) {
    const values = weights[p];
    for (let i = 0; i < values.length; i++) {
      const w = values[i];
      if (!Number.isFinite(w)) throw new EspalierError('not-finite', `${name} has the weight ${w}.`);
      if (w < low) low = w;
      if (w > high) high = w;
    }
  }
  return { low, high };
}

/** J points evenly over a range, without the one nearest to 0: that place is the zero component's. */
function spread(count: number, from: number, to: number): number[] {
  const points = Array.from({ length: count }, (_, j) => from + ((to - from) * j) / (count - 1));
  const zero = points.reduce((best, point, j) => (Math.abs(point) < Math.abs(points[best]) ? j : best), 0);
  return points.filter((_, j) => j !== zero);
}

/** Where a mixture starts: J - 1 means and one deviation for all components. */
export function initialMixture(
  { components, means, deviation }: Resolved,
  low: number,
  high: number,
): { readonly means: Float32Array; readonly logPrecision: number } {
  const range = means === 'range' ? { from: low, to: high } : means;
  const start = 'from' in range ? spread(components, range.from, range.to) : range;
  const sorted = [...start].sort((a, b) => a - b);
  const width = sorted[sorted.length - 1] - sorted[0];
  const apart = components > 2 ? width / (components - 2) : Math.abs(sorted[0]);
  const sigma = deviation ?? apart;
  if (!(sigma > 0)) {
    throw new EspalierError('invalid-option', `${owner}: all means start at ${sorted[0]}.`, {
      remedy: 'Give a deviation, or means that differ; or train the model first.',
    });
  }
  return { means: Float32Array.from(sorted), logPrecision: -2 * Math.log(sigma) };
}
