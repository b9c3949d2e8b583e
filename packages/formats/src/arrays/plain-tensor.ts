import type { ModelArtifacts, WeightSpec } from '@espalier/codec';
import { readWeights, type Weight } from '@espalier/compress';
import { EspalierError } from '@espalier/core';

/** Bytes of an element, by type, for all types that are read. */
export const elementBytes = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  uint64: 8,
  int32: 4,
  uint32: 4,
  int16: 2,
  uint16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
} as const;

/** What a number of a tensor is, as NumPy and safetensors have them. */
export type ElementType = keyof typeof elementBytes;

/** A tensor as other programs' files hold it. */
export interface PlainTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly type: ElementType;
  /** Row-major, little-endian. */
  readonly bytes: Uint8Array;
}

type Numbers = NonNullable<Weight['values']>;

/** Number of elements. */
export const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** The bytes of a typed array. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** Parts one behind the other, in a buffer of their own. */
export function concatenated(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Elements of `width` bytes, each the other way round: big-endian to little-endian. */
export function reversed(bytes: Uint8Array, width: number): Uint8Array {
  const out = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += width) {
    for (let i = 0; i < width; i++) out[at + i] = bytes[at + width - 1 - i];
  }
  return out;
}

/** What TF.js has no type for is stored as the integers or halves that it is, and described as the converter would. */
const small: Partial<Record<ElementType, Pick<WeightSpec, 'dtype' | 'quantization'>>> = {
  float16: { dtype: 'float32', quantization: { dtype: 'float16' } },
  uint16: { dtype: 'int32', quantization: { dtype: 'uint16', scale: 1, min: 0 } },
  uint8: { dtype: 'int32', quantization: { dtype: 'uint8', scale: 1, min: 0 } },
};

/** Rounded to the nearest; what lies beyond float32 would be infinite. @throws EspalierError `bad-data` */
function float32(name: string, values: Float64Array): Float32Array {
  const rounded = Float32Array.from(values);
  const beyond = rounded.findIndex((value, i) => Math.abs(value) === Infinity && Number.isFinite(values[i]));
  if (beyond < 0) return rounded;
  throw new EspalierError(
    'bad-data',
    `${name} holds ${values[beyond]}: TensorFlow.js has floats of 32 bits.`,
    {
      remedy: 'Scale it down to 3.4e38 at most, or leave it out.',
    },
  );
}

/** The numbers of a tensor in a type of TF.js: 64-bit ones become 32-bit ones, other integers int32. */
function widen({ name, type, bytes }: PlainTensor): Numbers {
  const width = elementBytes[type];
  // A view where the bytes lie on a multiple of the width, as in most files; else a copy.
  const { buffer, byteOffset } = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  const length = bytes.length / width;
  const int32 = (values: ArrayLike<number | bigint>): Int32Array => {
    const out = new Int32Array(length);
    for (let i = 0; i < length; i++) {
      out[i] = Number(values[i]);
      if (out[i] !== Number(values[i])) {
        throw new EspalierError(
          'bad-data',
          `${name} holds ${values[i]}: TensorFlow.js has integers of 32 bits.`,
          { remedy: 'Save it as floats, or leave it out.' },
        );
      }
    }
    return out;
  };
  switch (type) {
    case 'float64':
      return float32(name, new Float64Array(buffer, byteOffset, length));
    case 'bfloat16': {
      // The upper half of a float32.
      const halves = new Uint16Array(buffer, byteOffset, length);
      return new Float32Array(Uint32Array.from(halves, (half) => half << 16).buffer);
    }
    case 'int64':
      return int32(new BigInt64Array(buffer, byteOffset, length));
    case 'uint64':
      return int32(new BigUint64Array(buffer, byteOffset, length));
    case 'uint32':
      return int32(new Uint32Array(buffer, byteOffset, length));
    case 'int16':
      return Int32Array.from(new Int16Array(buffer, byteOffset, length));
    case 'int8':
      return Int32Array.from(new Int8Array(buffer, byteOffset, length));
    case 'int32':
      return new Int32Array(buffer, byteOffset, length);
    case 'bool':
      // Other programs may write any byte but 0 for true.
      return Uint8Array.from(bytes, (byte) => (byte === 0 ? 0 : 1));
    case 'float32':
      return new Float32Array(buffer, byteOffset, length);
    default:
      return bytes as Uint8Array;
  }
}

function dtypeOf(type: ElementType): WeightSpec['dtype'] {
  return type === 'bool' ? 'bool' : type.includes('float') ? 'float32' : 'int32';
}

/** Tensors as artifacts without a topology. @throws EspalierError `bad-data` for integers beyond 32 bits */
export function artifactsOfTensors(tensors: readonly PlainTensor[]): ModelArtifacts {
  const parts = tensors.map((tensor) => (small[tensor.type] ? tensor.bytes : bytesOf(widen(tensor))));
  const weightData = concatenated(parts);
  const weightSpecs = tensors.map(({ name, shape, type }) => ({
    name,
    shape: [...shape],
    ...(small[type] ?? { dtype: dtypeOf(type) }),
  }));
  return { weightSpecs, weightData: weightData.buffer };
}

/** The numbers of a tensor, as TF.js would see them; uint8 stays what it is. Copies only where it has to. */
export function numbersOf(tensor: PlainTensor): Numbers {
  if (tensor.type !== 'float16' && tensor.type !== 'uint16') return widen(tensor);
  return readWeights(artifactsOfTensors([tensor]))[0].values as Numbers;
}

/**
 * Artifacts as tensors for other programs: those that the TF.js converter has quantised as their numbers, halves and
 * small integers as they are.
 *
 * @throws EspalierError `bad-model` for strings and complex numbers, which array files do not hold
 */
export function tensorsOfArtifacts(artifacts: ModelArtifacts): PlainTensor[] {
  return readWeights(artifacts).map(({ name, shape, dtype, spec: { quantization }, bytes, values }) => {
    if (values === undefined) {
      throw new EspalierError('bad-model', `${name} holds ${dtype}, which files of plain arrays do not.`, {
        remedy: 'Unpack to a folder with a model.json.',
      });
    }
    const plain = quantization?.dtype === 'float16' || (quantization?.scale === 1 && quantization.min === 0);
    if (plain && (dtype === 'int32' || quantization?.dtype === 'float16')) {
      return { name, shape, type: quantization?.dtype as ElementType, bytes };
    }
    return { name, shape, type: dtype as ElementType, bytes: bytesOf(values) };
  });
}
