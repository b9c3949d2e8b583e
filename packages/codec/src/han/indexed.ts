import { fail } from '../errors.js';

/** A pruned tensor as Deep Compression sees it: an index per weight into a codebook whose first entry is 0. */
export interface IndexedTensor {
  /** Row-major; 0 is a pruned weight. At most 256 codebook entries. */
  indices: Uint8Array;
  /** codebook[0] is 0. */
  codebook: Float32Array;
}

/**
 * Finds the codebook of a tensor: its distinct values in ascending order, after 0.
 *
 * @throws EspError 'input' when there are more than 255 distinct values beside 0.
 *
 * @example
 * ```ts
 * import { expandTensor, indexTensor } from '@espalier/codec/han';
 *
 * const tensor = indexTensor(Float32Array.of(0, 0.5, -1, 0.5));
 * if (tensor.codebook.join() !== '0,-1,0.5') throw new Error('codebook');
 * if (expandTensor(tensor).join() !== '0,0.5,-1,0.5') throw new Error('not the same');
 * ```
 */
export function indexTensor(values: Float32Array): IndexedTensor {
  const distinct = new Set<number>();
  for (const value of values) {
    if (value !== 0) distinct.add(value);
    if (distinct.size > 255) fail('input', 'a codebook has at most 255 values beside 0');
  }
  const codebook = Float32Array.of(0, ...[...distinct].sort((a, b) => a - b));
  const index = new Map(Array.from(codebook, (value, i) => [value, i]));
  return { indices: Uint8Array.from(values, (value) => index.get(value === 0 ? 0 : value)!), codebook };
}

/** The weights of an indexed tensor. */
export function expandTensor({ indices, codebook }: IndexedTensor): Float32Array {
  const values = new Float32Array(indices.length);
  for (let i = 0; i < indices.length; i++) values[i] = codebook[indices[i]];
  return values;
}

/** Gaps between stored entries, and their values: the two streams of Deep Compression (section 2). */
export interface RelativeIndex {
  /** Zeros before the entry; the largest gap with value 0 is a filler. */
  gaps: Uint8Array;
  values: Uint8Array;
}

/**
 * Relative indices of `gapBits` 3 to 8 bits. A gap that does not fit gets filler entries: largest gap, value 0
 * (Han, Mao, Dally 2016, figure 2; the notebook calls this case "overflow, unimplemented").
 *
 * @example
 * ```ts
 * import { fromRelative, toRelative } from '@espalier/codec/han';
 * const indices = Uint8Array.of(0, 0, 3, 0, 1);
 * const { gaps, values } = toRelative(indices, 4);
 * if (gaps.join() !== '2,1' || values.join() !== '3,1') throw new Error('unexpected');
 * if (fromRelative({ gaps, values }, 5).join() !== indices.join()) throw new Error('unexpected');
 * ```
 */
export function toRelative(indices: Uint8Array, gapBits: number): RelativeIndex {
  if (!Number.isInteger(gapBits) || gapBits < 3 || gapBits > 8) fail('option', 'gapBits must be from 3 to 8');
  const largest = 2 ** gapBits - 1;
  let count = 0;
  for (let i = 0, zeros = 0; i < indices.length; i++) {
    zeros = indices[i] === 0 && zeros < largest ? zeros + 1 : 0;
    if (zeros === 0) count++;
  }
  const gaps = new Uint8Array(count);
  const values = new Uint8Array(count);
  for (let i = 0, zeros = 0, at = 0; at < count; i++) {
    if (indices[i] === 0 && zeros < largest) {
      zeros++;
      continue;
    }
    gaps[at] = zeros;
    values[at++] = indices[i];
    zeros = 0;
  }
  return { gaps, values };
}

/** The inverse of {@link toRelative} for a tensor of `size` weights. @throws EspError 'payload' beyond its end. */
export function fromRelative({ gaps, values }: RelativeIndex, size: number): Uint8Array {
  const indices = new Uint8Array(size);
  let at = -1;
  for (let i = 0; i < gaps.length; i++) {
    at += gaps[i] + 1;
    if (at >= size) fail('payload', 'a relative index reaches past the end of the tensor');
    indices[at] = values[i];
  }
  return indices;
}
