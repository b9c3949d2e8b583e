/**
 * Damages files on purpose, with right checksums, and looks at what the decoder does: it must answer with a model or an
 * EspError, soon, and within its memory. Prints JSON; exit code 1 when anything else happened.
 *
 *   npm run build && node bench/fuzz.mjs [--memory 0] [--headers 10000000] [--payloads 1000000] [--seed 1] [--default-limits]
 *
 * With default limits no input may take more processor time than 50 ms and 1 s for each 16 MiB that it declares, weights and
 * text. One that does is tried twice more, for the machine may have been busy: the least time counts.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';

const { values } = parseArgs({
  options: {
    headers: { type: 'string', default: '10000000' },
    payloads: { type: 'string', default: '1000000' },
    memory: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    'default-limits': { type: 'boolean', default: false },
  },
});
let seed = Number(values.seed) >>> 0;
const random = (below) => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * below);
};

// Counts what the decoder allocates, once switched on: typed arrays are made by these counting ones, which cost time: for
// a long run use `--memory 0`, and another short one for memory.
let counting = false;
let allocated = 0;
const NATIVE = {};
for (const name of [
  'ArrayBuffer',
  'Uint8Array',
  'Int8Array',
  'Uint16Array',
  'Int16Array',
  'Uint32Array',
  'Int32Array',
  'Float64Array',
]) {
  const Native = globalThis[name];
  NATIVE[name] = Native;
  if (Number(values.memory) === 0) continue;
  globalThis[name] = new Proxy(Native, {
    construct(target, args, self) {
      const made = Reflect.construct(target, args, self === globalThis[name] ? target : self);
      if (counting && !(args[0] instanceof NATIVE.ArrayBuffer)) allocated += made.byteLength;
      return made;
    },
  });
}
const { decode, encode, EspError, inspect } = await import('@espalier/codec');
// Nobody reads the stacks of millions of errors.
Error.stackTraceLimit = 0;

const CRC = NATIVE.Int32Array.from({ length: 256 }, (_, i) => {
  let c = i;
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
  return c;
});
function crc32c(bytes, start, end, before = 0) {
  let c = ~before;
  for (let i = start; i < end; i++) c = CRC[(c ^ bytes[i]) & 255] ^ (c >>> 8);
  return ~c >>> 0;
}

/** Small files with every codec, type and shape in them. */
function samples() {
  const url = new URL('../packages/codec/test/fixtures/lenet-5-99-conv1.bin.gz', import.meta.url);
  const levels = new NATIVE.Int8Array(gunzipSync(readFileSync(url)));
  const sparse = Float32Array.from(levels, (x) => x * 0.3);
  const noise = Float32Array.from({ length: 60 }, (_, i) => Math.sin(i * 77.7));
  const files = [];
  const add = (shape, data, more = {}, codecs) => {
    const artifacts = {
      weightSpecs: [{ name: 'w', shape, dtype: 'float32', ...more }],
      weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength),
    };
    files.push(encode(artifacts, codecs ? { codecs, tileElements: 200 } : {}));
  };
  for (const codec of ['ctx-mix', 'ctx-fast', 'rans', 'lz', 'planes'])
    add([5, 5, 1, 20], sparse, {}, [codec]);
  for (const codec of ['ctx-mix', 'ctx-fast', 'rans', 'lz', 'planes']) {
    add(
      [500],
      Int32Array.from({ length: 500 }, (_, i) => (i * i) % 41),
      { dtype: 'int32' },
      [codec],
    );
  }
  add([60], noise);
  add([3, 4], new Float32Array(12));
  add([12], new Float32Array(12).fill(2));
  add(
    [200],
    Uint8Array.from({ length: 200 }, (_, i) => (i * 7) % 50),
    { quantization: { dtype: 'uint8', scale: 0.1, min: -1 } },
  );
  add([2], Uint8Array.of(2, 0, 0, 0, 104, 105, 0, 0, 0, 0), { dtype: 'string' });
  const exponents = Array.from({ length: 20 }, (_, i) => (i * i) % 7);
  const widths = exponents.map(
    (e) => 0.5 * [1, 1.189207115002721, Math.SQRT2, 1.681792830507429][e & 3] * (1 << (e >> 2)),
  );
  files.push(
    encode(
      {
        weightSpecs: [{ name: 'w', shape: [25, 20], dtype: 'float32' }],
        weightData: Float32Array.from(levels, (level, i) => level * widths[i % 20]).buffer,
      },
      { grids: { w: { step: 0.5, exponents: [undefined, exponents] } } },
    ),
  );
  // Predicted: a damped wave in each of four lanes.
  const coefficients = [1.75, -0.875, 1.5, -0.75, 1, 0, 0.5, 0.25];
  const waves = new Float32Array(200);
  for (let i = 0; i < 200; i++) {
    let expected = 0;
    for (let k = 2; k > 0; k--) expected += coefficients[2 * (i % 4) + k - 1] * (waves[i - 4 * k] ?? 0);
    waves[i] = levels[i] * 0.5 + expected;
  }
  files.push(
    encode(
      {
        weightSpecs: [{ name: 'w', shape: [50, 4], dtype: 'float32' }],
        weightData: waves.buffer,
      },
      {
        grids: {
          w: { step: 0.5, exponents: [undefined, undefined], prediction: { distance: 4, coefficients } },
        },
      },
    ),
  );
  // A text that is long enough for its second form.
  const layers = Array.from({ length: 1200 }, (_, i) => ({
    name: `layer_${i}`,
    units: (i * 37) % 64,
    of: [i % 7],
  }));
  files.push(
    encode({
      modelTopology: { note: 'x'.repeat(20_000), layers },
      weightSpecs: [{ name: 'w', shape: [60], dtype: 'float32' }],
      weightData: noise.buffer,
    }),
  );
  const parts = [sparse, noise, new Float32Array(9)];
  files.push(
    encode({
      format: 'layers-model',
      modelTopology: { class_name: 'Sequential', config: { layers: [] } },
      weightSpecs: parts.map((part, i) => ({ name: `t${i}`, shape: [part.length], dtype: 'float32' })),
      weightData: new NATIVE.Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part.buffer)))).buffer,
    }),
  );
  return files;
}

