import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { WeightSpec } from '../src/artifacts.js';
import { type StoredTensor, writeFile } from '../src/container/header-write.js';
import { encode, inspect, verify } from '../src/index.js';
import { encodeText } from '../src/text/encode.js';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A file of three booleans, with metadata as one likes. */
function fileOf(meta: object): Uint8Array {
  const tensor: StoredTensor = {
    spec: { name: 'w', shape: [3], dtype: 'bool' },
    storage: 2,
    elements: 3,
    codec: 'raw',
    payloads: [Uint8Array.of(1, 0, 1)],
  };
  return writeFile([tensor], encodeText(utf8(JSON.stringify([meta, 'w']))));
}

describe('what a file is said to hold', () => {
  test('is what there is, and nothing else', () => {
    expect(Object.keys(inspect(fileOf({})))).toEqual([
      ...['version', 'fileBytes', 'headerBytes', 'tableBytes', 'textBytes', 'decodedBytes', 'tensors'],
    ]);
    expect(inspect(fileOf({ format: 5 }))).not.toHaveProperty('format');
    expect(inspect(fileOf({ format: 'x', license: 'MIT', sha256: 'ab' }))).toMatchObject({
      format: 'x',
      license: 'MIT',
      sha256: 'ab',
    });
  });

  test.each(['license', 'sha256'])('%s is a text: rule 24', (key) => {
    for (const value of [5, null, ['MIT']])
      expect(() => inspect(fileOf({ [key]: value }))).toThrow('broken rule 24 ');
  });

  test('of each tensor: how many values it has, how it was quantised, what it takes', () => {
    const floats = Float32Array.from({ length: 40 }, (_, i) => ((i * 7) % 4) / 4 - 0.25);
    const different = new Set(floats).size;
    const bytes = Uint8Array.from({ length: 12 }, (_, i) => (i % 3) + 4);
    const complex = new Uint8Array(16).map((_, i) => i * 37);
    const weightSpecs: WeightSpec[] = [
      { name: 'levels', shape: [40], dtype: 'float32' },
      { name: 'zero', shape: [2], dtype: 'bool' },
      { name: 'constant', shape: [3], dtype: 'bool' },
      {
        name: 'quantized',
        shape: [12],
        dtype: 'float32',
        quantization: { dtype: 'uint8', min: 0, scale: 1 },
      },
      { name: 'complex', shape: [2], dtype: 'complex64' },
    ];
    const weightData = Uint8Array.of(
      ...new Uint8Array(floats.buffer),
      ...[0, 0, 1, 1, 1],
      ...bytes,
      ...complex,
    );
    const file = encode({ weightSpecs, weightData: weightData.buffer }, { codecs: ['rans'] });
    const { tensors, headerBytes } = inspect(file);
    const [levels, zero, constant, quantized, raw] = tensors;
    expect(different).toBe(4);
    expect(levels).toMatchObject({ codec: 'rans', distinct: different, tiles: 1, decodedBytes: 160 });
    expect(levels).not.toHaveProperty('quantization');
    expect(levels).not.toHaveProperty('predicted');
    expect(zero).toMatchObject({ codec: 'zero', distinct: 1, tiles: 0, storedBytes: 0 });
    expect(constant).toMatchObject({ codec: 'constant', distinct: 1, elements: 3 });
    expect(quantized).toMatchObject({ quantization: 'uint8', elements: 12, decodedBytes: 12 });
    expect(raw).toEqual({
      ...{ name: 'complex', shape: [2], dtype: 'complex64', elements: 2, codec: 'raw', tiles: 1 },
      ...{ storedBytes: 16, decodedBytes: 16 },
    });
    expect(raw).not.toHaveProperty('distinct');
    expect(tensors.reduce((sum, { storedBytes }) => sum + storedBytes, headerBytes)).toBe(file.length);
  });
});

describe('a file is verified', () => {
  test('by its checksums and, where there is one, by the SHA-256 of its payloads', async () => {
    const right = createHash('sha256')
      .update(Uint8Array.of(1, 0, 1))
      .digest('hex');
    expect(await verify(fileOf({ sha256: right }))).toBe(true);
    expect(await verify(fileOf({}))).toBe(false);
    const wrong = createHash('sha256')
      .update(Uint8Array.of(1, 0, 2))
      .digest('hex');
    await expect(verify(fileOf({ sha256: wrong }))).rejects.toMatchObject({ code: 'checksum' });
    for (const meta of [
      {},
      {
        sha256: createHash('sha256')
          .update(Uint8Array.of(1, 0, 0))
          .digest('hex'),
      },
    ]) {
      const damaged = fileOf(meta);
      damaged[damaged.length - 1] = 0;
      await expect(verify(damaged)).rejects.toMatchObject({ code: 'checksum' });
    }
    await expect(verify(fileOf({}), { elements: 2 })).rejects.toMatchObject({ code: 'limit' });
  });
});
