/**
 * Makes the golden files: one for each codec, type and form of codebook. They are made once for each version of the
 * format and then only read; a decoder in any language must get the SHA-256 that golden.json gives for the weights.
 *
 *   npm run build && node packages/codec/test/golden/make.mjs [name …]
 *
 * With names, only these files are made; the others stay as they are.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { decode, encode, inspect } from '@espalier/codec';

const here = new URL('./', import.meta.url);
const levels = (name) => new Int8Array(gunzipSync(readFileSync(new URL(`../fixtures/${name}.bin.gz`, here))));
const sha256 = (bytes) => createHash('sha256').update(new Uint8Array(bytes)).digest('hex');
const float = (data, f = (x) => x) => Float32Array.from(data, f);
const range = (n, f) => Array.from({ length: n }, (_, i) => f(i));

/** What a decoder makes of levels on a predicted grid, by docs/format.md; the levels are the nearest ones. */
const predicted = (wanted, { step, exponents, prediction: { distance, coefficients } }) => {
  const order = coefficients.length / distance;
  const out = new Float32Array(wanted.length);
  wanted.forEach((value, i) => {
    let expected = 0;
    for (let k = order; k > 0; k--) {
      expected +=
        coefficients[(i % distance) * order + k - 1] * (i < k * distance ? 0 : out[i - k * distance]);
    }
    const e = exponents.at(-1)?.[i % exponents.at(-1).length] ?? 0;
    const width = step * [1, 1.189207115002721, Math.SQRT2, 1.681792830507429][e & 3] * 2 ** (e >> 2);
    out[i] = Math.round((value - expected) / width) * width + expected;
  });
  return out;
};
/** Windowed sinusoids, `[times, waves]`. */
const waves = (times, count) =>
  range(times * count, (i) => {
    const t = Math.floor(i / count) / times;
    return Math.sin(Math.PI * t) ** 2 * Math.cos((4 + 3 * (i % count)) * 2 * Math.PI * (t - 0.5));
  });
const frequencies = range(8, (i) => Math.round(128 * Math.cos((2 * Math.PI * (4 + 3 * i)) / 96)) / 64);
const grids = {
  't0/kernel': {
    step: Math.fround(0.003),
    exponents: [undefined, undefined],
    prediction: { distance: 8, coefficients: frequencies.flatMap((c) => [c, -63 / 64]) },
  },
  't1/kernel': {
    step: 0.001953125,
    exponents: [undefined, undefined, range(8, (i) => i % 5)],
    prediction: {
      distance: 16,
      coefficients: range(16 * 3, (i) => [96 - (i % 7), (i % 5) - 48, 8][i % 3] / 64),
    },
  },
};

const conv = levels('lenet-5-99-conv1');
const fc3 = levels('lenet-300-100-92-fc3');
const fc2 = levels('lenet-300-100-92-fc2');

const tensor = (shape, data, more = {}) => ({ shape, data, dtype: 'float32', ...more });
const files = {
  raw: [tensor([4], Float32Array.of(1.5, -0, Infinity, 1e-45))],
  zero: [tensor([5, 7], new Float32Array(35)), tensor([0, 3], new Float32Array(0))],
  constant: [tensor([33], new Float32Array(33).fill(-0)), tensor([], Float32Array.of(3))],
  planes: [
    tensor(
      [20, 30],
      float(range(600, (i) => Math.fround(Math.round(Math.sin(i) * 1000) / 1024 + i / 2 ** 20))),
    ),
  ],
  lz: [
    tensor(
      [40, 50],
      float(range(2000, (i) => [0.1, 0.2, -0.3, 7, 9, 11, 13][((i * i) % 250) % 7] * (1 + ((i % 250) >> 3)))),
    ),
  ],
  rans: [
    tensor(
      [30, 40],
      float(
        range(1200, (i) => (((i * 7919) >> 3) % 15) - 7),
        (x) => x * 0.25 + 0,
      ),
    ),
  ],
  'ctx-fast': [
    tensor(
      [100, 10],
      float(fc3, (x) => x * 0.3 + Math.sign(x) * 0.01),
    ),
  ],
  'ctx-mix': [
    tensor(
      [5, 5, 1, 20],
      float(conv, (x) => x * 0.3 + Math.sign(x) * 0.01),
    ),
  ],
  'ctx-mix-tiles-fold': [
    tensor(
      [400, 75],
      float(fc2, (x) => x * 0.125),
    ),
  ],
  same: [
    tensor([6, 10], float(range(60, (i) => Math.sin(i)))),
    tensor([3], Float32Array.of(1, 2, 3)),
    tensor([60], float(range(60, (i) => Math.sin(i)))),
  ],
  predicted: [
    tensor([96, 8], predicted(waves(96, 8), grids['t0/kernel'])),
    tensor([20, 2, 8], predicted(waves(20, 16), grids['t1/kernel'])),
  ],
  halves: [
    tensor(
      [40, 25],
      float(fc3, (x) => x * 0.3125 * Math.abs(x)),
    ),
  ],
  'many-levels': [
    tensor([1000], Int32Array.from(range(1000, (i) => ((i * i * i) % 301) - 150)), { dtype: 'int32' }),
  ],
  types: [
    tensor([9], Uint8Array.from([1, 0, 0, 1, 0, 0, 0, 0, 1]), { dtype: 'bool' }),
    tensor([2, 3], Int32Array.of(-(2 ** 31), 2 ** 31 - 1, 0, 5, 5, 5), { dtype: 'int32' }),
    tensor([3], Float32Array.of(1, 2, 3, 4, 5, 6), { dtype: 'complex64' }),
    tensor([2], Uint8Array.of(2, 0, 0, 0, 104, 105, 0, 0, 0, 0), { dtype: 'string' }),
    tensor([64], Uint8Array.from(range(64, (i) => (i * i) % 9)), {
      quantization: { dtype: 'uint8', scale: 0.1, min: -0.5 },
    }),
    tensor([64], Uint16Array.from(range(64, (i) => i * 900)), {
      quantization: { dtype: 'uint16', scale: 1 / 3, min: 0 },
    }),
    tensor([64], Uint16Array.from(range(64, (i) => 0x3c00 + (i % 5))), {
      quantization: { dtype: 'float16' },
    }),
    tensor([2], Float32Array.of(1, 2), { group: 'model' }),
  ],
};
files['text-second-form'] = [tensor([2], Float32Array.of(1, 2))];
/** A text that is long enough for its second form: copies from 15 distances, and from others. */
const LAYERS = {
  'text-second-form': range(400, (i) => ({
    class_name: ['Dense', 'Conv2D', 'LSTM'][(i * i) % 3],
    config: {
      name: `block_${i % 23}/unit_${i}`,
      units: ((i * 37) % 512) + 1,
      activation: ['relu', 'tanh', 'linear'][((i * i) % 7) % 3],
      note: 'grün '.repeat(i % 41),
      of: range(i % 19, (k) => (k * i) % 11),
    },
  })),
};
const OPTIONS = {
  raw: { codecs: ['raw'] },
  planes: { codecs: ['planes'] },
  lz: { codecs: ['lz'] },
  rans: { codecs: ['rans'] },
  'ctx-fast': { codecs: ['ctx-fast'] },
  'ctx-mix': { codecs: ['ctx-mix'] },
  'ctx-mix-tiles-fold': { codecs: ['ctx-mix'], tileElements: 4000, effort: 9 },
  predicted: { grids },
  halves: { codecs: ['ctx-mix'] },
  'many-levels': { codecs: ['ctx-fast'] },
};

