import type { ModelArtifacts, WeightSpec } from '@espalier/codec';
import { EspalierError } from '@espalier/core';

/** A tensor of a model, whatever its type on disk, as numbers. */
export interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: WeightSpec['dtype'];
  /** As TF.js sees them once loaded; `undefined` for strings and complex numbers. */
  readonly values: Float32Array | Int32Array | Uint8Array | undefined;
  /** The step of its integers, where the TF.js converter has quantised it. */
  readonly scale: number | undefined;
  /** As in the artifacts. */
  readonly spec: WeightSpec;
  /** The bytes in the artifacts. */
  readonly bytes: Uint8Array;
}

const stored = {
  float32: Float32Array,
  int32: Int32Array,
  bool: Uint8Array,
  uint8: Uint8Array,
  uint16: Uint16Array,
  float16: Uint16Array,
} as const;

/** Magnitudes between which steps and their multiples are far from the ends of float32. */
const [leastMagnitude, mostMagnitude] = [1e-30, 1e30];

/** Can the values lie on steps? All are finite, and the greatest is neither huge nor tiny; other tensors are kept. */
export function fitsSteps(values: Float32Array): boolean {
  let most = 0;
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]);
    if (!(magnitude <= mostMagnitude)) return false;
    if (magnitude > most) most = magnitude;
  }
  return most === 0 || most >= leastMagnitude;
}

/** IEEE 754 half precision to a number. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1024 + fraction) * 2 ** (exponent - 25);
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Bytes of `count` strings, each behind its length (u32). */
function stringBytes(bytes: Uint8Array, start: number, count: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = start;
  for (let i = 0; i < count; i++) {
    if (at + 4 > bytes.length) return Number.POSITIVE_INFINITY;
    at += 4 + view.getUint32(at, true);
  }
  return at - start;
}

/** @throws EspalierError `bad-model` when the weights do not fill the data exactly */
export function readWeights({ weightSpecs = [], weightData }: ModelArtifacts): Weight[] {
  const data: Uint8Array = Array.isArray(weightData)
    ? concatenate(weightData.map((part) => new Uint8Array(part)))
    : new Uint8Array(weightData ?? new ArrayBuffer(0));
  let at = 0;
  const weights = weightSpecs.map((spec): Weight => {
    const { name, shape, dtype, quantization } = spec;
    const size = shape.reduce((a, b) => a * b, 1);
    const Type =
      dtype === 'string' || dtype === 'complex64' ? undefined : stored[quantization?.dtype ?? dtype];
    const length = Type
      ? size * Type.BYTES_PER_ELEMENT
      : dtype === 'string'
        ? stringBytes(data, at, size)
        : 8 * size;
    if (at + length > data.length) {
      throw new EspalierError('bad-model', `The weights end inside ${name}.`, {
        remedy: 'Is a shard missing?',
      });
    }
    const bytes = data.slice(at, at + length);
    at += length;
    const whole = { name, shape, dtype, spec, bytes };
    if (!Type) return { ...whole, values: undefined, scale: undefined };
    const raw = new Type(bytes.buffer as ArrayBuffer);
    if (!quantization) return { ...whole, values: raw as Float32Array, scale: undefined };
    const { scale = 1, min = 0 } = quantization;
    const number = quantization.dtype === 'float16' ? half : (v: number): number => v * scale + min;
    const values =
      dtype === 'int32' ? Int32Array.from(raw, (v) => Math.round(number(v))) : Float32Array.from(raw, number);
    return { ...whole, values, scale: quantization.dtype === 'float16' ? undefined : scale };
  });
  if (at !== data.length) {
    throw new EspalierError('bad-model', `There are ${data.length} bytes of weights; ${at} are described.`);
  }
  return weights;
}

/**
 * The same model with other values: tensors in `values` become plain float32, the others stay as they are stored.
 *
 * @param weights - All of the model's, as `readWeights` gives them.
 * @param values - By name, as many as the tensor has.
 *
 * @example
 * ```ts
 * import { readWeights, withValues } from '@espalier/compress';
 * const weightSpecs = [{ name: 'w', shape: [2], dtype: 'float32' as const }];
 * const model = { weightSpecs, weightData: Float32Array.of(1, 2).buffer };
 * const other = withValues(model, readWeights(model), new Map([['w', Float32Array.of(3, 4)]]));
 * if (readWeights(other)[0].values?.join() !== '3,4') throw new Error('not the other values');
 * ```
 */
export function withValues(
  artifacts: ModelArtifacts,
  weights: readonly Weight[],
  values: ReadonlyMap<string, Float32Array>,
): ModelArtifacts {
  const data = concatenate(
    weights.map(({ name, bytes }) => {
      const own = values.get(name);
      return own ? new Uint8Array(own.buffer, own.byteOffset, own.byteLength) : bytes;
    }),
  );
  const weightSpecs = weights.map(({ name, spec }) => {
    if (!values.has(name)) return spec;
    const { quantization: _, ...plain } = spec;
    return plain;
  });
  return { ...artifacts, weightSpecs, weightData: data.buffer };
}
