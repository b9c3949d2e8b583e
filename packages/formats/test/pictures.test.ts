import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import jpeg from 'jpeg-js';
import { describe, expect, it } from 'vitest';
import { cut, cutPictures, picturesIn, readPicture } from '../src/index.js';
import { folder } from './fixtures.js';

/** CRC-32 of a chunk of PNG, bit by bit. */
function crc(bytes: Uint8Array): number {
  let c = ~0;
  for (const byte of bytes) {
    c ^= byte;
    for (let i = 0; i < 8; i++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
  }
  return ~c >>> 0;
}

function chunk(name: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(name), data]);
  const out = Buffer.alloc(8 + body.length);
  out.writeUInt32BE(data.length);
  body.copy(out, 4);
  out.writeUInt32BE(crc(body), 4 + body.length);
  return out;
}

interface Png {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  /** Grey 0, RGB 2, palette 3, grey and alpha 4, RGBA 6. */
  readonly type: number;
  readonly rows: readonly (readonly number[])[];
  readonly palette?: readonly number[];
}

function png({ width, height, depth, type, rows, palette }: Png): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([depth, type, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', head),
    ...(palette ? [chunk('PLTE', Uint8Array.from(palette))] : []),
    chunk('IDAT', deflateSync(Uint8Array.from(rows.flatMap((row) => [0, ...row])))),
    chunk('IEND', new Uint8Array(0)),
  ]);
}

async function read(bytes: Uint8Array, name = 'x.png'): Promise<number[]> {
  const file = join(folder(), name);
  writeFileSync(file, bytes);
  return [...(await readPicture(file)).data];
}

describe('a PNG', () => {
  const palette = [255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7];
  it.each([
    [
      '1 bit of grey',
      {
        depth: 1,
        type: 0,
        width: 10,
        height: 2,
        rows: [
          [0b10000000, 0b01000000],
          [0, 0],
        ],
      },
      0,
      255,
    ],
    ['4 bits of grey', { depth: 4, type: 0, width: 3, height: 1, rows: [[0xf1, 0x70]] }, 0, 255],
    ['8 bits of grey and alpha', { depth: 8, type: 4, width: 2, height: 1, rows: [[7, 0, 9, 255]] }, 0, 7],
    [
      '16 bits of colour',
      { depth: 16, type: 2, width: 1, height: 1, rows: [[1, 128, 0, 0, 255, 255]] },
      0,
      384 / 257,
    ],
    ['colour and alpha', { depth: 8, type: 6, width: 1, height: 1, rows: [[3, 4, 5, 0]] }, 0, 3],
    [
      'a palette of 2 bits',
      { depth: 2, type: 3, width: 5, height: 1, rows: [[0b00011011, 0b01000000]], palette },
      3,
      0,
    ],
    ['a palette of 8 bits', { depth: 8, type: 3, width: 2, height: 1, rows: [[3, 1]], palette }, 0, 9],
  ])('of %s is read', async (_, given, at, value) => {
    const data = await read(png(given));
    expect(data).toHaveLength(3 * given.width * given.height);
    expect(data[at]).toBeCloseTo(value, 3);
  });

  it('of a palette has the colours of its entries', async () => {
    const rows = [[0b00011011, 0b01000000]];
    expect(await read(png({ depth: 2, type: 3, width: 5, height: 1, rows, palette }))).toEqual([
      255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 8, 7, 0, 255, 0,
    ]);
  });

  it.each([
    ['of no pixels', png({ depth: 8, type: 0, width: 0, height: 0, rows: [] }), 'has no pixels: it is 0 x 0'],
    ['of no width', png({ depth: 8, type: 0, width: 0, height: 7, rows: [] }), 'has no pixels: it is 0 x 7'],
    [
      'larger than it can be',
      png({ depth: 1, type: 0, width: 2 ** 31, height: 9, rows: [[]] }),
      '2147483648 x 9 pixels',
    ],
    [
      'cut off',
      png({ depth: 8, type: 0, width: 3, height: 9, rows: [[1, 2, 3]] }),
      'Cannot read the picture',
    ],
    [
      'of an unknown kind',
      png({ depth: 8, type: 5, width: 1, height: 1, rows: [[1]] }),
      'Cannot read the picture',
    ],
    ['that is none', Buffer.from('GIF89a'), 'is neither PNG nor JPEG'],
    ['that is empty', Buffer.alloc(0), 'is neither PNG nor JPEG'],
    [
      'that ends in its header',
      png({ depth: 8, type: 0, width: 1, height: 1, rows: [[1]] }).subarray(0, 20),
      'neither',
    ],
  ])('%s is refused', async (_, bytes, message) => {
    await expect(read(bytes)).rejects.toThrow(message);
    await expect(read(bytes)).rejects.toThrow(expect.objectContaining({ code: 'bad-data' }));
  });
});

describe('a JPEG', () => {
  const flat = (width: number, height: number, grey: number): Buffer =>
    jpeg.encode({ width, height, data: new Uint8Array(4 * width * height).fill(grey) }, 95).data;

  it('is read, whatever its name', async () => {
    const data = await read(flat(5, 3, 100), 'x.png');
    expect(data).toHaveLength(45);
    for (const value of data) expect(Math.abs(value - 100)).toBeLessThan(3);
  });

  it.each([
    ['cut off', flat(9, 9, 3).subarray(0, 30), 'is cut off'],
    ['without a picture', flat(9, 9, 3).subarray(0, 200), 'Cannot read the picture|cut off'],
  ])('%s is refused', async (_, bytes, message) => {
    await expect(read(bytes, 'x.jpg')).rejects.toThrow(new RegExp(message));
  });

  it('of no height is refused', async () => {
    const bytes = Buffer.from(flat(9, 9, 3));
    const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]));
    bytes.writeUInt16BE(0, frame + 5);
    await expect(read(bytes, 'x.jpg')).rejects.toThrow('has no pixels: it is 9 x 0');
  });
});

it('pictures of a folder are cut as if all of them were in memory, each decoded once', async () => {
  const dir = folder();
  mkdirSync(join(dir, 'b'));
  const shade = (width: number, height: number): Buffer =>
    png({
      depth: 8,
      type: 0,
      width,
      height,
      rows: Array.from({ length: height }, (_, y) =>
        Array.from({ length: width }, (_, x) => (7 * x + 3 * y) % 256),
      ),
    });
  writeFileSync(join(dir, 'a.png'), shade(30, 20));
  writeFileSync(join(dir, 'b', 'c.png'), shade(5, 40));
  writeFileSync(join(dir, 'd.PNG'), shade(64, 64));
  writeFileSync(join(dir, 'notes.txt'), 'no');
  const files = await picturesIn(dir);
  expect(files.map((file) => readFileSync(file).length > 0)).toHaveLength(3);
  const random = (): (() => number) => {
    let x = 5;
    return () => {
      x = (x * 16807) % 2147483647;
      return x / 2147483647;
    };
  };
  const size = { height: 8, width: 6, channels: 3 };
  const found: Float32Array[] = [];
  for await (const { index, part } of cutPictures(files, size, 8, random())) found[index] = part;
  const all = await Promise.all(files.map((file) => readPicture(file)));
  const draw = random();
  expect(found).toEqual(Array.from({ length: 8 }, (_, i) => cut(all[i % 3], size, draw)));
});
