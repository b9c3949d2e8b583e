import { deflateSync, gzipSync, inflateSync } from 'node:zlib';
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
    // What comes first has no zeros before it.
    expect(toRelative(Uint8Array.of(5, 0, 6), 4)).toEqual({
      gaps: Uint8Array.of(0, 1),
      values: Uint8Array.of(5, 6),
    });
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
  /** The CRC-32 that gzip ends with. */
  const crc32 = (bytes: Uint8Array): number => {
    const zipped = gzipSync(bytes);
    return zipped.readUInt32LE(zipped.length - 8);
  };
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

  /** A grey picture as the specification of PNG draws it: each row by the next of the five filters. */
  const pngOf = (
    width: number,
    height: number,
    depth: number,
    rows: readonly Uint8Array[],
    first = 0,
  ): Uint8Array => {
    const chunk = (type: string, data: Uint8Array): Buffer => {
      const body = Buffer.concat([Buffer.from(type), data]);
      const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
      length.writeUInt32BE(data.length);
      sum.writeUInt32BE(crc32(body));
      return Buffer.concat([length, body, sum]);
    };
    const head = Buffer.alloc(13);
    head.writeUInt32BE(width, 0);
    head.writeUInt32BE(height, 4);
    head[8] = depth;
    const filtered = rows.map((row, y) => {
      const above = rows[y - 1] ?? new Uint8Array(row.length);
      const of = (x: number): number => {
        const [a, b, c] = [row[x - 1] ?? 0, above[x], above[x - 1] ?? 0];
        // Paeth: of left, above and corner the nearest to left + above - corner, in this order.
        const guess = a + b - c;
        const [nearest] = [a, b, c].sort((p, q) => Math.abs(p - guess) - Math.abs(q - guess));
        return row[x] - [0, a, b, Math.floor((a + b) / 2), nearest][(first + y) % 5];
      };
      return Uint8Array.from([(first + y) % 5, ...Array.from(row, (_, x) => of(x) & 255)]);
    });
    const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
    const data = deflateSync(Buffer.concat(filtered));
    return Buffer.concat([
      signature,
      chunk('IHDR', head),
      chunk('IDAT', data.subarray(0, 9)),
      chunk('IDAT', data.subarray(9)),
      chunk('IEND', Buffer.alloc(0)),
    ]);
  };
  const noise = (count: number): Uint8Array =>
    Uint8Array.from({ length: count }, (_, i) => Math.imul(i + 1, 2654435761) >>> 24);

  it('is read with any filter of the specification, in any number of pieces', async () => {
    const indices = noise(7 * 12);
    const rows = Array.from({ length: 12 }, (_, y) => indices.subarray(7 * y, 7 * y + 7));
    for (const first of [0, 1, 2, 3, 4])
      expect(await readPng(pngOf(7, 12, 8, rows, first))).toEqual({ width: 7, height: 12, indices });
    // Two pixels a byte, the left one in the high half; an odd row leaves half a byte.
    const packed = noise(4 * 11);
    const halves = Array.from({ length: 11 }, (_, y) => packed.subarray(4 * y, 4 * y + 4));
    const wanted = halves.flatMap((row) => [...row].flatMap((byte) => [byte >> 4, byte & 15]).slice(0, 7));
    expect([...(await readPng(pngOf(7, 11, 4, halves))).indices]).toEqual(wanted);
  });

  it('is written with the first filter, rows of 4 bits below 16 and else of 8, as other software reads it', async () => {
    const pixels = async (indices: number[], width: number): Promise<number[]> => {
      const file = Buffer.from(
        await writePng({ width, height: indices.length / width, indices: Uint8Array.from(indices) }),
      );
      const [length, end] = [file.readUInt32BE(33), file.length];
      expect([file.readUInt32BE(16), file.readUInt32BE(20)]).toEqual([width, indices.length / width]);
      expect([...file.subarray(25, 29)]).toEqual([0, 0, 0, 0]);
      expect(file.readUInt32BE(29)).toBe(crc32(file.subarray(12, 29)));
      expect(file.subarray(end - 8, end - 4).toString()).toBe('IEND');
      return [file[24], ...inflateSync(file.subarray(41, 41 + length))];
    };
    expect(await pixels([1, 2, 15, 4, 0, 6], 3)).toEqual([4, 0, 0x12, 0xf0, 0, 0x40, 0x60]);
    expect(await pixels([1, 16, 255, 0], 2)).toEqual([8, 0, 1, 16, 0, 255, 0]);
  });

  it.each<[string, (png: Uint8Array) => Uint8Array, string]>([
    ['another signature', (png) => png.with(0, 0x88), 'magic'],
    ['no end', (png) => png.subarray(0, -12), 'length'],
    ['half an end', (png) => png.subarray(0, -1), 'length'],
    ['a chunk that is longer than the file', (png) => png.with(33, 1), 'length'],
    ['a damaged chunk', (png) => png.with(-1, png[png.length - 1] ^ 1), 'checksum'],
  ])('is refused with %s', async (_, damage, code) => {
    const png = Uint8Array.from(pngOf(2, 1, 8, [Uint8Array.of(3, 4)]));
    expect([...(await readPng(png)).indices]).toEqual([3, 4]);
    await expect(readPng(damage(png))).rejects.toMatchObject({ name: 'EspError', code });
  });

  it('is refused of another depth, size or filter, and where nothing was stretched', async () => {
    const row = Uint8Array.of(17, 34);
    const of = (width: number, height: number, depth: number, rows: Uint8Array[], stretch = false) =>
      readPng(Uint8Array.from(pngOf(width, height, depth, rows)), stretch);
    expect([...(await of(2, 1, 8, [row], true)).indices]).toEqual([1, 2]);
    await expect(of(2, 1, 2, [row])).rejects.toMatchObject({ code: 'version' });
    await expect(of(2, 2, 8, [row])).rejects.toMatchObject({ code: 'payload' });
    await expect(of(2, 1, 8, [row, row])).rejects.toMatchObject({ code: 'payload' });
    await expect(of(2, 1, 8, [Uint8Array.of(17, 35)], true)).rejects.toMatchObject({ code: 'payload' });
    await expect(
      writePng({ width: 2, height: 1, indices: Uint8Array.of(3, 16) }, true),
    ).rejects.toMatchObject({
      code: 'input',
    });
    for (const [width, height] of [
      [0, 1],
      [1, 0],
      [2, 2],
    ])
      await expect(writePng({ width, height, indices: new Uint8Array(2) })).rejects.toMatchObject({
        code: 'input',
      });
  });

  it('keeps what indexTensor found', () => {
    const values = Float32Array.of(0, -0, 2.5, -1, 2.5);
    expect(Array.from(expandTensor(indexTensor(values)))).toEqual([0, 0, 2.5, -1, 2.5]);
    expect(Array.from(expandTensor(indexTensor(values.subarray(2))))).toEqual([2.5, -1, 2.5]);
    expect(() => indexTensor(Float32Array.from({ length: 300 }, (_, i) => i))).toThrow(/at most 255/);
  });
});