const INTERESTING = [0, 1, 2, 3, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 129, 254, 255];
const byDefault = values['default-limits'];
const LIMITS = byDefault ? {} : { elements: 2 ** 20, decodedBytes: 2 ** 22 };

/** Milliseconds of processor time that a file may take at default limits. */
function allowed(file) {
  let declared = 0;
  try {
    declared = inspect(file).decodedBytes + inspect(file).textBytes;
  } catch {
    // What is refused by its header declares nothing.
  }
  return 50 + (1000 * declared) / 2 ** 24;
}

/** The least of two more times. */
function again(file) {
  let least = Infinity;
  for (let i = 0; i < 2; i++) {
    const start = process.cpuUsage();
    try {
      decode(file);
    } catch {
      // It was looked at before.
    }
    const { user, system } = process.cpuUsage(start);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

/** Changes the header of a file, then makes its lengths and checksum right (mostly). */
function mutateHeader({ file, headerBytes }) {
  let header = Array.from(file.subarray(0, headerBytes));
  for (let n = 1 + random(4); n > 0; n--) {
    const at = random(20) === 0 ? random(26) : 26 + random(header.length - 26);
    const kind = random(6);
    if (kind === 0) header[at] ^= 1 << random(8);
    else if (kind === 1) header[at] = random(256);
    else if (kind === 2) header[at] = INTERESTING[random(INTERESTING.length)];
    else if (kind === 3)
      header.splice(at, 0, ...Array.from({ length: 1 + random(4) }, () => (random(2) ? 255 : random(256))));
    else if (kind === 4 && header.length > 40) header.splice(at, 1 + random(3));
    else {
      const from = 26 + random(header.length - 26);
      header = [...header.slice(0, at), ...header.slice(from, from + 1 + random(12)), ...header.slice(at)];
    }
  }
  const out = new NATIVE.Uint8Array(header.length + file.length - headerBytes);
  out.set(header);
  out.set(file.subarray(headerBytes), header.length);
  const view = new DataView(out.buffer);
  if (random(10) > 0) {
    view.setUint32(12, header.length, true);
    view.setUint32(20, out.length, true);
    view.setUint16(24, 0, true);
  }
  const length = Math.min(out.length, Math.max(26, view.getUint32(12, true)));
  view.setUint32(16, crc32c(out, 20, length, crc32c(out, 0, 16)), true);
  return out;
}

/** Where a payload's checksum is in the header, found by its value. */
function findChecksum(file, headerBytes, crc) {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = 26; at + 4 <= headerBytes; at++) if (view.getUint32(at, true) === crc) return at;
  throw new Error('no checksum');
}

/** Changes one payload and makes its checksum, and the header's, right. */
function mutatePayload(file, place) {
  const out = file.slice();
  for (let n = 1 + random(4); n > 0; n--) {
    const at = place.start + random(place.length);
    const kind = random(3);
    if (kind === 0) out[at] ^= 1 << random(8);
    else if (kind === 1) out[at] = random(256);
    else out.fill(random(2) ? 0 : 255, at, Math.min(place.start + place.length, at + 1 + random(8)));
  }
  const view = new DataView(out.buffer);
  view.setUint32(place.checksum, crc32c(out, place.start, place.start + place.length), true);
  view.setUint32(16, crc32c(out, 20, place.header, crc32c(out, 0, 16)), true);
  return out;
}

const outcome = { tried: 0, accepted: 0, refused: {}, slowestMs: 0, largestAllocation: 0, failures: [] };
function run(file, memory) {
  outcome.tried++;
  allocated = 0;
  counting = memory;
  // Processor time: the machine may be busy with other things.
  const start = process.cpuUsage();
  let decoded = 0;
  try {
    decoded = decode(file, LIMITS).weightData.byteLength;
    outcome.accepted++;
  } catch (error) {
    if (error instanceof EspError) outcome.refused[error.code] = (outcome.refused[error.code] ?? 0) + 1;
    else outcome.failures.push({ what: String(error), file: Buffer.from(file).toString('base64') });
  }
  counting = false;
  const { user, system } = process.cpuUsage(start);
  const ms = (user + system) / 1000;
  outcome.slowestMs = Math.max(outcome.slowestMs, ms);
  if (byDefault && ms > 50 && ms > allowed(file)) {
    const least = again(file);
    if (least > allowed(file))
      outcome.failures.push({ what: `took ${least} ms`, file: Buffer.from(file).toString('base64') });
  } else if (ms > 2000)
    outcome.failures.push({ what: `took ${ms} ms`, file: Buffer.from(file).toString('base64') });
  if (memory) {
    // What is decoded before an error counts as declared too: at most the limit.
    const beyond = allocated - Math.max(decoded, 0);
    outcome.largestAllocation = Math.max(outcome.largestAllocation, beyond);
    if (beyond > LIMITS.decodedBytes + 2 ** 24) {
      outcome.failures.push({ what: `allocated ${allocated}`, file: Buffer.from(file).toString('base64') });
    }
  }
}

const files = samples();
const measured = files.map((file) => ({ file, headerBytes: inspect(file).headerBytes }));
const payloads = files.flatMap((file) => {
  const { headerBytes, tensors } = inspect(file);
  // Only single-tile tensors have their payload's place in the report.
  let start = headerBytes;
  return tensors.flatMap(({ storedBytes, tiles }) => {
    const place = { start, length: storedBytes, header: headerBytes };
    start += storedBytes;
    if (storedBytes === 0 || tiles !== 1) return [];
    place.checksum = findChecksum(file, headerBytes, crc32c(file, place.start, place.start + storedBytes));
    return [{ file, place }];
  });
});
const began = performance.now();
for (let i = 0; i < Number(values.headers); i++)
  run(mutateHeader(measured[i % measured.length]), i < Number(values.memory));
for (let i = 0; i < Number(values.payloads); i++) {
  const { file, place } = payloads[i % payloads.length];
  run(mutatePayload(file, place), i < Number(values.memory));
}
// Every single bit, and every length.
let flips = 0;
let missed = 0;
for (const file of files) {
  for (let i = 0; i < file.length * 8; i++) {
    const bad = file.slice();
    bad[i >> 3] ^= 1 << (i & 7);
    flips++;
    try {
      decode(bad);
      missed++;
    } catch (error) {
      if (!(error instanceof EspError)) outcome.failures.push({ what: String(error), flip: i });
    }
  }
  for (let length = 0; length < file.length; length++) {
    flips++;
    try {
      decode(file.slice(0, length));
      missed++;
    } catch (error) {
      if (!(error instanceof EspError)) outcome.failures.push({ what: String(error), length });
    }
  }
}
outcome.failures.splice(20);
const seconds = Math.round((performance.now() - began) / 100) / 10;
const { headers, memory } = values;
console.log(
  JSON.stringify(
    {
      headers: Number(headers),
      payloads: Number(values.payloads),
      memoryChecked: 2 * Number(memory),
      ...outcome,
      flipsAndTruncations: flips,
      missed,
      seconds,
    },
    null,
    2,
  ),
);
process.exitCode = outcome.failures.length > 0 || missed > 0 ? 1 : 0;
