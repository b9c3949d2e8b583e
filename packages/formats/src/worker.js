// The worker in which other people's parsers run: a file that makes them spin or grow ends with the worker. Plain JavaScript, for a
// worker is started from a file as it lies here. It gets { task, bytes } and answers { result } or { error, code }.
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { parentPort } from 'node:worker_threads';
import { decodeBmp } from './pictures/bmp.js';

/** What is read at most, far beyond what any model has. */
const most = { objects: 100_000, depth: 64, text: 1 << 28 };

/** Attributes that Keras writes and we read; all of them are texts. */
const wanted = /^(model_config|keras_version|backend|dtype|name|layer_names\d*|weight_names\d*)$/;

/** State of optimizers, which is not part of a model. */
const left = ['optimizer', 'optimizer_weights'];

class Refusal extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

let loaded;
const diagnostics = [];

/** The HDF5 library on a file system in memory: it cannot reach this machine's. */
async function library() {
  if (loaded) return loaded;
  // It tells its errors on the console.
  console.error = (...texts) => diagnostics.length < 1000 && diagnostics.push(texts.join(' '));
  console.warn = console.error;
  let h5wasm;
  try {
    h5wasm = await import('h5wasm');
  } catch (cause) {
    if (cause.code === 'ERR_MODULE_NOT_FOUND') throw new Refusal('missing-package', 'h5wasm');
    throw cause;
  }
  const { FS } = await h5wasm.ready;
  // Devices, which external storage might name.
  for (const name of ['stdin', 'stdout', 'stderr', 'tty', 'tty1', 'random', 'urandom', 'null']) {
    try {
      FS.unlink(`/dev/${name}`);
    } catch {} // This build has none.
  }
  loaded = { ...h5wasm, FS };
  return loaded;
}

/** Everything that is stored elsewhere is refused by name. */
function refuseOutside(path, what) {
  throw new Refusal('outside', `${path} ${what}`);
}

async function hdf5(bytes) {
  const h5 = await library();
  const { FS, Module } = h5;
  diagnostics.length = 0;
  const name = `/${crypto.randomUUID()}`;
  FS.writeFile(name, bytes, { canOwn: true });
  const file = new h5.File(name, 'r');
  const groups = [];
  const datasets = [];
  let objects = 0;
  // Deflate makes a thousandth at best; beyond that a file only claims to hold something.
  let budget = Math.min(2 ** 31 - 1, 1100 * bytes.length);
  const described = (path, { attrs }) => {
    const texts = {};
    for (const [key, attribute] of Object.entries(attrs)) {
      if (!wanted.test(key)) continue;
      const { total_size: count, size, type } = attribute.metadata;
      // An empty list has lost its type: h5py writes it as numbers.
      if (count === 0) texts[key] = [];
      if (count === 0 || type !== h5.Module.H5T_class_t.H5T_STRING.value) continue;
      if (!(count * size <= most.text))
        throw new Refusal('damaged', `the attribute ${key} of ${path} does not fit`);
      const { value } = attribute;
      texts[key] = (Array.isArray(value) ? value : [value]).map(String);
    }
    return texts;
  };
  const read = (path, dataset) => {
    const { metadata } = dataset;
    const { shape, size, total_size: count, type, signed, virtual_sources: sources } = metadata;
    if (sources?.length > 0) refuseOutside(path, 'is a virtual dataset, whose numbers lie in other files');
    const length = shape === null ? 0 : size * count;
    if (!(length <= budget))
      throw new Refusal('damaged', `${path} claims ${length} bytes, more than the file can hold`);
    budget -= length;
    const entry = { path, shape, size, type, signed, texts: described(path, dataset) };
    if (metadata.vlen) return datasets.push({ ...entry, bytes: new Uint8Array(0), vlen: true });
    const at = Module._malloc(Math.max(1, length));
    if (at === 0) throw new Refusal('memory', path);
    try {
      Module.HEAPU8.fill(0, at, at + length);
      const status =
        shape === null
          ? 0
          : Module.get_dataset_data(dataset.file_id, dataset.path, null, null, null, BigInt(at));
      if (status < 0 || diagnostics.length > 0) {
        if (diagnostics.some((line) => line.includes('External file list') || line.includes('H5Defl'))) {
          refuseOutside(path, 'has external storage: its numbers lie in another file');
        }
        // Szip has patents, and those from 256 on are other people's.
        const filter = dataset.filters.find(({ id }) => id === 4 || id >= 256);
        if (filter)
          throw new Refusal('filter', `${path} went through the filter ${filter.name || filter.id}`);
        throw new Refusal('damaged', `${path} cannot be read`);
      }
      datasets.push({ ...entry, bytes: Module.HEAPU8.slice(at, at + length) });
    } finally {
      Module._free(at);
    }
  };
  const walk = (group, path, depth) => {
    if (depth > most.depth)
      throw new Refusal('damaged', `its groups lie in each other more than ${most.depth} deep`);
    const keys = group.keys();
    groups.push({ path, texts: described(path, group), keys });
    for (const key of keys) {
      if (++objects > most.objects) throw new Refusal('damaged', `it has more than ${most.objects} objects`);
      if (depth === 0 && left.includes(key)) continue;
      const inner = `${path}${path === '' ? '' : '/'}${key}`;
      const child = group.get(key);
      if (child instanceof h5.ExternalLink)
        refuseOutside(inner, `is an external link, into ${child.filename}`);
      if (child instanceof h5.Group) walk(child, inner, depth + 1);
      else if (child instanceof h5.Dataset) read(inner, child);
    }
  };
  try {
    if (file.file_id < 0n) throw new Refusal('damaged', 'it is not whole');
    walk(file, '', 0);
    return { groups, datasets };
  } finally {
    if (file.file_id >= 0n) file.close();
    FS.unlink(name);
  }
}

