import '@tensorflow/tfjs-backend-cpu';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, type ModelArtifacts } from '@espalier/codec';
import { readWeights } from '@espalier/compress';
import { artifactsOfTensors, bytesOf, readArtifacts, safetensorsBytes, writeNpy } from '@espalier/formats';
import { describe, expect, it } from 'vitest';
import { kernel, layer, writeKeras } from '../../formats/test/keras-fixtures.js';
import compress from '../src/commands/compress.js';
import unpack from '../src/commands/unpack.js';
import { writePlain } from '../src/pipeline/plain.js';
import { folder } from './fixtures.js';
import { printed } from './printed.js';

const wave = (size: number, seed: number): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => Math.sin(seed + i * i * 0.37) * 0.2);

interface Summary {
  readonly bytes: number;
  readonly weightBytes: number;
  readonly snr?: number;
  readonly fidelity?: { psnr: number; agreement?: number };
  readonly tensors: readonly { name: string; method: string }[];
}

async function compressed(from: string, ...rest: string[]): Promise<{ summary: Summary; esp: string }> {
  const esp = join(folder(), 'out.esp');
  const text = await printed(compress, [from, '-o', esp, '--backend', 'cpu', '--json', ...rest]);
  const summary = JSON.parse(text) as Summary;
  expect(summary.bytes).toBe(statSync(esp).size);
  return { summary, esp };
}

/** 10 log10 of the signal over the noise. */
function snr(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [signal, noise] = [0, 1].map((k) =>
    Array.from(a).reduce((sum, v, i) => sum + (k === 0 ? v : v - b[i]) ** 2, 0),
  );
  return 10 * Math.log10(signal / noise);
}

