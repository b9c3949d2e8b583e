import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { EspalierError } from '@espalier/core';

/** A picture in memory: `[height, width, 3]`, values 0 to 255. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

const kinds = ['.png', '.jpg', '.jpeg'];

/** Every PNG and JPEG of a folder and of the folders in it, by name. @throws EspalierError `bad-data` */
export async function readPictures(folder: string): Promise<Picture[]> {
  const names = (await readdir(folder, { recursive: true })).filter((name) =>
    kinds.includes(extname(name).toLowerCase()),
  );
  if (names.length === 0) {
    throw new EspalierError('bad-data', `There is no picture in ${folder}.`, {
      remedy: 'PNG and JPEG are read.',
    });
  }
  return Promise.all(names.sort().map((name) => readPicture(join(folder, name))));
}

/** @throws EspalierError `bad-data` when it is neither PNG nor JPEG */
export async function readPicture(file: string): Promise<Picture> {
  const bytes = await readFile(file);
  try {
    if (extname(file).toLowerCase() === '.png') {
      const { decode } = await import('fast-png');
      const { width, height, channels, depth, data, palette } = decode(bytes);
      const scale = 255 / (2 ** depth - 1);
      const value = (i: number, c: number): number =>
        palette ? palette[data[i]][c] : data[i * channels + (channels >= 3 ? c : 0)] * scale;
      return { width, height, data: colours(width * height, value) };
    }
    const { default: jpeg } = await import('jpeg-js');
    const { width, height, data } = jpeg.decode(bytes, { useTArray: true, maxMemoryUsageInMB: 4096 });
    return { width, height, data: colours(width * height, (i, c) => data[i * 4 + c]) };
  } catch (cause) {
    throw new EspalierError('bad-data', `Cannot read the picture ${file}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function colours(pixels: number, value: (pixel: number, channel: number) => number): Float32Array {
  const data = new Float32Array(3 * pixels);
  for (let i = 0; i < pixels; i++) for (let c = 0; c < 3; c++) data[3 * i + c] = value(i, c);
  return data;
}

/** The size of what is cut. */
export interface Cut {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Part of a picture at a size: shrunk by whole numbers (the mean of the pixels), or enlarged where it is too small. */
export function cut({ width, height, data }: Picture, size: Cut, random: () => number): Float32Array {
  const most = Math.max(1, Math.floor(Math.min(width / size.width, height / size.height)));
  const factor = 1 + Math.floor(random() * most);
  const grow = Math.max(1, size.width / width, size.height / height);
  const [w, h] = [size.width * factor, size.height * factor];
  const left = grow > 1 ? 0 : Math.floor(random() * (width - w + 1));
  const top = grow > 1 ? 0 : Math.floor(random() * (height - h + 1));
  const part = new Float32Array(size.height * size.width * size.channels);
  for (let y = 0, at = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      const colour = [0, 0, 0];
      for (let dy = 0; dy < factor; dy++) {
        for (let dx = 0; dx < factor; dx++) {
          const row = Math.min(height - 1, Math.floor((top + y * factor + dy) / grow));
          const column = Math.min(width - 1, Math.floor((left + x * factor + dx) / grow));
          for (let c = 0; c < 3; c++) colour[c] += data[3 * (row * width + column) + c] / factor ** 2;
        }
      }
      if (size.channels === 1) part[at++] = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2];
      else for (const value of colour) part[at++] = value;
    }
  }
  return part;
}
