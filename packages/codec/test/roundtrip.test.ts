import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  type CodecName,
  decode,
  type EncodeOptions,
  EspError,
  encode,
  inspect,
  type ModelArtifacts,
  verify,
  type WeightSpec,
} from '../src/index.js';
import { levelCases } from './fixtures.js';

const bytes = (data: ArrayBuffer | ArrayBufferView): Buffer =>
  ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data);

/** Encodes one tensor, checks that it comes back bit for bit, and tells how it was stored. */
function roundTrip(
  data: ArrayBufferView,
  shape: number[],
  more: Partial<WeightSpec> = {},
  options: EncodeOptions = {},
) {
  const spec: WeightSpec = { name: 'w', shape, dtype: 'float32', ...more };
  const weightData = new Uint8Array(bytes(data)).buffer;
  const file = encode({ weightSpecs: [spec], weightData }, options);
  const back = decode(file);
  expect(bytes(back.weightData).equals(bytes(weightData))).toBe(true);
  expect(back.weightSpecs).toEqual([spec]);
  return inspect(file).tensors[0];
}

/** Repeatable noise in [0, 1). */
function noise(seed: number): () => number {
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
}

describe('encode and decode', () => {
  it('keeps pruned, quantised matrices in codebook and indices', () => {
    for (const { levels, shape } of levelCases()) {
      const data = Float32Array.from(levels, (level) => level * 0.03 + Math.sign(level) * 0.011);
      const row = roundTrip(data, shape, {}, { effort: 1 });
      expect(row.distinct).toBe(new Set(levels).size);
      expect(row.storedBytes).toBeLessThan(data.length / 3);
    }
  });

  it('recognises a uniform step and needs no list of values', () => {
    const next = noise(1);
    const data = Float32Array.from({ length: 5000 }, () => Math.fround(Math.round(next() * 8 - 4) * 0.013));
    // 0 * step is +0 everywhere: -0 would be another value.
    const clean = data.map((x) => (x === 0 ? 0 : x));
    const file = encode({
      weightSpecs: [{ name: 'w', shape: [5000], dtype: 'float32' }],
      weightData: clean.buffer,
    });
    expect(inspect(file).headerBytes).toBeLessThan(80);
    expect(bytes(decode(file).weightData).equals(bytes(clean))).toBe(true);
  });

  it('keeps the bits of -0, NaN payloads and infinities', () => {
    const bits = [0x80000000, 0, 0x7fc00001, 0xffc12345, 0x7f800000, 0xff800000, 1, 0x80000001];
    const few = Uint32Array.from({ length: 4096 }, (_, i) => bits[(i * i + (i >> 3)) % bits.length]);
    roundTrip(few, [64, 64]);
    const next = noise(2);
    const many = Uint32Array.from({ length: 5000 }, () => Math.floor(next() * 2 ** 32));
    roundTrip(many, [5000]);
    roundTrip(Float32Array.of(-0, -0), [2]);
    roundTrip(Float32Array.of(-0, 0), [2]);
  });

  it('packs dense floats by byte planes', () => {
    const next = noise(3);
    const data = Float32Array.from({ length: 20000 }, () => (next() + next() + next() - 1.5) * 0.1);
    const row = roundTrip(data, [100, 200]);
    expect(row.codec).toBe('planes');
    expect(row.storedBytes).toBeLessThan(data.byteLength * 0.9);
  });

  it('needs no payload for zeros and constants', () => {
    expect(roundTrip(new Float32Array(1000), [10, 100])).toMatchObject({ codec: 'zero', storedBytes: 0 });
    expect(roundTrip(new Float32Array(1000).fill(1), [1000])).toMatchObject({
      codec: 'constant',
      storedBytes: 0,
    });
  });

  it('takes every type and shape of tf.io', () => {
    const next = noise(4);
    const random = (n: number, top: number): number[] =>
      Array.from({ length: n }, () => Math.floor(next() * top));
    roundTrip(
      Int32Array.from(random(300, 9), (x) => x - 4),
      [3, 100],
      { dtype: 'int32' },
    );
    roundTrip(Int32Array.of(-(2 ** 31), 2 ** 31 - 1, 0), [3], { dtype: 'int32' });
    roundTrip(Uint8Array.from(random(77, 2)), [7, 11], { dtype: 'bool' });
    roundTrip(Float32Array.from(random(40, 3)), [20], { dtype: 'complex64' });
    roundTrip(Uint8Array.from(random(999, 256)), [999], {
      quantization: { dtype: 'uint8', scale: 0.1, min: -3.7 },
    });
    roundTrip(Uint16Array.from(random(600, 40)), [3, 200], {
      quantization: { dtype: 'uint16', scale: 1 / 3, min: 0 },
    });
    roundTrip(Uint16Array.from(random(600, 65536)), [600], { quantization: { dtype: 'float16' } });
    roundTrip(Uint16Array.from(random(600, 7)), [600], { quantization: { dtype: 'float16' } });
    roundTrip(Uint8Array.from(random(60, 5)), [60], {
      dtype: 'int32',
      quantization: { dtype: 'uint8', scale: 2, min: 1 },
    });
    roundTrip(Float32Array.of(3.25), []);
    roundTrip(new Float32Array(0), [0, 5]);
    roundTrip(Float32Array.from(random(2 * 3 * 2 * 3 * 2, 3)), [2, 3, 2, 3, 2]);
    roundTrip(Float32Array.from(random(64, 3)), [2, 2, 2, 2, 2, 2, 1, 1]);
    roundTrip(Uint8Array.of(2, 0, 0, 0, 104, 105, 0, 0, 0, 0), [2], { dtype: 'string' });
  });

  it('keeps misaligned tensors of a mixed file apart', () => {
    const weightData = new ArrayBuffer(5 + 4000 + 6);
    new Uint8Array(weightData).forEach((_, i, all) => {
      all[i] = i < 5 ? 1 : i % 4 === 0 ? 0 : (i >> 5) & 3;
    });
    const weightSpecs: WeightSpec[] = [
      { name: 'a', shape: [5], dtype: 'bool' },
      { name: 'b', shape: [20, 50], dtype: 'float32' },
      { name: 'c', shape: [3], dtype: 'float32', quantization: { dtype: 'float16' } },
    ];
    const back = decode(encode({ weightSpecs, weightData }));
    expect(bytes(back.weightData).equals(bytes(weightData))).toBe(true);
  });

  it('keeps every artifact, and names as they are', () => {
    const artifacts: ModelArtifacts = {
      modelTopology: { node: [{ name: 'x', op: 'Const' }], deep: { list: [1, null, 'ü', { e: 1e-7 }] } },
      format: 'graph-model',
      generatedBy: '2.3.0',
      convertedBy: null,
      signature: { inputs: { x: { name: 'x:0' } } },
      userDefinedMetadata: { labels: ['ä', 'line\nbreak'], __proto__x: 1 },
      modelInitializer: { node: [] },
      initializerSignature: { outputs: {} },
      weightSpecs: [
        { name: 'a\nb', shape: [1], dtype: 'float32' },
        { name: '__proto__', shape: [1], dtype: 'float32', group: 'model' },
        { name: '"quoted"\\', shape: [1], dtype: 'float32' },
      ],
      weightData: Float32Array.of(1, 2, 3).buffer,
    };
    const { weightData, ...rest } = decode(encode(artifacts, { license: 'MIT' }));
    const { weightData: original, ...wanted } = artifacts;
    expect(rest).toEqual(wanted);
    expect(bytes(weightData).equals(bytes(original as ArrayBuffer))).toBe(true);
    expect(inspect(encode(artifacts, { license: 'MIT' })).license).toBe('MIT');
  });

  it('carries a SHA-256 that other software agrees with', async () => {
    const weightData = Float32Array.from({ length: 500 }, (_, i) => Math.sin(i)).buffer;
    const artifacts: ModelArtifacts = {
      weightSpecs: [{ name: 'w', shape: [500], dtype: 'float32' }],
      weightData,
    };
    const file = encode(artifacts, { sha256: true });
    const { sha256, headerBytes } = inspect(file);
    expect(sha256).toBe(createHash('sha256').update(file.subarray(headerBytes)).digest('hex'));
    expect(await verify(file)).toBe(true);
    expect(await verify(encode(artifacts))).toBe(false);
  });

  it('keeps fields in their order, but for the attributes of a graph', () => {
    const graph = { node: [{ name: 'n', attr: { b: 1, a: 2 } }] };
    const { modelTopology, userDefinedMetadata } = decode(
      encode({ modelTopology: graph, userDefinedMetadata: graph }),
    );
    expect(JSON.stringify(userDefinedMetadata)).toBe(JSON.stringify(graph));
    expect(JSON.stringify(modelTopology)).toBe('{"node":[{"name":"n","attr":{"a":2,"b":1}}]}');
  });

  it('takes a licence as an option alone, and a text', () => {
    for (const key of ['license', 'sha256'])
      expect(() => encode({ [key]: 'MIT' } as ModelArtifacts)).toThrow(
        expect.objectContaining({ code: 'input', message: expect.stringContaining(`"${key}"`) }),
      );
    expect(() => encode({}, { license: 5 as unknown as string })).toThrow(
      expect.objectContaining({ code: 'option' }),
    );
    expect(inspect(encode({}, { license: '' })).license).toBe('');
  });

  it('leaves the optimizer out unless asked for it', () => {
    const artifacts: ModelArtifacts = {
      weightSpecs: [
        { name: 'w', shape: [1], dtype: 'float32' },
        { name: 'w/m', shape: [2], dtype: 'float32', group: 'optimizer' },
      ],
      weightData: Float32Array.of(1, 2, 3).buffer,
    };
    expect(decode(encode(artifacts)).weightSpecs).toHaveLength(1);
    expect(decode(encode(artifacts)).weightData.byteLength).toBe(4);
    expect(decode(encode(artifacts, { optimizer: true })).weightSpecs).toEqual(artifacts.weightSpecs);
  });

  it('refuses what it cannot keep', () => {
    const spec: WeightSpec = { name: 'w', shape: [2], dtype: 'float32' };
    const weightData = new ArrayBuffer(8);
    const cases: [ModelArtifacts, string][] = [
      [{ weightSpecs: [spec], weightData: new ArrayBuffer(7) }, 'input'],
      [{ weightSpecs: [spec], weightData: new ArrayBuffer(12) }, 'input'],
      [{ weightSpecs: [spec, spec], weightData: new ArrayBuffer(16) }, 'input'],
      [{ weightSpecs: [{ ...spec, shape: [-2] }], weightData }, 'input'],
      [{ weightSpecs: [{ ...spec, dtype: 'float64' as 'float32' }], weightData }, 'input'],
      [{ weightSpecs: [{ ...spec, extra: 1 } as WeightSpec], weightData }, 'input'],
      [{ modelTopology: { x: Number.NaN } }, 'input'],
      [{ modelTopology: new ArrayBuffer(3) }, 'input'],
    ];
    for (const [artifacts, code] of cases) {
      expect(() => encode(artifacts)).toThrow(expect.objectContaining({ code, name: 'EspError' }));
    }
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    expect(() => encode({ modelTopology: loop })).toThrow(EspError);
    expect(() => encode({}, { efort: 3 } as never)).toThrow(/unknown option "efort"/);
  });

  describe.each(['planes', 'lz', 'rans', 'ctx-fast', 'ctx-mix'] as const)(
    'codec %s alone',
    (codec: CodecName) => {
      const only = { codecs: [codec] };
      const next = noise(5);
      const draw = (
        n: number,
        zeros: number,
        top: number,
        values = (l: number): number => l * 0.5,
      ): Float32Array =>
        Float32Array.from({ length: n }, () =>
          next() < zeros ? 0 : values(Math.ceil(next() * top)) * (next() < 0.5 ? -1 : 1),
        );

      it('keeps sparse, dense, one-sided and wide levels', () => {
        roundTrip(draw(6000, 0.95, 3), [60, 100], {}, only);
        roundTrip(draw(6000, 0.1, 7), [2, 3, 10, 100], {}, only);
        roundTrip(draw(2048, 0.3, 1), [2048], {}, only);
        roundTrip(draw(2000, 0.5, 5).map(Math.abs), [40, 50], {}, only);
        roundTrip(
          draw(2000, 0.5, 5).map((x) => 0 - Math.abs(x)),
          [40, 50],
          {},
          only,
        );
        roundTrip(draw(9000, 0.2, 700), [90, 100], {}, only);
        roundTrip(
          draw(9000, 0.2, 16, (l) => l ** 1.7),
          [90, 100],
          {},
          only,
        );
        roundTrip(
          Float32Array.from({ length: 4000 }, (_, i) => (i % 97 === 0 ? 0.5 : 1)),
          [40, 100],
          {},
          only,
        );
      });

      it('keeps integers of all widths', () => {
        const int = (n: number, top: number): number[] =>
          Array.from({ length: n }, () => Math.floor(next() * next() * top));
        roundTrip(
          Uint8Array.from(int(5000, 256)),
          [50, 100],
          { quantization: { dtype: 'uint8', scale: 1, min: 0 } },
          only,
        );
        roundTrip(
          Uint16Array.from(int(5000, 3000)),
          [5000],
          { quantization: { dtype: 'uint16', scale: 1, min: 0 } },
          only,
        );
        roundTrip(
          Int32Array.from(int(5000, 3000), (x) => x - 70000),
          [5000],
          { dtype: 'int32' },
          only,
        );
        roundTrip(
          Uint16Array.from(int(5000, 20), (x) => x << 10),
          [5000],
          { quantization: { dtype: 'float16' } },
          only,
        );
      });

      it('keeps a very sparse large tensor within the expansion that a decoder allows', () => {
        const data = new Float32Array(400000);
        data[5] = 1;
        data[77777] = -1;
        roundTrip(data, [800, 500], {}, only);
      });
    },
  );

  it('finds repetitions that no context coder sees', () => {
    const next = noise(6);
    const kernel = Float32Array.from({ length: 700 }, () => next() - 0.5);
    const data = Float32Array.from({ length: 7000 }, (_, i) => kernel[i % 700]);
    const row = roundTrip(data, [10, 700]);
    expect(row.codec).toBe('lz');
    expect(row.storedBytes).toBeLessThan(3000);
  });

  it('gives the same bytes every time', () => {
    const { levels, shape } = levelCases()[1];
    const weightData = Float32Array.from(levels).buffer;
    const once = encode({ weightSpecs: [{ name: 'w', shape, dtype: 'float32' }], weightData });
    const again = encode({ weightSpecs: [{ name: 'w', shape, dtype: 'float32' }], weightData });
    expect(bytes(once).equals(bytes(again))).toBe(true);
  });
});