async function png(bytes) {
  const { decode } = await import('fast-png');
  const { width, height, channels, depth, data, palette, transparency } = decode(bytes);
  return { width, height, channels, depth, data, palette, transparency };
}

async function jpeg(bytes) {
  const { default: decoder } = await import('jpeg-js');
  const { width, height, data } = decoder.decode(bytes, {
    useTArray: true,
    formatAsRGBA: false,
    maxMemoryUsageInMB: 2048,
  });
  return { width, height, channels: 3, depth: 8, data };
}

/** The WebP decoder as a WebAssembly module: each picture has an instance, so that none keeps the memory of a large one. */
let webpModule;

async function webp(bytes) {
  const { default: decode, init } = await import('@jsquash/webp/decode.js');
  if (webpModule === undefined) {
    const file = createRequire(import.meta.url).resolve('@jsquash/webp/codec/dec/webp_dec.wasm');
    webpModule = await WebAssembly.compile(await readFile(file));
  }
  await init(webpModule);
  const { width, height, data } = await decode(bytes);
  return { width, height, channels: 4, depth: 8, data };
}

/** The first picture of those in a file. */
async function gif(bytes) {
  const { GifReader } = await import('omggif');
  const reader = new GifReader(bytes);
  const { width, height } = reader;
  const data = new Uint8Array(4 * width * height);
  reader.decodeAndBlitFrameRGBA(0, data);
  return { width, height, channels: 4, depth: 8, data };
}

const tasks = { hdf5, png, jpeg, webp, gif, bmp: decodeBmp };

parentPort?.on('message', async ({ task, bytes }) => {
  try {
    const result = await tasks[task](bytes);
    const all = result.datasets?.map((one) => one.bytes.buffer) ?? [result.data.buffer];
    parentPort?.postMessage({ result, heap: loaded?.Module.HEAPU8.length ?? 0 }, [...new Set(all)]);
  } catch (error) {
    // A trap of WebAssembly leaves the library as it was in the middle of something. Those of pictures keep nothing.
    const broken =
      task === 'hdf5' && (error instanceof WebAssembly.RuntimeError || error instanceof RangeError);
    parentPort?.postMessage({
      error: String(error?.message ?? error),
      code: error?.code ?? 'damaged',
      broken,
    });
  }
});
