import type { Picture } from '@espalier/compress';
import { readWhole } from '../files.js';
import { readPicture } from './pictures.js';
import { pictureSize } from './size.js';

/** The size of what is cut, in pixels; 1 or 3 channels. */
export interface Cut {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Where a part of a picture lies, and how much it is shrunk or enlarged. */
interface Place {
  readonly left: number;
  readonly top: number;
  readonly factor: number;
  readonly grow: number;
}

function placeOf(
  { width, height }: Pick<Picture, 'width' | 'height'>,
  size: Cut,
  random: () => number,
): Place {
  const most = Math.max(1, Math.floor(Math.min(width / size.width, height / size.height)));
  const factor = 1 + Math.floor(random() * most);
  const grow = Math.max(1, size.width / width, size.height / height);
  const left = grow > 1 ? 0 : Math.floor(random() * (width - size.width * factor + 1));
  const top = grow > 1 ? 0 : Math.floor(random() * (height - size.height * factor + 1));
  return { left, top, factor, grow };
}

function cutAt(
  { width, height, data }: Picture,
  size: Cut,
  { left, top, factor, grow }: Place,
): Float32Array {
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

/** Part of a picture at a size: shrunk by whole numbers (the mean of the pixels), or enlarged where it is too small. */
export function cut(picture: Picture, size: Cut, random: () => number): Float32Array {
  return cutAt(picture, size, placeOf(picture, size, random));
}

/**
 * Parts of pictures, `count` in all, from each file in turn. Files are decoded one at a time, and each once: memory does not grow
 * with their number. Parts come file by file, with the place in the order in which they were drawn.
 *
 * @throws EspalierError `bad-data`, of `readPicture`
 */
export async function* cutPictures(
  files: readonly string[],
  size: Cut,
  count: number,
  random: () => number,
): AsyncGenerator<{ readonly index: number; readonly part: Float32Array }> {
  const used = files.slice(0, count);
  const sizes: Pick<Picture, 'width' | 'height'>[] = [];
  for (const file of used) sizes.push(pictureSize(await readWhole(file), file));
  const places = Array.from({ length: count }, (_, i) => placeOf(sizes[i % used.length], size, random));
  for (const [first, file] of used.entries()) {
    const picture = await readPicture(file);
    for (let index = first; index < count; index += used.length) {
      yield { index, part: cutAt(picture, size, places[index]) };
    }
  }
}
