import { EspalierError } from '@espalier/core';

/**
 * The index of the nearest codebook entry for every value; on a tie the lower entry. 37.7 million values and
 * 16 entries take a fraction of a second.
 *
 * @param values - Any finite or infinite numbers (an infinite one goes to the end entry).
 * @param codebook - Ascending, 1 to 65,536 entries.
 * @returns `Uint8Array` for up to 256 entries, otherwise `Uint16Array`.
 * @throws EspalierError `invalid-option` for an empty or too large codebook or one that is not ascending.
 *
 * @example
 * ```ts
 * import { nearest } from '@espalier/quantize-kmeans';
 * const indices = nearest(Float32Array.of(-1, 0.1, 0.6, 9), Float32Array.of(-0.5, 0, 1));
 * if (indices.join() !== '0,1,2,2') throw new Error(indices.join());
 * ```
 */
export function nearest(values: Float32Array, codebook: Float32Array): Uint8Array | Uint16Array {
  const k = codebook.length;
  if (k < 1 || k > 65536) {
    throw new EspalierError('invalid-option', `The codebook has ${k} entries.`, {
      remedy: 'Give 1 to 65536.',
    });
  }
  // A value's entry is how many midpoints of neighbouring entries lie below it. They are exact in float64; beyond the
  // last one there are none, up to a power of two.
  const size = 2 ** (32 - Math.clz32(k - 1));
  const midpoints = new Float64Array(size).fill(Number.POSITIVE_INFINITY);
  for (let j = 1; j < k; j++) {
    if (!(codebook[j - 1] <= codebook[j])) {
      throw new EspalierError(
        'invalid-option',
        `Codebook entries ${j - 1} and ${j} are not in ascending order.`,
      );
    }
    midpoints[j - 1] = (codebook[j - 1] + codebook[j]) / 2;
  }
  const indices = k <= 256 ? new Uint8Array(values.length) : new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    let below = 0;
    // Multiplied, not asked: a branch that is taken half of the time costs more than the search.
    for (let step = size >> 1; step > 0; step >>= 1) {
      below += step * Number(value > midpoints[below + step - 1]);
    }
    indices[i] = below;
  }
  return indices;
}
