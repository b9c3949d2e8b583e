import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { Picture } from '@espalier/compress';
import { EspalierError } from '@espalier/core';
import { kindOf, readWhole } from '../files.js';
import { foreign } from '../foreign.js';
import { pictureSize } from './size.js';

/** A picture of a file. */
export interface DecodedPicture extends Picture {
  readonly data: Uint8Array | Float32Array;
}

/** As the decoders give it. */
interface Decoded {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly depth: number;
  readonly data: Uint8Array | Uint16Array;
  readonly palette?: readonly (readonly number[])[];
}

/** How the names of pictures end. */
export const pictureKinds: readonly string[] = ['.png', '.jpg', '.jpeg', '.webp', '.gif', '.bmp'];

/**
 * The pictures of a folder and of the folders in it, by name; of a file, itself.
 *
 * @throws EspalierError `bad-data` where there is none
 */
export async function picturesIn(path: string): Promise<string[]> {
  if ((await kindOf(path)) !== 'folder') return [path];
  const names = (await readdir(path, { recursive: true })).filter((name) =>
    pictureKinds.includes(extname(name).toLowerCase()),
  );
  if (names.length === 0) {
    throw new EspalierError('bad-data', `There is no picture in ${path}.`, {
      remedy: 'PNG, JPEG, WebP, GIF and BMP are read.',
    });
  }
  return names.sort().map((name) => join(path, name));
}

/**
 * Reads a picture.
 *
 * @throws EspalierError `bad-data` when it is no PNG, JPEG, WebP, GIF or BMP, damaged or too large; `bad-model` when it cannot be read
 *
 * @example
 * ```ts
 * import { mkdtemp, writeFile } from 'node:fs/promises';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { cut, cutPictures, picturesIn, readPicture, sizeOfPicture } from '@espalier/formats';
 * const folder = await mkdtemp(join(tmpdir(), 'example-'));
 * // A bitmap of two pixels, blue and red.
 * const bmp = new Uint8Array(62);
 * bmp.set([66, 77, 62, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 24, 0]);
 * bmp.set([255, 0, 0, 0, 0, 255], 54);
 * await writeFile(join(folder, 'two.bmp'), bmp);
 * const files = await picturesIn(folder);
 * const [{ width, height }, picture] = [await sizeOfPicture(files[0]), await readPicture(files[0])];
 * if (width !== 2 || height !== 1 || picture.data[2] !== 255) throw new Error('unexpected');
 * const size = { width: 1, height: 1, channels: 3 } as const;
 * if (cut(picture, size, () => 0).length !== 3) throw new Error('unexpected');
 * for await (const { part } of cutPictures(files, size, 1, () => 0)) if (part.length !== 3) throw new Error('unexpected');
 * ```
 */
export async function readPicture(file: string): Promise<DecodedPicture> {
  const bytes = await readWhole(file);
  const { kind, width, height } = pictureSize(bytes, file);
  const picture = await foreign<Decoded>(kind, new Uint8Array(bytes), {
    // Other threads prepare pictures at the same time.
    seconds: 10 + bytes.length / 5e6,
    // Twenty bytes a pixel, and what the decoders take beside them.
    memory: 2 ** 29 + 20 * width * height,
  }).catch((cause: Error) => {
    throw new EspalierError('bad-data', `Cannot read the picture ${file}: ${cause.message}.`, {
      cause,
      remedy: 'Copy it anew, or leave it out.',
    });
  });
  if (picture.width !== width || picture.height !== height || picture.data.length === 0) {
    throw new EspalierError('bad-data', `Cannot read the picture ${file}: it is not of its size.`, {
      remedy: 'Copy it anew, or leave it out.',
    });
  }
  return { width, height, data: colours(picture) };
}

/** Red, green and blue of each pixel. Samples of 16 bits keep their fractions. */
function colours({ width, height, channels, depth, data, palette }: Decoded): DecodedPicture['data'] {
  const pixels = width * height;
  const out = depth > 8 ? new Float32Array(3 * pixels) : new Uint8Array(3 * pixels);
  const scale = 255 / (2 ** depth - 1);
  const sample = depth < 8 ? unpacked(data, width, height, channels, depth) : data;
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < 3; c++) {
      out[3 * i + c] = palette
        ? (palette[sample[i]]?.[c] ?? 0)
        : sample[i * channels + (channels >= 3 ? c : 0)] * scale;
    }
  }
  return out;
}

/** Samples of less than 8 bits, of which several share a byte; each row begins with a byte of its own. */
function unpacked(
  data: Uint8Array | Uint16Array,
  width: number,
  height: number,
  channels: number,
  depth: number,
): Uint8Array {
  const row = Math.ceil((width * channels * depth) / 8);
  const out = new Uint8Array(width * height * channels);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width * channels; x++, at++) {
      const bit = x * depth;
      out[at] = (data[y * row + (bit >> 3)] >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
    }
  }
  return out;
}
