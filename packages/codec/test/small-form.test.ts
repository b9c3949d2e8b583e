import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c } from '../src/bytes/crc32c.js';
import { codeLzWell } from '../src/coders/lz/encode.js';
import { RangeEncoder } from '../src/coders/range/encoder.js';
import { readHeader } from '../src/container/header.js';
import { decode, encode, inspect, type ModelArtifacts, verify } from '../src/index.js';
import { createDecoder, espalierRange } from '../src/streaming.js';
import { primer } from '../src/text/primer.js';
import { diff, patch } from '../src/update.js';

const seeded = (seed: number) => () => {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 2 ** 32;
};

/** A small net like LeNet-5, at levels of steps of four significant bits. */
function net(seed = 1, density = 0.4): ModelArtifacts {
  const random = seeded(seed);
  const shapes: [string, number[]][] = [
    ['conv1/kernel', [5, 5, 1, 6]],
    ['conv1/bias', [6]],
    ['fc1/kernel', [96, 24]],
    ['fc1/bias', [24]],
    ['fc2/kernel', [24, 10]],
    ['fc2/bias', [10]],
    ['unused', [3]],
  ];
  const tensors = shapes.map(([name, shape], k) => {
    const level = (): number => Math.ceil(-Math.log(random()) / 1.1) * (random() < 0.5 ? -1 : 1);
    const value = (): number => (random() < density ? level() * (1 + k / 8) * 2 ** -k : 0);
    return { name, shape, values: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, value) };
  });
  tensors[6].values.fill(0);
  return {
    modelTopology: { class_name: 'Sequential', config: { name: 'small', layers: [] } },
    format: 'layers-model',
    weightSpecs: tensors.map(({ name, shape }) => ({ name, shape, dtype: 'float32' as const })),
    weightData: tensors.map(({ values }) => values.buffer as ArrayBuffer),
  };
}

/** What the golden files hold. */
function written(): ModelArtifacts {
  const float = (n: number, f: (i: number) => number): Float32Array =>
    Float32Array.from({ length: n }, (_, i) => f(i));
  const data = [
    float(500, (i) => Math.round(3 * Math.sin(i * i)) * 0.09375),
    float(20, (i) => ((i * 7) % 5) - 2),
    float(480, (i) => ((i * i * i) % 11 ? 0 : ((i % 7) - 3) / 16)),
    float(12, () => 0),
    float(10, () => 0.5),
    Int32Array.of(5, 5, 5, 6),
    Int32Array.of(5, 5, 5, 6),
  ];
  return { weightData: data.map(({ buffer }) => buffer as ArrayBuffer) };
}

/** What TF.js saves of a LeNet-5 of 6 and 12 filters and 24 units, at levels. */
function lenet5(activation = 'linear'): ModelArtifacts {
  const texts = new TextDecoder().decode(primer(2)).split('[{"modelTopology"');
  const [meta, ...names] = JSON.parse(`[{"modelTopology"${texts[2]}`) as [ModelArtifacts, ...string[]];
  const { config } = meta.modelTopology as { config: { layers: { config: Record<string, unknown> }[] } };
  config.layers[0].config.filters = 6;
  config.layers[2].config.filters = 12;
  for (const at of [0, 2]) config.layers[at].config.activation = activation;
  config.layers[5].config.units = 24;
  const shapes = [[5, 5, 1, 6], [6], [5, 5, 6, 12], [12], [192, 24], [24], [24, 10], [10]];
  const steps = [0.140625, 0.21875, 0.0625, 0.171875, 0.0546875, 0.15625, 0.1015625, 0.1875];
  const random = seeded(5);
  const data = shapes.map((shape, k) =>
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => {
      const size = random() < 0.3 ? Math.ceil(-Math.log(random()) / (0.9 + k / 10)) : 0;
      return (random() < 0.5 ? -size : size) * steps[k] + 0;
    }),
  );
  return {
    ...meta,
    weightSpecs: names.map((name, k) => ({ name, shape: shapes[k], dtype: 'float32' as const })),
    weightData: data.map(({ buffer }) => buffer as ArrayBuffer),
  };
}

