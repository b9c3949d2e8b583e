import { access, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hash, randomUniform } from '@espalier/core';
import { writeNpy } from '@espalier/formats';

/**
 * The notebook's 2-D arrays: a row for each output, a column for each input of it. It asks for 256 centres in
 * convolutions and 16 in fully connected layers; Deep Compression's gaps are 8 and 5 bits wide there.
 */
const alexnet = [
  { name: 'conv1', rows: 96, columns: 3 * 11 * 11 },
  { name: 'conv2', rows: 256, columns: 48 * 5 * 5 },
  { name: 'conv3', rows: 384, columns: 256 * 3 * 3 },
  { name: 'conv4', rows: 384, columns: 192 * 3 * 3 },
  { name: 'conv5', rows: 256, columns: 192 * 3 * 3 },
  { name: 'fc6', rows: 4096, columns: 9216 },
  { name: 'fc7', rows: 4096, columns: 4096 },
  { name: 'fc8', rows: 1000, columns: 4096 },
].map((layer) =>
  layer.name.startsWith('conv')
    ? { ...layer, clusters: 256, valueBits: 8, gapBits: 8 }
    : { ...layer, clusters: 16, valueBits: 4, gapBits: 5 },
);

/** The layers, all sides times `scale`: 1 for AlexNet's own 61 million weights. */
export function layersAt(scale) {
  const side = (n) => Math.max(1, Math.round(n * scale));
  return alexnet.map((layer) => ({ ...layer, rows: side(layer.rows), columns: side(layer.columns) }));
}

export const fileOf = (folder, { name }) => join(folder, `${name}.npy`);

/** Draws the layers that are not in the folder yet from a seeded normal of He's deviation, and says which. */
export async function drawMissing(folder, layers, seed) {
  await mkdir(folder, { recursive: true });
  const drawn = [];
  for (const [i, layer] of layers.entries()) {
    const file = fileOf(folder, layer);
    if (
      await access(file).then(
        () => true,
        () => false,
      )
    )
      continue;
    const { rows, columns } = layer;
    const values = normal(rows * columns, Math.sqrt(2 / columns), randomUniform(hash(seed, i)));
    await writeFile(file, writeNpy([rows, columns], values));
    drawn.push(layer.name);
  }
  return drawn;
}

/** Normal numbers by pairs (Box and Muller, 1958). */
function normal(size, deviation, random) {
  const values = new Float32Array(size);
  for (let i = 0; i < size; i += 2) {
    const radius = deviation * Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    values[i] = radius * Math.cos(angle);
    if (i + 1 < size) values[i + 1] = radius * Math.sin(angle);
  }
  return values;
}
