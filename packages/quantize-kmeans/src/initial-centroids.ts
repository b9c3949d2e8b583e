import { randomUniform } from '@espalier/core';
import { upperBound } from './sorted.js';

/** Starting points for Lloyd's iteration (Han, Mao and Dally, Deep Compression, section 3.2). */
export type LloydInit = 'linear' | 'density' | 'random';

/**
 * k ascending starting centres from sorted values: `linear` equally spaced from the least to the greatest
 * (Han's choice, keeps the rare large weights), `density` the quantiles (i + 1/2) / k, `random` k distinct
 * values drawn from the data (fewer when there are fewer).
 */
export function initialCentroids(
  values: Float32Array | Float64Array,
  k: number,
  init: LloydInit,
  seed = 0,
): Float64Array {
  const n = values.length;
  if (init === 'linear') {
    const low = values[0];
    const high = values[n - 1];
    return Float64Array.from({ length: k }, (_, i) =>
      k === 1 ? (low + high) / 2 : low + ((high - low) * i) / (k - 1),
    );
  }
  if (init === 'density') {
    return Float64Array.from({ length: k }, (_, i) => {
      const position = ((i + 0.5) / k) * (n - 1);
      const below = Math.floor(position);
      return values[below] + (values[Math.min(below + 1, n - 1)] - values[below]) * (position - below);
    });
  }
  const draw = randomUniform(seed);
  const chosen = new Set<number>();
  // A value that is drawn again gives its place to the next greater one, around the end: always k steps.
  for (let i = 0; i < k; i++) {
    let at = Math.floor(draw() * n);
    for (let tries = 0; tries < k && chosen.has(values[at]); tries++) {
      at = upperBound(values, values[at]) % n;
    }
    chosen.add(values[at]);
  }
  return Float64Array.from(chosen).sort();
}