/** A file in a small form that has these contents, and no levels: what its header says. */
function forged(contents: number[], features: number): Uint8Array {
  const start = primer(features === 64 ? 3 : 2);
  const coder = new RangeEncoder();
  codeLzWell(coder, Uint8Array.from([...start, ...contents]), 3, start.length);
  const body = coder.finish();
  const file = new Uint8Array(Math.max(26, 20 + body.length));
  const view = new DataView(file.buffer);
  file.set([0x8a, 0x45, 0x53, 0x50, 0x0d, 0x0a, 0x1a, 0x0a, 1, 4]);
  view.setUint16(10, features, true);
  view.setUint16(12, file.length, true);
  view.setUint16(14, contents.length, true);
  file.set(body, 20);
  view.setUint32(16, crc32c(file, 20, file.length, crc32c(file, 0, 16)), true);
  return file;
}

const joined = ({ weightData }: ModelArtifacts): Buffer =>
  Buffer.concat((weightData as ArrayBuffer[]).map((part) => Buffer.from(part)));
const small = (artifacts: ModelArtifacts): Uint8Array => encode(artifacts, { small: true, effort: 3 });

describe('the small form', () => {
  it('gives back what went in, and takes less', () => {
    const given = net();
    const file = small(given);
    const { weightData, weightSpecs, ...meta } = decode(file);
    expect(Buffer.from(weightData).equals(joined(given))).toBe(true);
    expect(weightSpecs).toEqual(given.weightSpecs);
    expect(meta).toEqual({ modelTopology: given.modelTopology, format: 'layers-model' });
    expect([...file.subarray(8, 12)]).toEqual([1, 4, 64, 0]); // Which decoders before it refuse.
    expect(file.length).toBeLessThan(encode(given, { effort: 3 }).length - 90);
  });

  it('says how much each part takes, to the byte in all', () => {
    const file = small(net());
    const { headerBytes, tableBytes, textBytes, tensors, fileBytes } = inspect(file);
    expect(tensors.reduce((sum, { storedBytes }) => sum + storedBytes, headerBytes)).toBe(file.length);
    expect(fileBytes).toBe(file.length);
    expect(headerBytes).toBeLessThan(130);
    expect(textBytes + tableBytes).toBe(headerBytes - 20);
    expect(tableBytes).toBeLessThan(50);
    const kernel = tensors[2].storedBytes;
    const alone = inspect(encode(net(), { effort: 3, prefer: 'size' })).tensors[2].storedBytes;
    expect(Math.abs(kernel - alone)).toBeLessThanOrEqual(6);
  });

  it('comes in pieces, and by ranges', async () => {
    const given = net(2);
    const file = small(given);
    const decoder = createDecoder();
    const parts: Buffer[] = [];
    for (const byte of file)
      for (const { data } of decoder.write(Uint8Array.of(byte))) parts.push(Buffer.from(data));
    decoder.end();
    expect(Buffer.concat(parts).equals(joined(given))).toBe(true);
    expect(decoder.artifacts?.weightSpecs).toEqual(given.weightSpecs);
    const get = (async (_: unknown, init: RequestInit) => {
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(new Headers(init.headers).get('Range') ?? '') ?? [];
      const body = file.slice(Number(from), Number(to) + 1);
      return new Response(body, { status: 206 });
    }) as typeof fetch;
    const remote = await espalierRange('https://example.org/model.esp', { fetch: get });
    const data = await remote.tensor('fc1/bias');
    expect(Buffer.from(data).equals(Buffer.from((given.weightData as ArrayBuffer[])[3]))).toBe(true);
  });

  it('is taken for whatever nets it suits', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e6 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (seed, density) => {
          const given = net(seed, density);
          expect(Buffer.from(decode(small(given)).weightData).equals(joined(given))).toBe(true);
        },
      ),
      { numRuns: 15 },
    );
  });

  it('is not taken where a step has more bits, a SHA-256 is wanted, or what is there is not few values', async () => {
    const features = (file: Uint8Array): number => file[10];
    const given = net();
    expect(features(small(given))).toBe(64);
    const signed = encode(given, { small: true, sha256: true });
    expect(features(signed)).toBe(0);
    expect(await verify(signed)).toBe(true);
    expect(features(encode(given))).toBe(0);
    const third = Float32Array.from({ length: 96 * 24 }, (_, i) => ((i % 7) - 3) / 3);
    const data = given.weightData as ArrayBuffer[];
    expect(features(small({ ...given, weightData: data.with(2, third.buffer) }))).toBe(0);
    const noise = Float32Array.from({ length: 96 * 24 }, seeded(3));
    expect(features(small({ ...given, weightData: data.with(2, noise.buffer) }))).toBe(0);
  });

  it('keeps tensors that repeat others, integers and quantised ones', () => {
    const bytes = Uint8Array.from({ length: 60 }, (_, i) => [7, 7, 7, 9][i % 4]);
    const given: ModelArtifacts = {
      weightSpecs: [
        { name: 'a', shape: [60], dtype: 'float32', quantization: { dtype: 'uint8', scale: 0.5, min: -1 } },
        { name: 'b', shape: [60], dtype: 'bool' },
        { name: 'c', shape: [60], dtype: 'float32', quantization: { dtype: 'uint8', scale: 0.5, min: -1 } },
        { name: 'd', shape: [2, 2], dtype: 'int32' },
      ],
      weightData: [
        bytes.buffer,
        bytes.map((byte) => byte % 2).buffer,
        bytes.buffer,
        Int32Array.of(4, 4, 4, 5).buffer,
      ],
    };
    const file = small(given);
    expect(file[10]).toBe(64);
    const back = decode(file);
    expect(back.weightSpecs).toEqual(given.weightSpecs);
    expect(Buffer.from(back.weightData).equals(joined(given))).toBe(true);
  });

  it('refuses every changed byte, every end that is too early, and what comes after the end', () => {
    const file = small(net());
    for (let at = 0; at < file.length; at++) {
      const changed = file.slice();
      changed[at] ^= 1 + (at % 255);
      if (at !== 9) expect(() => decode(changed), `byte ${at}`).toThrow();
      expect(() => decode(file.subarray(0, at)), `${at} bytes`).toThrow();
    }
    expect(() => decode(Uint8Array.from([...file, 0]))).toThrow(/wrong length/);
  });

  it('refuses, or reads, whatever a forger seals', () => {
    const file = small(net());
    const random = seeded(9);
    const codes = new Set<string>();
    for (let i = 0; i < 400; i++) {
      const forged = file.slice();
      for (let k = 0; k <= i % 3; k++)
        forged[20 + Math.floor(random() * (file.length - 20))] = random() * 256;
      if (i % 4 === 0) forged[14] = random() * 256;
      const sealed = crc32c(forged, 20, forged.length, crc32c(forged, 0, 16));
      new DataView(forged.buffer).setUint32(16, sealed, true);
      try {
        decode(forged);
      } catch (error) {
        codes.add((error as { code: string }).code);
      }
    }
    for (const code of codes) expect(['header', 'payload', 'limit', 'version']).toContain(code);
    expect(codes.has('header') || codes.has('payload')).toBe(true);
  });

  it('is sent whole by an update, from it and to it', async () => {
    const ordinary = encode(net(2), { effort: 1 });
    for (const [old, next] of [
      [small(net()), ordinary],
      [ordinary, small(net())],
    ]) {
      const update = await diff(old, next);
      expect(update.length).toBeGreaterThan(next.length);
      expect(Buffer.compare(await patch(old, update), next)).toBe(0);
    }
  });

  it('refuses contents of no bytes: rule 4', () => {
    const file = small(net());
    file[14] = 0;
    file[15] = 0;
    expect(() => decode(file)).toThrow(/rule 4 /);
  });

  it.each(['small-form-first.esp', 'small-form.esp', 'small-form-third.esp'])(
    'is read as it was first written: %s',
    (name) => {
      const { weightData, weightSpecs } = decode(
        readFileSync(new URL(`./fixtures/${name}`, import.meta.url)),
      );
      const bytes = joined(written());
      expect(Buffer.from(weightData).equals(bytes)).toBe(true);
      expect(weightSpecs.map(({ shape }) => shape.join())).toEqual([
        '5,5,1,20',
        '20',
        '40,12',
        '12',
        '10',
        '4',
        '4',
      ]);
    },
  );

  it.each(['relu', 'linear'])('of a LeNet-5, %s, has at most 85 bytes that are no weights', (activation) => {
    const given = lenet5(activation);
    const file = encode(given, { small: true });
    const { headerBytes, tableBytes, textBytes } = inspect(file);
    expect(headerBytes).toBeLessThanOrEqual(activation === 'relu' ? 75 : 85);
    expect(textBytes).toBeLessThan(activation === 'relu' ? 10 : 30);
    expect(tableBytes + textBytes + 20).toBe(headerBytes);
    const { weightData, weightSpecs, ...meta } = decode(file);
    expect({ ...meta, weightSpecs }).toEqual({ ...given, weightData: undefined });
    expect(Buffer.from(weightData).equals(joined(given))).toBe(true);
  });

  it('says the widths of layers once, and keeps every text', () => {
    const kernel = Float32Array.from({ length: 12 }, (_, i) => (i % 3) - 1).buffer;
    const of = (config: object): ModelArtifacts => ({
      modelTopology: { config },
      weightSpecs: ['a', 'b'].map((name) => ({ name, shape: [3, 4], dtype: 'float32' as const })),
      weightData: [kernel, kernel],
    });
    const texts = (config: object): [number, boolean] => {
      const file = small(of(config));
      expect(decode(file).modelTopology).toEqual({ config });
      return [file.length, file[10] === 64];
    };
    const [both] = texts({ a: { units: 4 }, b: { filters: 4 } });
    const [first] = texts({ a: { units: 4 }, b: { filters: 5 } });
    expect(both).toBeLessThanOrEqual(first);
    // More layers than kernels, numbers that are no sizes, names that look like fields.
    texts({ a: { units: 4 }, b: { units: 4 }, c: { output_dim: 4 } });
    texts({ a: { units: 4.5 }, b: { units: 4e21 }, c: { units: -4 } });
    texts({ 'x"units': 4, y: '"units":4', z: '\\"units":4' });
    expect(texts({ name: '\x01' })[1]).toBe(false);
    expect(texts({ '\x01': 4 })[1]).toBe(false);
    expect(texts({ name: 'a\x01' })[1]).toBe(true);
  });

  it('is there for layers of more than 131,072 weights', () => {
    const random = seeded(4);
    const values = Float32Array.from({ length: 784 * 300 }, () =>
      random() < 0.01 ? (random() < 0.5 ? -0.5 : 1) : 0,
    );
    const given: ModelArtifacts = {
      weightSpecs: [{ name: 'fc', shape: [784, 300], dtype: 'float32' }],
      weightData: [values.buffer],
    };
    const file = small(given);
    expect(file[10]).toBe(64);
    expect(Buffer.from(decode(file).weightData).equals(joined(given))).toBe(true);
  });

  it('codes the few levels of a tensor as such, and not those of one of 16,384 elements', () => {
    const random = seeded(6);
    const values = Float32Array.from({ length: 16_384 }, () => Math.floor(-4 * Math.log(random())) / 8 - 1.5);
    const few = [16_383, 16_384].map((count) => {
      const given: ModelArtifacts = {
        weightSpecs: [{ name: 'w', shape: [1, count], dtype: 'float32' }],
        weightData: [values.slice(0, count).buffer],
      };
      const file = small(given);
      expect(file[10]).toBe(64);
      expect(Buffer.from(decode(file).weightData).equals(joined(given))).toBe(true);
      return (readHeader(file).tensors[0].levels?.tuning ?? 0) >> 10;
    });
    expect(few).toEqual([1, 0]);
  });

  it('refuses what its contents may not be, by its rule', () => {
    const text = [...Buffer.from('[{},"a","b"]')];
    const two = (first: number[], second: number[], end = text): number[] => [2, ...first, ...second, ...end];
    const plain = [31, 6, 1, 1, 200, 128];
    const refused = (contents: number[], features = 64): string => {
      try {
        readHeader(forged(contents, features));
      } catch (error) {
        return (error as Error).message;
      }
      return 'read';
    };
    expect(refused(two(plain, plain))).toBe('read');
    expect(refused(two(plain, [14, 1, 1, 200, 128]))).toBe('read'); // Of the size before.
    expect(refused(two([14, 1, 1, 200, 128], plain))).toContain('rule 10 ');
    expect(refused(two(plain, [46, 12, 4, 1, 1, 200, 128]))).toBe('read');
    expect(refused(two(plain, [46, 10, 4, 1, 1, 200, 128]))).toContain('rule 39 ');
    expect(refused(two(plain, [63, 2, 2, 2, 1, 1, 200, 128]))).toContain('rule 8 ');
    for (const type of [14, 46, 78])
      expect(refused(two(plain, [type, 12, 4, 1, 1, 200, 128]), 32)).toContain('rule 8 ');
    const width = (count: number): number[] => [
      ...Buffer.from(`[{"n":[${'"\\u0001",'.repeat(count)}0]},"a","b"]`),
    ];
    expect(refused(two(plain, [47, 12, 4, 1, 1, 200, 128], width(1)))).toBe('read');
    expect(refused(two(plain, [47, 12, 4, 1, 1, 200, 128], width(2)))).toContain('rule 30 ');
    const many = [128, 128, 1]; // 2^14 by 2^10 elements in some dozen bytes.
    expect(refused(two(plain, [47, ...many, 128, 8, 1, 1, 200, 128]))).toContain('rule 13 ');
  });

  it('keeps sizes that are those of the tensor before, or 0 behind a scalar', () => {
    const shapes = [[3, 4], [4], [4, 4, 1], [1], [], [2], []];
    const given: ModelArtifacts = {
      weightSpecs: shapes.map((shape, i) => ({ name: `${i}`, shape, dtype: 'float32' as const })),
      weightData: shapes.map((shape) => new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5).buffer),
    };
    const file = small(given);
    expect(file[10]).toBe(64);
    expect(decode(file).weightSpecs).toEqual(given.weightSpecs);
    const empty: ModelArtifacts = {
      weightSpecs: [{ name: 'none', shape: [0, 2], dtype: 'float32' }],
      weightData: new ArrayBuffer(0),
    };
    expect(small(empty)[10]).toBe(0);
    expect(decode(small(empty)).weightSpecs).toEqual(empty.weightSpecs);
  });

  it('has a primer that never changes', () => {
    const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
    expect(sha256(primer())).toBe('3112524734af20b29bd69f3bfef5e13137b5ed3d470bf9a81195c64a42fbcdaf');
    expect(primer(1).subarray(0, primer().length)).toEqual(primer());
    expect([primer(1).length, sha256(primer(1))]).toEqual([
      4401,
      '4f274ed5e0c17a803abff9667389531f0a24ce11de6054a0e1bfaaf0ab872e7b',
    ]);
    expect([primer(2).length, sha256(primer(2))]).toEqual([
      4398,
      '147d8c568116f4c6927b375714656aa1e6844dfcdc37da537708d67dea9470c3',
    ]);
    expect([primer(3).length, sha256(primer(3))]).toEqual([
      4417,
      'cf4d70f8ac1d53f2b34797a99e828b8ca4e6e220844efa7b0c964834b9482f4d',
    ]);
  });
});
