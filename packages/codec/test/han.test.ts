import { describe, expect, it } from 'vitest';
import {
  expandTensor,
  fromRelative,
  indexTensor,
  packPaper,
  readDeepCompression,
  readPng,
  toRelative,
  unpackPaper,
  writeDeepCompression,
  writePng,
} from '../src/han/index.js';
import { levelCases } from './fixtures.js';

const cases = levelCases().map(({ layer, net, levels, shape }) => ({
  layer,
  net,
  shape,
  ...indexTensor(Float32Array.from(levels, (level) => level * 0.125)),
}));

describe('relative indices', () => {
  it('put fillers where a gap does not fit, the case the notebook left out', () => {
    const indices = new Uint8Array(40);
    indices[35] = 7;
    // Zeros 0-14 and the filler at 15, 16-30 and the filler at 31, 32-34 and the weight.
    expect(toRelative(indices, 4)).toEqual({
      gaps: Uint8Array.of(15, 15, 3),
      values: Uint8Array.of(0, 0, 7),
    });
    for (const bits of [3, 4, 5, 6, 7, 8])
      expect(fromRelative(toRelative(indices, bits), 40)).toEqual(indices);
    expect(() => toRelative(indices, 9)).toThrow(/3 to 8/);
    expect(() => fromRelative({ gaps: Uint8Array.of(9), values: Uint8Array.of(1) }, 5)).toThrow(
      /past the end/,
    );
  });
});

describe("the paper's format", () => {
  it('comes back, and costs what was published for these nets (23,958 and 10,485 bytes, within 1 %)', () => {
    const total: Record<string, number> = {};
    for (const { net, layer, indices } of cases) {
      const packed = packPaper(indices, layer.startsWith('conv') ? 8 : 5);
      expect(Buffer.compare(unpackPaper(packed, indices.length), indices)).toBe(0);
      total[net] = (total[net] ?? 0) + packed.length;
    }
    expect(Math.abs(total['lenet-300-100-92'] / 23958 - 1)).toBeLessThan(0.01);
    expect(Math.abs(total['lenet-5-99'] / 10485 - 1)).toBeLessThan(0.01);
  });

  it('refuses damaged bytes with a typed error', () => {
    const packed = packPaper(cases[2].indices, 5);
    for (let i = 0; i < packed.length; i++) {
      const bad = packed.slice();
      bad[i] ^= 0x55;
      try {
        unpackPaper(bad, cases[2].indices.length);
      } catch (error) {
        expect(error).toMatchObject({ name: 'EspError' });
      }
      expect(() => unpackPaper(packed.slice(0, i), cases[2].indices.length)).toThrow();
    }
  });
});

describe("Han's file", () => {
  it('comes back with 4-bit and 8-bit values and odd counts', () => {
    const layers = cases.map(({ indices, codebook }, i) => ({
      indices,
      codebook,
      bias: Float32Array.of(i, -i),
      valueBits: codebook.length <= 16 ? (4 as const) : (8 as const),
    }));
    const bytes = writeDeepCompression(layers);
    const shapes = layers.map(({ indices, valueBits }) => ({ size: indices.length, biases: 2, valueBits }));
    const back = readDeepCompression(bytes, shapes);
    back.forEach((layer, i) => {
      expect(Buffer.compare(layer.indices, layers[i].indices)).toBe(0);
      expect(layer.bias).toEqual(layers[i].bias);
      expect(layer.codebook.subarray(0, layers[i].codebook.length)).toEqual(layers[i].codebook);
    });
    expect(() => readDeepCompression(bytes.slice(0, -1), shapes)).toThrow(/ends inside/);
    expect(() => writeDeepCompression([{ ...layers[0], valueBits: 4 }])).toThrow(/too many for 4 bits/);
  });
});

describe('the PNG export', () => {
  it('comes back at 4 and 8 bits, and stretched as the notebook wrote it', async () => {
    const { indices, shape, codebook } = cases[2];
    const picture = { width: shape[1], height: shape[0], indices };
    expect(codebook.length).toBeLessThanOrEqual(16);
    const plain = await writePng(picture);
    expect(await readPng(plain)).toEqual(picture);
    const stretched = await writePng(picture, true);
    expect((await readPng(stretched)).indices).toEqual(indices.map((i) => i * 17));
    expect(await readPng(stretched, true)).toEqual(picture);
    const large = cases[1];
    const wide = { width: 300, height: 100, indices: large.indices.map((i) => i * 3) };
    expect(await readPng(await writePng(wide))).toEqual(wide);
    plain[40] ^= 1;
    await expect(readPng(plain)).rejects.toMatchObject({ name: 'EspError' });
  });

  it('keeps what indexTensor found', () => {
    const values = Float32Array.of(0, -0, 2.5, -1, 2.5);
    expect(Array.from(expandTensor(indexTensor(values)))).toEqual([0, 0, 2.5, -1, 2.5]);
    expect(() => indexTensor(Float32Array.from({ length: 300 }, (_, i) => i))).toThrow(/at most 255/);
  });
});
