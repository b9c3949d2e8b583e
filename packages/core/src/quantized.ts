/**
 * A weight tensor whose values come from a small table: element i is `codebook[indices[i]]`.
 *
 * A uniform quantiser is a codebook whose entries are multiples of a step; the codec finds that out itself.
 */
export interface QuantizedTensor {
  /** Finite values; strictly ascending as a quantizer makes them, in that order still when fine-tuning has moved them. */
  readonly codebook: Float32Array;
  /** One index into the codebook per element, row-major in the parameter's shape. */
  readonly indices: Uint8Array | Uint16Array;
  /** Indices of codebook entries that fine-tuning must leave alone, such as the exact zero of pruned weights. */
  readonly fixed?: readonly number[];
}

/**
 * The tensor's values, row-major.
 *
 * @example
 * ```ts
 * import { dequantize } from '@espalier/core';
 * const values = dequantize({ codebook: Float32Array.of(-1, 0, 0.5), indices: Uint8Array.of(2, 1, 0, 2) });
 * if (values.join() !== '0.5,0,-1,0.5') throw new Error(values.join());
 * ```
 */
export function dequantize(tensor: QuantizedTensor): Float32Array {
  const { codebook, indices } = tensor;
  const values = new Float32Array(indices.length);
  for (let i = 0; i < indices.length; i++) values[i] = codebook[indices[i]];
  return values;
}
