/**
 * The codec against other ways to store the same levels: Deep Compression's format as in the paper (5-bit gaps for
 * dense layers, 8-bit for convolutions, Huffman on both streams), its best gap width, and Brotli 11 on the best of six
 * layouts; with and without reordering of hidden units. Then decode speeds. Prints JSON.
 *
 *   npm run build && node bench/codec.mjs [--quick]
 *
 * Sizes are weight payloads: without codebooks, biases and topology, for every coder alike. The published figures of the
 * standard's coder (NNC) on the same levels are quoted, not measured here.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { brotliCompressSync, constants, gunzipSync } from 'node:zlib';
import { decode, encode, inspect, reorderUnits } from '@espalier/codec';
import { indexTensor, packPaper, toRelative } from '@espalier/codec/han';

const { values: options } = parseArgs({ options: { quick: { type: 'boolean', default: false } } });
const fixtures = new URL('../packages/codec/test/fixtures/', import.meta.url);
const read = (name) => readFileSync(new URL(name, fixtures));

/** What others need, in bytes, as published with the levels. */
const PUBLISHED = {
  'lenet-300-100-92': { paper: 23958, nnc: 20468 },
  'lenet-5-99': { paper: 10485, nnc: 7958 },
};

/** The cases, in PyTorch's order: dense [out, in], convolutions [out, in, height, width]. */
const cases = JSON.parse(read('levels.json')).map((entry) => ({
  ...entry,
  levels: new Int8Array(gunzipSync(read(entry.file))),
}));

/** The same tensor in TensorFlow.js's order: dense [in, out], convolutions [height, width, in, out]. */
function toTensorFlow({ shape, levels }) {
  const [out, inputs, height = 1, width = 1] = shape;
  const data = new Float32Array(levels.length);
  let from = 0;
  for (let o = 0; o < out; o++) {
    for (let i = 0; i < inputs; i++) {
      for (let p = 0; p < height * width; p++) data[(p * inputs + i) * out + o] = levels[from++] * 0.125;
    }
  }
  return { data, shape: shape.length === 4 ? [height, width, inputs, out] : [inputs, out] };
}

const brotli = (bytes) =>
  brotliCompressSync(bytes, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_LGWIN]: 22,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    },
  }).length;

/** Brotli on the levels by output and by input: as bytes; as a mask with the values apart; as gaps and values. */
function brotliBest({ levels, shape }) {
  const rows = shape[0];
  const width = levels.length / rows;
  const turned = Int8Array.from(levels, (_, i) => levels[(i % rows) * width + Math.floor(i / rows)]);
  const sizes = [];
  for (const order of [levels, turned]) {
    const bytes = Uint8Array.from(order, (level) => level & 255);
    sizes.push(brotli(bytes));
    const mask = pack(
      Uint8Array.from(order, (level) => (level ? 1 : 0)),
      1,
    );
    sizes.push(brotli(mask) + brotli(bytes.filter((byte) => byte !== 0)));
    const { gaps, values: entries } = toRelative(bytes, 8);
    sizes.push(brotli(gaps) + brotli(entries));
  }
  return Math.min(...sizes);
}

function pack(values, bits) {
  const out = new Uint8Array(Math.ceil((values.length * bits) / 8));
  values.forEach((value, i) => {
    out[(i * bits) >> 3] |= value << ((i * bits) & 7);
  });
  return out;
}

/** The net as artifacts, so that hidden units can be reordered. */
function artifactsOf(layers) {
  const weightSpecs = [];
  const parts = [];
  const config = [];
  for (const layer of layers) {
    const { data, shape } = toTensorFlow(layer);
    const conv = shape.length === 4;
    const units = shape.at(-1);
    config.push(
      conv
        ? {
            class_name: 'Conv2D',
            config: {
              name: layer.layer,
              filters: units,
              use_bias: true,
              activation: 'relu',
              data_format: 'channels_last',
            },
          }
        : { class_name: 'Dense', config: { name: layer.layer, units, use_bias: true, activation: 'relu' } },
    );
    if (conv) {
      config.push({
        class_name: 'MaxPooling2D',
        config: { name: `${layer.layer}_pool`, data_format: 'channels_last' },
      });
      if (layer.layer === 'conv2') config.push({ class_name: 'Flatten', config: { name: 'flatten' } });
    }
    weightSpecs.push({ name: `${layer.layer}/kernel`, shape, dtype: 'float32' });
    weightSpecs.push({ name: `${layer.layer}/bias`, shape: [units], dtype: 'float32' });
    parts.push(data, new Float32Array(units));
  }
  const weightData = new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part.buffer)))).buffer;
  return {
    format: 'layers-model',
    modelTopology: { class_name: 'Sequential', config: { layers: config } },
    weightSpecs,
    weightData,
  };
}

