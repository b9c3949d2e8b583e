import type { ModelArtifacts } from '@espalier/codec';

/** One weight tensor of artifacts as numbers. */
export interface NamedValues {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array | Uint8Array;
}

const types = {
  float32: Float32Array,
  int32: Int32Array,
  bool: Uint8Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
} as const;

function joined(data: ModelArtifacts['weightData']): Uint8Array {
  if (!Array.isArray(data)) return new Uint8Array(data ?? 0);
  const whole = new Uint8Array(data.reduce((sum, part) => sum + part.byteLength, 0));
  let offset = 0;
  for (const part of data) {
    whole.set(new Uint8Array(part), offset);
    offset += part.byteLength;
  }
  return whole;
}

/**
 * The numeric tensors of artifacts, in their order. Tensors that the TF.js converter has quantised to uint8 or
 * uint16 come back as their numbers; float16 and strings are left out.
 */
export function tensorsOf({ weightSpecs = [], weightData }: ModelArtifacts): NamedValues[] {
  const bytes = joined(weightData);
  const found: NamedValues[] = [];
  let offset = 0;
  for (const { name, shape, dtype, quantization } of weightSpecs) {
    const size = shape.reduce((a, b) => a * b, 1);
    if (dtype === 'string' || dtype === 'complex64' || quantization?.dtype === 'float16') {
      offset += dtype === 'complex64' ? 8 * size : 2 * size;
      if (dtype === 'string') return found;
      continue;
    }
    const Type = types[quantization?.dtype ?? dtype];
    const length = size * Type.BYTES_PER_ELEMENT;
    const raw = new Type(bytes.slice(offset, offset + length).buffer);
    offset += length;
    const { scale = 1, min = 0 } = quantization ?? {};
    const values = quantization ? Float32Array.from(raw, (v) => v * scale + min) : raw;
    found.push({ name, shape, values: values as Float32Array });
  }
  return found;
}

/** How many values are not 0, and how many different ones there are (up to a limit). */
export function census(values: ArrayLike<number>): { nonzero: number; distinct: number } {
  const seen = new Set<number>();
  let nonzero = 0;
  for (let i = 0; i < values.length; i++) {
    if (values[i] !== 0) nonzero++;
    seen.add(values[i]);
  }
  return { nonzero, distinct: seen.size };
}
