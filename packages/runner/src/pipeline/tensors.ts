import type { ModelArtifacts } from '@espalier/codec';

type Values = Float32Array | Int32Array | Uint8Array;

/** One weight tensor of artifacts as numbers. */
export interface NamedValues {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Values;
}

const types = {
  float32: Float32Array,
  int32: Int32Array,
  bool: Uint8Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  float16: Uint16Array,
} as const;

function joined(data: ModelArtifacts['weightData']): Uint8Array {
  if (!Array.isArray(data)) return new Uint8Array(data ?? new ArrayBuffer(0));
  const whole = new Uint8Array(data.reduce((sum, part) => sum + part.byteLength, 0));
  let offset = 0;
  for (const part of data) {
    whole.set(new Uint8Array(part), offset);
    offset += part.byteLength;
  }
  return whole;
}

/** IEEE 754 half precision to a number. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

/** Bytes of `size` strings, each behind its length (u32). */
function stringBytes(bytes: Uint8Array, offset: number, size: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let at = offset;
  for (let i = 0; i < size; i++) at += 4 + view.getUint32(at, true);
  return at - offset;
}

/**
 * The numeric tensors of artifacts, in their order; those that the TF.js converter has quantised come back as
 * their numbers. Strings and complex numbers are left out.
 */
export function tensorsOf({ weightSpecs = [], weightData }: ModelArtifacts): NamedValues[] {
  const bytes = joined(weightData);
  const found: NamedValues[] = [];
  let offset = 0;
  for (const { name, shape, dtype, quantization } of weightSpecs) {
    const size = shape.reduce((a, b) => a * b, 1);
    if (dtype === 'string' || dtype === 'complex64') {
      offset += dtype === 'string' ? stringBytes(bytes, offset, size) : 8 * size;
      continue;
    }
    const Type = types[quantization?.dtype ?? dtype];
    const length = size * Type.BYTES_PER_ELEMENT;
    const raw = new Type(bytes.slice(offset, offset + length).buffer as ArrayBuffer);
    offset += length;
    const { scale = 1, min = 0 } = quantization ?? {};
    const toNumber = quantization?.dtype === 'float16' ? half : (v: number): number => v * scale + min;
    found.push({ name, shape, values: quantization ? Float32Array.from(raw, toNumber) : (raw as Values) });
  }
  return found;
}

/** How many values are not 0, and how many different ones there are. */
export function census(values: ArrayLike<number>): { nonzero: number; distinct: number } {
  const seen = new Set<number>();
  let nonzero = 0;
  for (let i = 0; i < values.length; i++) {
    if (values[i] !== 0) nonzero++;
    seen.add(values[i]);
  }
  return { nonzero, distinct: seen.size };
}