const kernelBytes = (file) =>
  inspect(file).tensors.reduce(
    (sum, tensor) => sum + (tensor.name.endsWith('/kernel') ? tensor.storedBytes : 0),
    0,
  );

function timed(run) {
  const start = performance.now();
  const result = run();
  return { result, ms: performance.now() - start };
}

const sizes = {};
for (const [net, published] of Object.entries(PUBLISHED)) {
  const layers = cases.filter((entry) => entry.net === net);
  const artifacts = artifactsOf(layers);
  const indices = layers.map((layer) => ({
    conv: layer.layer.startsWith('conv'),
    of: indexTensor(Float32Array.from(layer.levels)).indices,
  }));
  const paper = indices.reduce((sum, { conv, of }) => sum + packPaper(of, conv ? 8 : 5).length, 0);
  const bestGap = indices.reduce(
    (sum, { of }) => sum + Math.min(...[3, 4, 5, 6, 7, 8].map((bits) => packPaper(of, bits).length)),
    0,
  );
  const brotliBytes = layers.reduce((sum, layer) => sum + brotliBest(layer), 0);
  const effort = options.quick ? 4 : 9;
  const plain = timed(() => encode(artifacts, { effort, prefer: 'size' }));
  const fast = encode(artifacts, { codecs: ['ctx-fast'] });
  const sorted = timed(() => encode(reorderUnits(artifacts).artifacts, { effort, prefer: 'size' }));
  const ours = kernelBytes(plain.result);
  const reordered = kernelBytes(sorted.result);
  const round = (x) => Math.round(x * 1000) / 1000;
  sizes[net] = {
    bytes: {
      paper,
      bestGap,
      brotli11: brotliBytes,
      nncPublished: published.nnc,
      paperPublished: published.paper,
      ctxFast: kernelBytes(fast),
      ours,
      oursReordered: reordered,
    },
    ours: {
      toPaper: round(ours / published.paper),
      toBrotli: round(ours / brotliBytes),
      toNnc: round(ours / published.nnc),
    },
    oursReordered: {
      toPaper: round(reordered / published.paper),
      toBrotli: round(reordered / brotliBytes),
      toNnc: round(reordered / published.nnc),
    },
    encodeMs: Math.round(plain.ms),
    encodeReorderedMs: Math.round(sorted.ms),
    tensors: inspect(plain.result)
      .tensors.filter(({ name }) => name.endsWith('kernel'))
      .map(({ name, codec, storedBytes }) => ({ name, codec, storedBytes })),
  };
}

/** Repeatable noise in [0, 1). */
function noise(seed) {
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
}

/** Levels without structure: geometric magnitudes, or 15 levels in a bell. */
function synthetic(size, zeros) {
  const next = noise(7);
  return Float32Array.from({ length: size }, () => {
    if (zeros > 0) {
      if (next() < zeros) return 0;
      const level = Math.min(7, 1 + Math.floor(-Math.log(1 - next()) * 2));
      return (next() < 0.5 ? -level : level) * 0.0625;
    }
    const level = Math.round((next() + next() + next() + next() - 2) * 5.5);
    return Math.max(-7, Math.min(7, level)) * 0.0625 + 0;
  });
}

const dense = toTensorFlow(cases.find((entry) => entry.net === 'lenet-300-100-92' && entry.layer === 'fc1'));
const SPEED = [
  ['lenet-300-100 fc1, 92 % zeros', dense.data, dense.shape, ['ctx-mix', 'ctx-fast']],
  ['random, 90 % zeros', synthetic(1024 * 1024, 0.9), [1024, 1024], ['ctx-mix', 'ctx-fast']],
  ['random, 15 levels, dense', synthetic(1024 * 1024, 0), [1024, 1024], ['ctx-mix', 'ctx-fast', 'rans']],
];
const speed = [];
for (const [name, data, shape, codecs] of SPEED) {
  for (const codec of codecs) {
    const artifacts = { weightSpecs: [{ name: 'w', shape, dtype: 'float32' }], weightData: data.buffer };
    const { result: file, ms } = timed(() => encode(artifacts, { codecs: [codec], effort: 1 }));
    const turns = options.quick ? 5 : 25;
    let best = Infinity;
    for (let i = 0; i < turns; i++) best = Math.min(best, timed(() => decode(file)).ms);
    speed.push({
      tensor: name,
      codec,
      storedBytes: inspect(file).tensors[0].storedBytes,
      decodeMillionWeightsPerSecond: Math.round(data.length / best / 100) / 10,
      encodeMs: Math.round(ms),
    });
  }
}

console.log(JSON.stringify({ node: process.version, sizes, speed }, null, 2));
