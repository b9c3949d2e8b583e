import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decode, encode } from '@espalier/codec';
import {
  expandTensor,
  fromRelative,
  packPaper,
  readDeepCompression,
  readPng,
  toRelative,
  unpackPaper,
  writeDeepCompression,
  writePng,
} from '@espalier/codec/han';
import { readNpy } from '@espalier/formats';
import { optimalCodebook } from '@espalier/quantize-kmeans';
import { histogram } from '@espalier/report';
import { fileOf } from './layers.js';
import { prune } from './prune.js';

/** Everything that is decoded must be what was encoded. */
function same(what, a, b) {
  const bytes = (array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  if (Buffer.compare(bytes(a), bytes(b)) !== 0) throw new Error(`${what} did not come back as it was`);
}

/**
 * Deep Compression of a folder of .npy files, a layer at a time: prunes, shares, writes pictures, the file of
 * Deep Compression, Huffman codes and an .esp, each of which is read again and compared.
 *
 * @returns a row per layer, with bytes after each step, and the histograms to draw
 */
export async function compressFolder({ layers, weights, out, keep, effort = 0, log = () => {} }) {
  await mkdir(out, { recursive: true });
  const rows = [];
  const shared = [];
  for (const layer of layers) {
    const { row, tensor } = await compressLayer(layer, { weights, out, keep });
    rows.push(row);
    shared.push(tensor);
    log(`${row.name}: ${row.kept} of ${row.size} kept, ${row.centres} centres, ${row.fillers} fillers`);
  }
  const deep = writeDeepCompression(shared);
  await writeFile(join(out, 'alexnet.deep-compression'), deep);
  const shapes = shared.map(({ indices, valueBits }) => ({ size: indices.length, biases: 0, valueBits }));
  for (const [i, back] of readDeepCompression(deep, shapes).entries()) {
    same(`${layers[i].name} in the file of Deep Compression`, back.indices, shared[i].indices);
  }
  const esp = pack(layers, shared, effort);
  await writeFile(join(out, 'alexnet.esp'), esp);
  const { weightSpecs, weightData } = decode(esp);
  let at = 0;
  for (const [i, { name, shape }] of weightSpecs.entries()) {
    const back = new Float32Array(weightData, at, shape[0] * shape[1]);
    same(`${name} in the .esp`, back, expandTensor(shared[i]));
    at += back.byteLength;
  }
  return { rows, deepBytes: deep.length, espBytes: esp.length };
}

async function compressLayer(layer, { weights, out, keep }) {
  const { name, clusters, valueBits, gapBits } = layer;
  const { shape, values } = await readNpy(fileOf(weights, layer));
  if (shape.length !== 2 || !(values instanceof Float32Array))
    throw new Error(`${name}.npy is no float matrix`);
  const before = histogram(name, values, undefined, { bins: 1000 });
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const kept = prune(values, keep);

  const { centroids, indices: sorted, inertia } = optimalCodebook(values, clusters, { keepZero: true });
  const { indices, codebook } = zeroFirst(sorted, centroids);

  const picture = { width: shape[1], height: shape[0], indices };
  const png = await writePng(picture);
  await writeFile(join(out, `${name}.png`), png);
  same(`${name}.png`, (await readPng(await readFile(join(out, `${name}.png`)))).indices, indices);

  // 4-bit gaps, the notebook's; where one is larger than 15 a filler goes in between.
  const relative = toRelative(indices, 4);
  same(`${name}'s relative indices`, fromRelative(relative, indices.length), indices);
  const fillers = relative.values.reduce((n, value) => n + (value === 0 ? 1 : 0), 0);
  const paper = packPaper(indices, gapBits);
  same(`${name}'s Huffman codes`, unpackPaper(paper, indices.length), indices);

  const row = {
    name,
    size: indices.length,
    kept,
    centres: codebook.length,
    fillers,
    /** Root of the mean squared error of the weights that are left. */
    error: Math.sqrt(inertia / Math.max(1, kept)),
    mean,
    histogram: { ...before, centroids: [...centroids] },
    bytes: {
      float32: 4 * indices.length,
      pruned: 4 * relative.values.length + Math.ceil(relative.gaps.length / 2),
      shared: Math.ceil((indices.length * valueBits) / 8) + codebook.byteLength,
      png: png.length,
      relative:
        Math.ceil((relative.values.length * valueBits) / 8) +
        Math.ceil(relative.gaps.length / 2) +
        2 ** valueBits * 4,
      huffman: paper.length + codebook.byteLength,
    },
  };
  return { row, tensor: { indices, codebook, bias: new Float32Array(0), valueBits, shape } };
}

/** Deep Compression's order: entry 0 is the zero, then the others, ascending. */
function zeroFirst(indices, centroids) {
  const zero = centroids.indexOf(0);
  const place = Uint8Array.from(centroids, (_, i) => (i === zero ? 0 : i < zero ? i + 1 : i));
  const codebook = new Float32Array(centroids.length);
  for (const [i, value] of centroids.entries()) codebook[place[i]] = value;
  for (let i = 0; i < indices.length; i++) indices[i] = place[indices[i]];
  return { indices, codebook };
}

/** All layers in one .esp, of the weights that the codebooks stand for. */
function pack(layers, shared, effort) {
  const weightData = new Float32Array(shared.reduce((n, { indices }) => n + indices.length, 0));
  let at = 0;
  for (const tensor of shared) {
    weightData.set(expandTensor(tensor), at);
    at += tensor.indices.length;
  }
  const weightSpecs = layers.map(({ name }, i) => ({ name, shape: [...shared[i].shape], dtype: 'float32' }));
  const codecs = effort === 0 ? ['rans', 'ctx-fast'] : ['rans', 'ctx-fast', 'ctx-mix'];
  return encode({ weightSpecs, weightData: weightData.buffer }, { effort, codecs });
}
