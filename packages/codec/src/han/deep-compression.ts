import { fail } from '../errors.js';
import { fromRelative, type IndexedTensor, toRelative } from './indexed.js';

/** A layer of the file: its weights and biases, and how wide an index into its codebook is. */
export interface DeepCompressionLayer extends IndexedTensor {
  bias: Float32Array;
  /** 8 for convolutions, 4 for dense layers in Han's AlexNet. */
  valueBits: 4 | 8;
}

/** What a reader must know beforehand, for the file does not say it. */
export interface LayerShape {
  /** Number of weights. */
  size: number;
  biases: number;
  valueBits: 4 | 8;
}

const GAP_BITS = 4;

/**
 * Writes the file of Han's Deep-Compression-AlexNet: `uint32 entries[layers]`, then for each layer
 * `float32 codebook[2^valueBits]`, `float32 bias[]`, the values, and 4-bit gaps, the lower half of a byte
 * first. An odd number of 4-bit entries, which the original cannot read back, gets one more filler when there is
 * room for it, or a half byte of zero.
 *
 * @throws EspError 'input' when a codebook does not fit its index width.
 *
 * @example
 * ```ts
 * import { readDeepCompression, writeDeepCompression } from '@espalier/codec/han';
 * const layer = {
 *   indices: Uint8Array.of(0, 2, 0, 1),
 *   codebook: Float32Array.of(0, 0.5, -0.5),
 *   bias: Float32Array.of(0.25),
 *   valueBits: 4,
 * } as const;
 * const [read] = readDeepCompression(writeDeepCompression([layer]), [{ size: 4, biases: 1, valueBits: 4 }]);
 * if (read.indices.join() !== '0,2,0,1' || read.bias[0] !== 0.25) throw new Error('unexpected');
 * ```
 */
export function writeDeepCompression(layers: readonly DeepCompressionLayer[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const counts = new Uint32Array(layers.length);
  layers.forEach((layer, i) => {
    const { gaps, values } = toRelative(layer.indices, GAP_BITS);
    const codebook = new Float32Array(2 ** layer.valueBits);
    if (layer.codebook.length > codebook.length) {
      fail('input', `layer ${i} has ${layer.codebook.length} values, too many for ${layer.valueBits} bits`);
    }
    codebook.set(layer.codebook);
    counts[i] = gaps.length;
    parts.push(littleEndian(codebook), littleEndian(layer.bias));
    parts.push(layer.valueBits === 8 ? values : nibbles(values), nibbles(gaps));
  });
  return join([littleEndian(counts), ...parts]);
}

/**
 * Reads what {@link writeDeepCompression} or Han's own tool wrote.
 *
 * @throws EspError 'length' or 'payload' when the file does not fit the layers.
 */
export function readDeepCompression(
  bytes: Uint8Array,
  shapes: readonly LayerShape[],
): DeepCompressionLayer[] {
  let position = 0;
  const take = (count: number): Uint8Array => {
    if (count > bytes.length - position) fail('length', 'the file ends inside a layer');
    position += count;
    return bytes.slice(position - count, position);
  };
  const counts = words(take(4 * shapes.length));
  const layers = shapes.map(({ size, biases, valueBits }, i): DeepCompressionLayer => {
    const count = counts.getUint32(4 * i, true);
    const codebook = floats(take(4 * 2 ** valueBits));
    const bias = floats(take(4 * biases));
    const values = valueBits === 8 ? take(count) : fromNibbles(take(Math.ceil(count / 2)), count);
    const gaps = fromNibbles(take(Math.ceil(count / 2)), count);
    return { indices: fromRelative({ gaps, values }, size), codebook, bias, valueBits };
  });
  if (position !== bytes.length) fail('length', 'the file is longer than its layers');
  return layers;
}

function nibbles(values: Uint8Array): Uint8Array {
  const out = new Uint8Array(Math.ceil(values.length / 2));
  for (let i = 0; i < values.length; i++) out[i >> 1] |= values[i] << (4 * (i & 1));
  return out;
}

function fromNibbles(bytes: Uint8Array, count: number): Uint8Array {
  const out = new Uint8Array(count);
  for (let i = 0; i < count; i++) out[i] = (bytes[i >> 1] >> (4 * (i & 1))) & 15;
  return out;
}

function words(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function floats(bytes: Uint8Array): Float32Array {
  const view = words(bytes);
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(4 * i, true));
}

function littleEndian(values: Float32Array | Uint32Array): Uint8Array {
  const out = new Uint8Array(4 * values.length);
  const view = words(out);
  values.forEach((value, i) => {
    if (values instanceof Float32Array) view.setFloat32(4 * i, value, true);
    else view.setUint32(4 * i, value, true);
  });
  return out;
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, part) => n + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
