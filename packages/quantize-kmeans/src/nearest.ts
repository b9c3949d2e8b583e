import { EspalierError } from '@espalier/core';

/** Cells of the table that gives a value's first candidate: fits the first-level cache. */
const cells = 4096;

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
  // thresholds[j] is the midpoint of entries j and j + 1: exact in float64.
  const thresholds = new Float64Array(k);
  thresholds[k - 1] = Number.POSITIVE_INFINITY;
  for (let j = 0; j + 1 < k; j++) {
    if (!(codebook[j] <= codebook[j + 1])) {
      throw new EspalierError(
        'invalid-option',
        `Codebook entries ${j} and ${j + 1} are not in ascending order.`,
      );
    }
    thresholds[j] = (codebook[j] + codebook[j + 1]) / 2;
  }
  const indices = k <= 256 ? new Uint8Array(values.length) : new Uint16Array(values.length);
  if (k === 1) return indices;

  const low = thresholds[0];
  const scale = (cells - 2) / (thresholds[k - 2] - low || 1);
  // starts[c]: the entry of the least value that can fall into cell c. One cell of slack makes it safe from
  // rounding of the cell number.
  const starts = new Uint16Array(cells);
  for (let c = 2, j = 0; c < cells; c++) {
    while (thresholds[j] < low + (c - 2) / scale) j++;
    starts[c] = j;
  }
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    const cell = (value - low) * scale + 1;
    let j = cell >= cells - 1 ? starts[cells - 1] : cell > 0 ? starts[cell | 0] : 0;
    while (value > thresholds[j]) j++;
    indices[i] = j;
  }
  return indices;
}
