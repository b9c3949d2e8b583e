// What the TensorFlow.js converter does with --quantize_uint8 and --quantize_uint16, at any number of bits, and Brotli.
import { brotliCompressSync, constants } from 'node:zlib';
import { readWeights } from '@espalier/compress';

/** Brotli at its hardest. */
export function brotli(bytes) {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 };
  return brotliCompressSync(bytes, { params }).length;
}

/**
 * One scale and one least value for a tensor; where it holds values of both signs, the least value is moved so that 0 is
 * exact. Source: tensorflowjs/quantization.py, `_quantization_params` and `_quantize_weights_with_params`.
 */
export function quantizeUniformly(values, bits) {
  let [low, high] = [values[0] ?? 0, values[0] ?? 0];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const most = 2 ** bits - 1;
  const scale = (high - low) / most || 1;
  const min = low <= 0 && high >= 0 ? -Math.round(-low / scale) * scale : low;
  const Integers = bits > 8 ? Uint16Array : Uint8Array;
  const integers = Integers.from(values, (v) => Math.max(0, Math.min(most, Math.round((v - min) / scale))));
  return { integers, values: Float32Array.from(integers, (q) => q * scale + min) };
}

/** A model whose float tensors went through it, and what its weights and its topology take with Brotli. */
export function convertUniformly(artifacts, bits) {
  const stored = [];
  const plain = [];
  const weightSpecs = readWeights(artifacts).map(({ name, shape, dtype, values, bytes }) => {
    const quantized = dtype === 'float32' ? quantizeUniformly(values, bits) : undefined;
    stored.push(quantized ? Buffer.from(quantized.integers.buffer) : bytes);
    plain.push(Buffer.from((quantized?.values ?? bytes).buffer));
    return { name, shape, dtype };
  });
  const data = new Uint8Array(Buffer.concat(plain));
  return {
    artifacts: { ...artifacts, weightSpecs, weightData: data.buffer },
    weightBytes: brotli(Buffer.concat(stored)),
    textBytes: textBytes(artifacts),
  };
}

/** What all but the weights take as a model.json with Brotli. */
export function textBytes({ weightData: _, weightSpecs, ...rest }) {
  const manifest = [{ paths: ['group1-shard1of1.bin'], weights: weightSpecs }];
  return brotli(Buffer.from(JSON.stringify({ ...rest, weightsManifest: manifest })));
}
