import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { picturesIn, readPicture } from '../src/index.js';
import { folder } from './fixtures.js';

const of = (base64: string): Buffer => Buffer.from(base64, 'base64');
const read = async (bytes: Uint8Array, name = 'x'): Promise<number[]> => {
  const file = join(folder(), name);
  writeFileSync(file, bytes);
  const { width, height, data } = await readPicture(file);
  return [width, height, ...data];
};

/** Three by two: red, green, blue; a dark one, white, black. */
const colours = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [10, 20, 30],
  [255, 255, 255],
  [0, 0, 0],
] as const;
const shown = [3, 2, ...colours.flat()];

// Written by Pillow 12.
const webp = of('UklGRjgAAABXRUJQVlA4TCsAAAAvAkAAAC8gECCI8J9qQ0iQ0P2/V4EAQYn/SvMfIDY5tgoEAmSIFi0i+h85AA==');
const lossy = of(
  'UklGRkoAAABXRUJQVlA4ID4AAABQAwCdASoUABEAPhkKhEGhBQEABABhLKAOwB+AH6AAERCcAAD+9j/f//xzJuYYn/HNv//3ulekNUX/eyQAAAA=',
);
const transparent = of(
  'UklGRoIAAABXRUJQVlA4WAoAAAAQAAAAAgAAAQAAQUxQSAcAAAAAADJklsj/AFZQOCBUAAAAsAEAnQEqAwACAADAEiWYAnQBDvbEyAD+/no/+QEHf/aEf/w/ebmP2fh0rr9H+lA3kot4/+JjxwPv/8m///BJ/x/2f/v/+Tf7GfeXn90Y6k0/o4AA',
);
const moving = of(
  'UklGRsoAAABXRUJQVlA4WAoAAAACAAAAAgAAAQAAQU5JTQYAAAAAAAAAAABBTk1GZgAAAAAAAAAAAAIAAAEAAGQAAAJWUDggTgAAALABAJ0BKgMAAgABQCYlqAADXxQWlwAA/vln6K8/5jP/9Uuj7eyUnXwU8S4f//Ex/49b+Tv6m///E2f0x/49b+Tv6m/5+/5KisYmjvwAAEFOTUYwAAAAAAAAAAAAAgAAAQAAZAAAAFZQOCAYAAAANAEAnQEqAwACAAAAJiWkAANwAP79NmgA',
);
const gif = of('R0lGODdhAwACAIIAAP///wD/AAoUHv8AAAAA/wAAAAAAAAAAACwAAAAAAwACAAAICQAHBCAgAECBgAA7');
const gifOfTwo = of(
  'R0lGODdhAwACAIIAAP///wD/AAoUHv8AAAAA/wAAAAAAAAAAACwAAAAAAwACAAAICQAHBCAgAECBgAAh+QQBAAAAACwAAAAAAwACAAAIBgABCBwYEAA7',
);

interface Bmp {
  readonly bits: number;
  /** As they are stored. */
  readonly rows: readonly (readonly number[])[];
  readonly compression?: number;
  /** Below 0: the first row is the uppermost. */
  readonly height?: number;
  readonly masks?: readonly number[];
  /** Bytes between the palette and the rows. */
  readonly gap?: number;
}

/** A BMP with the colours above as its palette. */
function bmp({ bits, rows, compression = 0, height = 2, masks = [], gap = 0 }: Bmp): Buffer {
  const palette = bits <= 8 ? colours.flatMap(([r, g, b]) => [b, g, r, 0]) : [];
  const padded = compression === 1 || compression === 2 ? rows : rows.map(pad);
  const offset = 54 + 4 * masks.length + palette.length + gap;
  const head = Buffer.alloc(54);
  head.write('BM');
  head.writeUInt32LE(offset + padded.flat().length, 2);
  head.writeUInt32LE(offset, 10);
  head.writeUInt32LE(40, 14);
  head.writeInt32LE(3, 18);
  head.writeInt32LE(height, 22);
  head.writeUInt16LE(1, 26);
  head.writeUInt16LE(bits, 28);
  head.writeUInt32LE(compression, 30);
  head.writeUInt32LE(bits <= 8 ? colours.length : 0, 46);
  const words = Buffer.from(Uint32Array.from(masks).buffer);
  return Buffer.concat([head, words, Buffer.from(palette), Buffer.alloc(gap, 7), Buffer.from(padded.flat())]);
}
/** One of runs, said to be so wide. */
function wide(width: number): Buffer {
  const bytes = bmp({ bits: 8, compression: 1, rows: [[1, 0, 0, 1]] });
  bytes.writeInt32LE(width, 18);
  return bytes;
}
const pad = (row: readonly number[]): number[] => [...row, ...Array((4 - (row.length % 4)) % 4).fill(0)];
const words = (values: readonly number[]): number[] => values.flatMap((v) => [v & 255, v >> 8]);
const fives = ([r, g, b]: readonly number[], green: 5 | 6): number =>
  ((r >> 3) << (5 + green)) | ((g >> (8 - green)) << 5) | (b >> 3);
const upper = colours.slice(0, 3);
const lower = colours.slice(3);
const blueFirst = (row: readonly (readonly number[])[]): number[] => row.flatMap(([r, g, b]) => [b, g, r]);