describe('espalier compress', () => {
  it('takes a folder of .npy; unpack gives it back at the ratio that was asked for', async () => {
    const dir = folder();
    mkdirSync(join(dir, 'block'));
    const [conv, fc] = [wave(27 * 40, 1), wave(120 * 50, 2)];
    writeFileSync(join(dir, 'block', 'conv.npy'), writeNpy([3, 9, 40], conv));
    writeFileSync(join(dir, 'fc.npy'), writeNpy([120, 50], fc));
    writeFileSync(join(dir, 'bias.npy'), writeNpy([50], wave(50, 3)));
    const { summary, esp } = await compressed(dir, '--quality', '32');
    expect(summary.snr).toBeGreaterThanOrEqual(32);
    expect(summary.weightBytes).toBe(4 * (conv.length + fc.length + 50));
    expect(summary.bytes).toBeLessThan(summary.weightBytes / 4.5);
    const out = join(dir, 'out');
    await printed(unpack, [esp, '-o', out]);
    expect(readFileSync(join(out, 'bias.npy')).equals(readFileSync(join(dir, 'bias.npy')))).toBe(true);
    for (const [name, values] of [
      [join('block', 'conv'), conv],
      ['fc', fc],
    ] as const) {
      const { artifacts } = await readArtifacts(join(out, `${name}.npy`));
      expect(snr(values, new Float32Array(artifacts.weightData as ArrayBuffer))).toBeGreaterThan(31.5);
    }
    await expect(compressed(dir, '--calibrate', 'photos')).rejects.toThrow('--calibrate has no use');
    await expect(compressed(dir, '--validate', 'photos')).rejects.toThrow('no model to run');
  });

  it('takes .safetensors, of halves and integers too', async () => {
    const values = wave(90 * 40, 4);
    const artifacts = artifactsOfTensors([
      { name: 'a.weight', type: 'float32', shape: [90, 40], bytes: bytesOf(values) },
      { name: 'half', type: 'float16', shape: [2], bytes: bytesOf(Uint16Array.of(0x3c00, 0x4000)) },
      { name: 'steps', type: 'int64', shape: [], bytes: bytesOf(BigInt64Array.of(12345n)) },
    ]);
    const file = join(folder(), 'x.safetensors');
    writeFileSync(file, safetensorsBytes(artifacts));
    const { summary, esp } = await compressed(file, '--size', '2kB');
    expect(summary.bytes).toBeLessThanOrEqual(2000);
    const [a, half, steps] = readWeights(decode(readFileSync(esp)));
    expect(snr(values, a.values as Float32Array)).toBeCloseTo(summary.snr as number, 6);
    expect([...(half.values as Float32Array), ...(steps.values as Int32Array)]).toEqual([1, 2, 12345]);
  });

  it('takes a Keras .h5 and measures what the model gives', async () => {
    const file = join(folder(), 'model.h5');
    const weight = (name: string, shape: number[], seed: number) => ({
      name,
      shape,
      values: wave(
        shape.reduce((x, y) => x * y),
        seed,
      ),
    });
    await writeKeras(file, {
      version: '2.12.0',
      config: {
        class_name: 'Sequential',
        config: {
          name: 'sequential',
          layers: [
            layer('InputLayer', { batch_input_shape: [null, 24], name: 'dense_input' }),
            layer('Dense', { ...kernel, name: 'dense', units: 32, activation: 'relu' }),
            layer('Dense', { ...kernel, name: 'dense_1', units: 6, activation: 'softmax' }),
          ],
        },
      },
      layers: {
        dense: [weight('dense/kernel:0', [24, 32], 1), weight('dense/bias:0', [32], 2)],
        dense_1: [weight('dense_1/kernel:0', [32, 6], 3), weight('dense_1/bias:0', [6], 4)],
      },
    });
    const { summary, esp } = await compressed(file, '--quality', '40');
    expect(summary.fidelity?.psnr).toBeGreaterThanOrEqual(40);
    expect(summary.fidelity?.agreement).toBeGreaterThan(0.9);
    const { artifacts } = await readArtifacts(esp);
    expect(artifacts.generatedBy).toBe('keras v2.12.0');
    expect(artifacts.weightSpecs?.map(({ name }) => name)).toEqual([
      'dense/kernel',
      'dense/bias',
      'dense_1/kernel',
      'dense_1/bias',
    ]);
  });

  it('takes a graph without `format`, with the same weights under two names, int32 and bool', async () => {
    const constant = (name: string, dtype: string) => ({
      name,
      op: 'Const',
      attr: { dtype: { type: dtype } },
    });
    const op = (name: string, type: string, input: string[], attr: object = {}) => ({
      name,
      op: type,
      input,
      attr,
    });
    const plain = { transpose_a: { b: false }, transpose_b: { b: false } };
    const weights = wave(32 * 32, 7);
    const tensors = [
      { name: 'w1', shape: [32, 32], dtype: 'float32' as const, bytes: bytesOf(weights) },
      { name: 'w2', shape: [32, 32], dtype: 'float32' as const, bytes: bytesOf(weights) },
      { name: 'shape', shape: [3], dtype: 'int32' as const, bytes: bytesOf(Int32Array.of(-1, 4, 8)) },
      {
        name: 'mask',
        shape: [4, 8],
        dtype: 'bool' as const,
        bytes: Uint8Array.from({ length: 32 }, (_, i) => i & 1),
      },
      { name: 'zeros', shape: [4, 8], dtype: 'float32' as const, bytes: new Uint8Array(128) },
    ];
    const artifacts: ModelArtifacts = {
      modelTopology: {
        node: [
          op('x', 'Placeholder', [], {
            dtype: { type: 'DT_FLOAT' },
            shape: { shape: { dim: [{ size: '-1' }, { size: '32' }] } },
          }),
          constant('w1', 'DT_FLOAT'),
          constant('w2', 'DT_FLOAT'),
          constant('shape', 'DT_INT32'),
          constant('mask', 'DT_BOOL'),
          constant('zeros', 'DT_FLOAT'),
          op('a', 'MatMul', ['x', 'w1'], plain),
          op('b', 'MatMul', ['a', 'w2'], plain),
          op('c', 'Reshape', ['b', 'shape']),
          op('y', 'SelectV2', ['mask', 'c', 'zeros']),
        ],
        versions: { producer: 440 },
      },
      weightSpecs: tensors.map(({ bytes: _, ...spec }) => spec),
      weightData: Uint8Array.from(tensors.flatMap(({ bytes }) => [...bytes])).buffer,
    };
    const dir = folder();
    await writePlain(dir, artifacts);
    expect(JSON.parse(readFileSync(join(dir, 'model.json'), 'utf8'))).not.toHaveProperty('format');
    const { summary, esp } = await compressed(dir, '--quality', '45');
    expect(summary.fidelity?.psnr).toBeGreaterThanOrEqual(45);
    const [w1, w2, shape, mask] = readWeights(decode(readFileSync(esp)));
    // Both names have the same values, and the file has them once: 1,024 weights of some 8 bits.
    expect(w2.values).toEqual(w1.values);
    expect(summary.bytes).toBeLessThan(1900);
    expect([shape.dtype, ...(shape.values as Int32Array)]).toEqual(['int32', -1, 4, 8]);
    expect(mask.dtype).toBe('bool');
    expect(mask.bytes).toEqual(tensors[3].bytes);
  });
});
