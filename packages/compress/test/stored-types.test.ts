import '@tensorflow/tfjs-backend-cpu';
import { brotliCompressSync, constants } from 'node:zlib';
import { decode, type ModelArtifacts, type WeightSpec } from '@espalier/codec';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test, vi } from 'vitest';
import { compress } from '../src/index.js';
import { readWeights } from '../src/model/weights.js';
import { artifactsOf, noise, pictureNet } from './models.js';

/** A model.json and its weights, each through Brotli 11. */
function brotlied({ weightData, weightSpecs, ...rest }: ModelArtifacts): number {
  const size = (bytes: Uint8Array): number =>
    brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length;
  const text = JSON.stringify({ ...rest, weightsManifest: [{ paths: ['w.bin'], weights: weightSpecs }] });
  return size(new Uint8Array(weightData as ArrayBuffer)) + size(new TextEncoder().encode(text));
}

/** As the converter quantises: bytes and a spec for each tensor. */
function converted(
  artifacts: ModelArtifacts,
  store: (values: Float32Array) => { bytes: Uint8Array; quantization: WeightSpec['quantization'] },
): ModelArtifacts {
  const parts = readWeights(artifacts).map(({ values, spec }) => {
    const { bytes, quantization } = store(values as Float32Array);
    return { bytes, spec: { ...spec, quantization } as WeightSpec };
  });
  return {
    ...artifacts,
    weightSpecs: parts.map(({ spec }) => spec),
    weightData: new Uint8Array(parts.flatMap(({ bytes }) => [...bytes])).buffer,
  };
}

const toBytes = (values: Float32Array): { bytes: Uint8Array; quantization: WeightSpec['quantization'] } => {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const scale = (high - low) / 255 || 1;
  return {
    bytes: Uint8Array.from(values, (v) => Math.round((v - low) / scale)),
    quantization: { dtype: 'uint8', scale, min: low },
  };
};

/** Truncated to half precision, which is near enough here; no value is tiny. */
const toHalves = (values: Float32Array): { bytes: Uint8Array; quantization: WeightSpec['quantization'] } => {
  const bits = new Uint32Array(values.slice().buffer);
  const halves = Uint16Array.from(bits, (b) => {
    const exponent = ((b >>> 23) & 255) - 112;
    return exponent <= 0 ? 0 : ((b >>> 16) & 0x8000) | (exponent << 10) | ((b >>> 13) & 1023);
  });
  return { bytes: new Uint8Array(halves.buffer), quantization: { dtype: 'float16' } };
};

// The pure-JavaScript backend on a busy machine takes its time.
vi.setConfig({ testTimeout: 300_000 });

describe('weights that the converter has quantised', () => {
  test.each([
    ['uint8', 45, toBytes],
    ['uint8', 90, toBytes],
    ['float16', 45, toHalves],
    ['float16', 110, toHalves],
  ] as const)('%s at %i dB: never larger than they were with Brotli', async (type, quality, store) => {
    const { format: _, ...nameless } = converted(await artifactsOf(pictureNet()), store);
    const calibration = [noise([8, 12, 12, 3], 21)];
    const { file, fidelity, lossless, met } = await compress(nameless, {
      quality,
      calibration,
      batchSize: 2,
    });
    expect(met).toBe(true);
    expect(fidelity.psnr).toBeGreaterThanOrEqual(quality);
    expect(file.length).toBeLessThan(brotlied(nameless));
    if (quality === 45) expect(file.length).toBeLessThan((type === 'uint8' ? 0.9 : 0.6) * brotlied(nameless));
    if (lossless)
      expect(new Uint8Array(decode(file).weightData as ArrayBuffer)).toEqual(
        new Uint8Array(nameless.weightData as ArrayBuffer),
      );
    tf.dispose(calibration);
  });
});

describe('weights that are no floats', () => {
  test('int32 and bool constants come back as they were', async () => {
    const node = (name: string, op: string, input: string[], attr: object): object => ({
      name,
      op,
      input,
      attr,
    });
    const constant = (name: string, dtype: string): object =>
      node(name, 'Const', [], { dtype: { type: dtype } });
    const float = { T: { type: 'DT_FLOAT' } };
    const kernel = Float32Array.from(noise([24, 24], 3).dataSync());
    const artifacts = {
      modelTopology: {
        node: [
          node('x', 'Placeholder', [], {
            dtype: { type: 'DT_FLOAT' },
            shape: { shape: { dim: [{ size: '-1' }, { size: '24' }] } },
          }),
          constant('w', 'DT_FLOAT'),
          constant('where', 'DT_BOOL'),
          constant('axes', 'DT_INT32'),
          node('m', 'MatMul', ['x', 'w'], { ...float, transpose_a: { b: false }, transpose_b: { b: false } }),
          node('s', 'SelectV2', ['where', 'm', 'x'], float),
          node('y', 'Mean', ['s', 'axes'], { ...float, keep_dims: { b: true } }),
          node('z', 'AddV2', ['s', 'y'], float),
        ],
        versions: { producer: 1 },
      },
      weightSpecs: [
        { name: 'w', shape: [24, 24], dtype: 'float32' as const },
        { name: 'where', shape: [24], dtype: 'bool' as const },
        { name: 'axes', shape: [1], dtype: 'int32' as const },
      ],
      weightData: new Uint8Array([
        ...new Uint8Array(kernel.buffer),
        ...Array.from({ length: 24 }, (_, i) => (i % 3 === 0 ? 0 : 1)),
        ...new Uint8Array(Int32Array.of(1).buffer),
      ]).buffer,
    };
    const calibration = [noise([32, 24], 4)];
    const { artifacts: back, fidelity, tensors } = await compress(artifacts, { quality: 40, calibration });
    expect(fidelity.psnr).toBeGreaterThanOrEqual(40);
    expect(tensors.map(({ method }) => method)).toEqual([expect.not.stringMatching('kept'), 'kept', 'kept']);
    const after = new Uint8Array(back.weightData as ArrayBuffer);
    expect([...after.subarray(2304)]).toEqual([...new Uint8Array(artifacts.weightData).subarray(2304)]);
    tf.dispose(calibration);
  });
});
