import type { TensorEntry } from '../container/format.js';

/** What elements stand for, and how a number is got from one: number · scale + min. */
export interface Values {
  readonly numbers: Float32Array | Float64Array | Int32Array | Uint16Array | Uint8Array;
  readonly scale: number;
  readonly min: number;
}

/** The numbers that the elements of a tensor stand for; those of strings and complex numbers are none. */
export function valuesOf({ spec, count }: Pick<TensorEntry, 'spec' | 'count'>, bytes: Uint8Array): Values {
  const { dtype, quantization } = spec;
  const { scale = 1, min = 0 } = quantization ?? {};
  // A copy, and so aligned.
  const { buffer } = bytes.slice();
  if (quantization?.dtype === 'float16') {
    return { numbers: Float32Array.from(new Uint16Array(buffer), half), scale, min };
  }
  if (quantization?.dtype === 'uint16') return { numbers: new Uint16Array(buffer), scale, min };
  if (quantization?.dtype === 'uint8' || dtype === 'bool')
    return { numbers: new Uint8Array(buffer), scale, min };
  if (dtype === 'int32') return { numbers: new Int32Array(buffer), scale, min };
  if (dtype === 'float32') return { numbers: new Float32Array(buffer), scale, min };
  return { numbers: new Float64Array(count).fill(Number.NaN), scale, min };
}

/** A float16. */
function half(bits: number): number {
  const fraction = bits & 1023;
  const exponent = (bits >> 10) & 31;
  const size =
    exponent === 31
      ? fraction
        ? Number.NaN
        : Number.POSITIVE_INFINITY
      : exponent
        ? (fraction + 1024) * 2 ** (exponent - 25)
        : fraction * 2 ** -24;
  return bits & 0x8000 ? -size : size;
}