/** Payloads whose last two bytes are others, so that the two that are not stored matter: they are 0. */
const BEYOND = { planes: [12, 42], lz: [113, 97], 'ctx-fast': [72, 11], 'ctx-mix': [11, 131] };
for (const codec of Object.keys(BEYOND)) {
  const bits = Uint32Array.of(0xfffffffe, 0xfeffffff);
  const steps = float(range(200, (i) => Math.round(Math.sin(i) * 8) / 8));
  files[`beyond-${codec}`] = [tensor([200], steps), tensor([2], new Float32Array(bits.buffer))];
  OPTIONS[`beyond-${codec}`] = { codecs: [codec], sha256: false };
}

function crc32c(bytes, before = 0) {
  let c = ~before;
  for (const byte of bytes) {
    c ^= byte;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  }
  return ~c >>> 0;
}

/** Puts other bytes at the end of the first payload, and makes the checksums right. */
function forge(file, last) {
  const { headerBytes, tensors } = inspect(file);
  const payload = file.subarray(headerBytes, headerBytes + tensors[0].storedBytes);
  const view = new DataView(file.buffer);
  const before = crc32c(payload);
  let at = 26;
  while (view.getUint32(at, true) !== before) at++;
  payload.set(last, payload.length - last.length);
  view.setUint32(at, crc32c(payload), true);
  view.setUint32(16, crc32c(file.subarray(20, headerBytes), crc32c(file.subarray(0, 16))), true);
}

const names = process.argv.slice(2);
const known = JSON.parse(readFileSync(new URL('golden.json', here), 'utf8'));
const golden = names.length > 0 ? known.filter(({ file }) => !names.includes(file.slice(0, -4))) : [];
for (const [name, tensors] of Object.entries(files)) {
  if (names.length > 0 && !names.includes(name)) continue;
  const file = encode(
    {
      format: 'layers-model',
      generatedBy: 'golden',
      convertedBy: null,
      modelTopology: {
        class_name: 'Sequential',
        config: { name: 'sequential_1', layers: LAYERS[name] ?? [] },
      },
      userDefinedMetadata: { text: 'Grün, 緑, \u0000' },
      weightSpecs: tensors.map(({ data: _, ...spec }, i) => ({ name: `t${i}/kernel`, ...spec })),
      weightData: new Uint8Array(Buffer.concat(tensors.map(({ data }) => Buffer.from(data.buffer)))).buffer,
    },
    { license: 'CC0-1.0', sha256: true, ...OPTIONS[name] },
  );
  if (name.startsWith('beyond-')) forge(file, BEYOND[name.slice(7)]);
  writeFileSync(new URL(`${name}.esp`, here), file);
  const { weightData, ...rest } = decode(file);
  golden.push({
    file: `${name}.esp`,
    fileSha256: sha256(file),
    codecs: inspect(file).tensors.map(({ codec }) => codec),
    weightsSha256: sha256(weightData),
    artifactsSha256: sha256(Buffer.from(JSON.stringify(rest))),
  });
}
writeFileSync(new URL('golden.json', here), `${JSON.stringify(golden, null, 2)}\n`);
