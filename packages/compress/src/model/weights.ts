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

const dataOf = ({ weightData }: ModelArtifacts): Uint8Array =>
  Array.isArray(weightData)
    ? concatenate(weightData.map((part) => new Uint8Array(part)))
    : new Uint8Array(weightData ?? new ArrayBuffer(0));

/** How the numbers of a tensor are stored; undefined for strings and complex numbers. */
function typeOf({ dtype, quantization }: WeightSpec): (typeof stored)[keyof typeof stored] | undefined {
  const name = dtype === 'string' || dtype === 'complex64' ? dtype : (quantization?.dtype ?? dtype);
  return Object.hasOwn(stored, name) ? stored[name as keyof typeof stored] : undefined;
}

/** Bytes that each tensor takes of the data. @throws EspalierError `bad-model` when they do not fill it exactly */
function lengthsOf(weightSpecs: readonly WeightSpec[], data: Uint8Array): number[] {
  let at = 0;
  const lengths = weightSpecs.map((spec) => {
    const { name, shape, dtype, quantization } = spec;
    const size = shape.reduce((a, b) => a * b, 1);
    if (!shape.every((n) => Number.isInteger(n) && n >= 0) || !Number.isSafeInteger(8 * size)) {
      throw new EspalierError('bad-model', `${name} has the shape [${shape}].`, {
        remedy: 'Sizes are whole numbers, and their product is how many elements there are.',
      });
    }
    const Type = typeOf(spec);
    if (!Type && dtype !== 'string' && dtype !== 'complex64') {
      throw new EspalierError('bad-model', `${name} has the type '${quantization?.dtype ?? dtype}'.`, {
        remedy: `Known are ${Object.keys(stored).join(', ')}, string and complex64.`,
      });
    }
    const other = dtype === 'string' ? stringBytes(data, at, size) : 8 * size;
    const length = Type ? size * Type.BYTES_PER_ELEMENT : other;
    at += length;
    if (at > data.length) {
      throw new EspalierError('bad-model', `The weights end inside ${name}.`, {
        remedy: 'Is a shard missing?',
      });
    }
    return length;
  });
  if (at !== data.length) {
    throw new EspalierError('bad-model', `There are ${data.length} bytes of weights; ${at} are described.`);
  }
  return lengths;
}

/**
 * TensorFlow.js believes what is said about weights, and counts to 2^40 if that is their number.
 *
 * @throws EspalierError `bad-model` when the weights do not fill the data exactly
 */
export function checkWeights(artifacts: ModelArtifacts): void {
  lengthsOf(artifacts.weightSpecs ?? [], dataOf(artifacts));
}

/**
 * The tensors of a model, each with its numbers.
 *
 * @throws EspalierError `bad-model` when the weights do not fill the data exactly
 */
export function readWeights(artifacts: ModelArtifacts): Weight[] {
  const data = dataOf(artifacts);
  const { weightSpecs = [] } = artifacts;
  const lengths = lengthsOf(weightSpecs, data);
  let at = 0;
  return weightSpecs.map((spec, i): Weight => {
    const { name, shape, dtype, quantization } = spec;
    const Type = typeOf(spec);
    const bytes = data.slice(at, at + lengths[i]);
    at += lengths[i];
    const whole = { name, shape, dtype, spec, bytes };
    if (!Type) return { ...whole, values: undefined, scale: undefined };
    const raw = new Type(bytes.buffer as ArrayBuffer);
    if (!quantization) return { ...whole, values: raw as Float32Array, scale: undefined };
    const { scale = 1, min = 0 } = quantization;
    const number = quantization.dtype === 'float16' ? half : (v: number): number => v * scale + min;
    const whole32 = dtype === 'int32';
    const values = whole32 ? new Int32Array(raw.length) : new Float32Array(raw.length);
    // Typed arrays' own `from` takes ten times as long.
    for (let i = 0; i < raw.length; i++) values[i] = whole32 ? Math.round(number(raw[i])) : number(raw[i]);
    return { ...whole, values, scale: quantization.dtype === 'float16' ? undefined : scale };
  });
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
