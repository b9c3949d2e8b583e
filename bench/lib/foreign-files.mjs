import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { artifactsOfTensors, bytesOf, npyBytes, safetensorsBytes } from '@espalier/formats';
import { encode as encodePng } from 'fast-png';
import { strToU8, unzipSync, zipSync } from 'fflate';
import jpeg from 'jpeg-js';

const fixture = (name) =>
  readFileSync(fileURLToPath(new URL(`../../packages/formats/test/fixtures/${name}`, import.meta.url)));

const tensors = [
  { name: 'a/kernel', type: 'float32', shape: [2, 3], bytes: bytesOf(Float32Array.of(1, 2, 3, 4, 5, 6)) },
  { name: 'half', type: 'float16', shape: [2], bytes: bytesOf(Uint16Array.of(0x3c00, 0xc500)) },
  { name: 'flags', type: 'bool', shape: [3], bytes: Uint8Array.of(1, 0, 1) },
  { name: 'n', type: 'int32', shape: [], bytes: bytesOf(Int32Array.of(-7)) },
];

/** A `.safetensors` file around a header. */
function safetensors(header, data) {
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, data]);
}

function safetensorsSample() {
  const bytes = safetensorsBytes(artifactsOfTensors(tensors));
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const json = JSON.parse(Buffer.from(bytes.subarray(8, 8 + length)).toString());
  return { bytes, json, wrap: (header) => safetensors(header, bytes.subarray(8 + length)) };
}

/** A `.keras` file whose configuration, or weights, are damaged within a whole archive. */
function kerasSamples(name) {
  const bytes = fixture(`${name}.keras`);
  const parts = unzipSync(bytes);
  const json = JSON.parse(Buffer.from(parts['config.json']).toString());
  return [
    { bytes, json, wrap: (config) => zipSync({ ...parts, 'config.json': config }, { level: 0 }) },
    { bytes: zipSync(parts, { level: 0 }) },
  ];
}

function modelSample(name) {
  const json = JSON.parse(Buffer.from(unzipSync(fixture(`${name}.keras`))['config.json']).toString());
  const weights = [
    { name: 'w', shape: [2, 2], dtype: 'float32', quantization: { dtype: 'uint8', scale: 0.1, min: 0 } },
    { name: 's', shape: [1], dtype: 'string' },
  ];
  const model = {
    format: 'layers-model',
    modelTopology: { keras_version: '3.15.1', model_config: json },
    weightsManifest: [{ paths: ['w.bin'], weights }],
  };
  const beside = { 'w.bin': Uint8Array.of(1, 2, 3, 4, 2, 0, 0, 0, 65, 66) };
  return { bytes: Buffer.from(JSON.stringify(model)), json: model, beside };
}

/** CRC-32 of the chunks of a PNG, as far as they go. */
function repairPng(bytes) {
  const out = Buffer.from(bytes);
  for (let at = 8; at + 12 <= out.length; ) {
    const end = at + 8 + out.readUInt32BE(at);
    if (end + 4 > out.length) break;
    let crc = ~0;
    for (let i = at + 4; i < end; i++) {
      crc ^= out[i];
      for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    }
    out.writeUInt32BE(~crc >>> 0, end);
    at = end + 4;
  }
  return out;
}

const manifest = (json, beside) => ({ bytes: Buffer.from(JSON.stringify(json)), json, beside });

const recipe = {
  name: 'tiny',
  seed: 7,
  data: { name: 'mnist', validation: 50, batchSize: 10 },
  model: { layers: [{ flatten: {} }, { dense: { units: 10, activation: 'softmax' } }] },
  stages: [
    { name: 'dense', epochs: 3, learningRate: 0.01 },
    {
      name: 'prune',
      epochs: 4,
      schedules: [{ use: '@espalier/pruners#agp', options: { final: 0.7 }, parameters: '**/kernel', end: 3 }],
    },
  ],
};
const yaml = `${JSON.stringify(recipe, null, 1).replaceAll('"', '').replaceAll('{', '').replaceAll('}', '')}\n`;
const anchors =
  'name: &n tiny\nmodel: lenet-5\ndata: { name: mnist }\nstages:\n  - &s { name: *n, epochs: 2 }\n  - <<: *s\n    name: b\n';

/** Whole files of each format: under which name they are read, and what lies beside them. */
export async function samples() {
  const pixels = Uint8Array.from({ length: 16 * 16 * 3 }, (_, i) => (i * 37) % 256);
  const shades = new Uint8Array(4 * 24 * 24).map((_, i) => (i * 13) % 256);
  const picture = { width: 24, height: 24, data: shades };
  return {
    npy: { file: 'x.npy', files: tensors.map((one) => ({ bytes: npyBytes(one) })) },
    npz: {
      file: 'x.npz',
      files: [0, 6].map((level) => ({
        bytes: zipSync(Object.fromEntries(tensors.map((one) => [`${one.name}.npy`, npyBytes(one)])), {
          level,
        }),
      })),
    },
    safetensors: { file: 'x.safetensors', files: [safetensorsSample()] },
    index: {
      file: 'model.safetensors.index.json',
      files: [
        manifest(
          { metadata: { total_size: 1 }, weight_map: { 'a/kernel': 's.safetensors', half: 's.safetensors' } },
          { 's.safetensors': safetensorsSample().bytes },
        ),
      ],
    },
    'model.json': { file: 'model.json', files: ['image', 'graph', 'sequence'].map(modelSample) },
    yaml: {
      file: 'recipe.yaml',
      files: [manifest(recipe, {}), { bytes: strToU8(yaml) }, { bytes: strToU8(anchors) }],
    },
    png: {
      file: 'x.png',
      files: [
        {
          bytes: encodePng({ width: 16, height: 16, data: pixels, channels: 3, depth: 8 }),
          repair: repairPng,
        },
        {
          bytes: encodePng({ width: 16, height: 48, data: pixels, channels: 1, depth: 8 }),
          repair: repairPng,
        },
      ],
    },
    jpeg: {
      file: 'x.jpg',
      files: [{ bytes: jpeg.encode(picture, 80).data }, { bytes: jpeg.encode(picture, 10).data }],
    },
    h5: {
      file: 'x.h5',
      files: [
        ...['image', 'graph', 'sequence'].map((name) => ({ bytes: gunzipSync(fixture(`${name}.h5.gz`)) })),
        ...['types', 'external-storage', 'external-link', 'virtual', 'huge', 'loop'].map((name) => ({
          bytes: fixture(`${name}.h5`),
        })),
      ],
    },
    keras: { file: 'x.keras', files: ['image', 'graph', 'sequence'].flatMap(kerasSamples) },
  };
}