describe('pictures', () => {
  it.each([
    ['WebP without loss', webp],
    ['GIF', gif],
    ['GIF of several, the first', gifOfTwo],
    ['BMP of 24 bits', bmp({ bits: 24, rows: [blueFirst(lower), blueFirst(upper)] })],
    ['BMP from the top', bmp({ bits: 24, height: -2, rows: [blueFirst(upper), blueFirst(lower)] })],
    ['BMP with a gap', bmp({ bits: 24, gap: 5, rows: [blueFirst(lower), blueFirst(upper)] })],
    [
      'BMP of 32 bits',
      bmp({ bits: 32, rows: [lower, upper].map((row) => row.flatMap(([r, g, b]) => [b, g, r, 9])) }),
    ],
    [
      'BMP of masks',
      bmp({
        bits: 32,
        compression: 3,
        masks: [0xff, 0xff00, 0xff0000],
        rows: [lower, upper].map((row) => row.flatMap((colour) => [...colour, 0])),
      }),
    ],
    [
      'BMP of 8 bits',
      bmp({
        bits: 8,
        rows: [
          [3, 4, 5],
          [0, 1, 2],
        ],
      }),
    ],
    [
      'BMP of 4 bits',
      bmp({
        bits: 4,
        rows: [
          [0x34, 0x50],
          [0x01, 0x20],
        ],
      }),
    ],
    [
      'BMP of runs',
      bmp({
        bits: 8,
        compression: 1,
        rows: [
          [0, 3, 3, 4, 5, 0, 0, 0],
          [1, 0, 1, 1, 1, 2, 0, 1],
        ],
      }),
    ],
    [
      'BMP of runs of 4 bits',
      bmp({
        bits: 4,
        compression: 2,
        rows: [
          [0, 3, 0x34, 0x50, 0, 0],
          [2, 0x01, 1, 0x20, 0, 1],
        ],
      }),
    ],
  ])('%s', async (_, bytes) => {
    expect(await read(bytes)).toEqual(shown);
  });

  it.each([
    ['5 bits each', bmp({ bits: 16, rows: [lower, upper].map((row) => words(row.map((c) => fives(c, 5)))) })],
    [
      '6 of green',
      bmp({
        bits: 16,
        compression: 3,
        masks: [0xf800, 0x7e0, 0x1f],
        rows: [lower, upper].map((row) => words(row.map((c) => fives(c, 6)))),
      }),
    ],
  ])('BMP of 16 bits, %s', async (_, bytes) => {
    const found = await read(bytes);
    expect(found.slice(0, 11)).toEqual(shown.slice(0, 11)); // what is full stays full
    for (const [i, value] of found.entries()) expect(Math.abs(value - shown[i])).toBeLessThanOrEqual(8);
  });

  test('WebP with loss, and with transparency', async () => {
    const [width, height, ...flat] = await read(lossy);
    expect([width, height, flat.length]).toEqual([20, 17, 20 * 17 * 3]);
    for (const [i, value] of flat.entries()) expect(Math.abs(value - [200, 60, 20][i % 3])).toBeLessThan(4);
    const [w, h, ...rest] = await read(transparent);
    expect([w, h, rest.length]).toEqual([3, 2, 18]);
  });

  it.each([
    ['a WebP that moves', moving, /Cannot read the picture/],
    ['a WebP that is cut off', webp.subarray(0, 40), /Cannot read the picture/],
    ['the head of a WebP', webp.subarray(0, 20), /is neither PNG/],
    ['a GIF that is cut off', gif.subarray(0, 50), /Cannot read the picture/],
    ['the head of a GIF', gif.subarray(0, 8), /is neither PNG/],
    [
      'a BMP that is cut off',
      bmp({ bits: 24, rows: [[1, 2, 3]] }),
      /Cannot read the picture .*the BMP is cut off/,
    ],
    ['a BMP of 7 bits', bmp({ bits: 7, rows: [[1, 2, 3]] }), /the BMP has 7 bits a pixel/],
    ['a BMP of another compression', bmp({ bits: 24, compression: 4, rows: [] }), /compressed in the way 4/],
    [
      'a BMP of runs that claims too much',
      wide(30_000),
      /the BMP claims 30000 x 2 pixels, more than it can hold/,
    ],
    ['a BMP of no width', Buffer.from('BM'.padEnd(60, '\0')), /has no pixels/],
    ['something else', Buffer.from('hello'), /is neither PNG nor JPEG, nor WebP, GIF or BMP/],
    ['nothing', Buffer.alloc(0), /is neither PNG/],
  ])('%s is one sentence', async (_, bytes, says) => {
    const error = (await read(bytes).catch((e: unknown) => e)) as { code: string; message: string };
    expect(error.code).toBe('bad-data');
    expect(error.message).toMatch(says);
  });

  it('are found by their names, and read several at a time, each to its own answer', async () => {
    const home = folder();
    const files = {
      'a.webp': webp,
      'b.GIF': gif,
      'c.bmp': bmp({
        bits: 4,
        rows: [
          [0x34, 0x50],
          [0x01, 0x20],
        ],
      }),
    };
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(home, name), bytes);
    writeFileSync(join(home, 'd.webp'), lossy);
    writeFileSync(join(home, 'e.gif'), gif.subarray(0, 50));
    writeFileSync(join(home, 'f.txt'), '');
    const found = await picturesIn(home);
    expect(found.map((file) => file.slice(home.length + 1))).toEqual([
      'a.webp',
      'b.GIF',
      'c.bmp',
      'd.webp',
      'e.gif',
    ]);
    const all = await Promise.allSettled([...found, ...found].map(readPicture));
    for (const at of [0, 1, 2, 5, 6, 7]) {
      const { value } = all[at] as PromiseFulfilledResult<{ data: Uint8Array }>;
      expect([...value.data]).toEqual(colours.flat());
    }
    expect([all[4].status, all[9].status, all[8].status]).toEqual(['rejected', 'rejected', 'fulfilled']);
  });
});
