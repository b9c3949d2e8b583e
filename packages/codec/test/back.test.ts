import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decode, EspError, encode, type ModelArtifacts, type WeightSpec } from '../src/index.js';

// What goes in comes out, to the bit; or it is refused, and nothing is written.

type Loose = Record<string, unknown>;

/** Bytes that programs get wrong: NaNs with payloads, -0, denormals, extremes of integers. */
const words = [
  0, 0x80000000, 0x7fc00000, 0x7fc00001, 0xffc12345, 0x7f800001, 0x7f800000, 0xff800000, 1, 0x80000001,
  0x7fffffff, 0xffffffff, 0x7f7fffff, 0xff7fffff, 0x00800000, 0x3f800000, 0x01010101, 0x40000000,
];
const word = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...words) },
  fc.integer({ min: 0, max: 0xffffffff }),
);
const shape = fc.oneof(
  fc.constant([]),
  fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 4 }),
  fc.constantFrom([0], [3, 0, 2], [1, 1, 1, 1, 1, 1, 1, 1], [70], [2, 33]),
);
const finite = fc.oneof(
  fc.constantFrom(0, -0, 5e-324, 1.7976931348623157e308, 0.1),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const fraction = fc.record({ scale: finite, min: finite }, { requiredKeys: [] });
const type: fc.Arbitrary<Partial<WeightSpec>> = fc.oneof(
  fc
    .constantFrom('float32', 'int32', 'bool', 'complex64', 'string')
    .map((dtype) => ({ dtype: dtype as 'bool' })),
  fc
    .tuple(fc.constantFrom('float32', 'int32'), fc.constantFrom('uint8', 'uint16'), fraction)
    .map(([dtype, stored, rest]) => ({
      dtype: dtype as 'int32',
      quantization: { dtype: stored as 'uint8', ...rest },
    })),
  fc.constant({ dtype: 'float32' as const, quantization: { dtype: 'float16' as const } }),
);
/** Names as JSON, prototypes and terminals do not like them. */
const name = fc.oneof(
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    '',
    '\ud800',
    'x\udfff',
    '\u0000',
    '"\\',
    '1',
    '\u2028',
  ),
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.string({
    unit: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    maxLength: 4,
  }),
);
const group = fc.constantFrom(undefined, 'model' as const);

interface Tensor {
  spec: WeightSpec;
  bytes: Uint8Array;
}

/** A tensor of few values, of many, of one; strings have lengths before them. */
const tensor: fc.Arbitrary<Tensor> = fc
  .tuple(
    name,
    shape,
    type,
    group,
    fc.array(word, { minLength: 1, maxLength: 9 }),
    fc.integer({ min: 1, max: 7 }),
  )
  .map(([name, shape, type, group, pool, step]) => {
    const spec = { name, shape, ...type, ...(group && { group }) } as WeightSpec;
    const count = shape.reduce((a, b) => a * b, 1);
    const stored = spec.quantization?.dtype ?? spec.dtype;
    if (stored === 'string') {
      const texts = Array.from({ length: count }, (_, i) =>
        Buffer.from('é\u0000x'.repeat(pool[i % pool.length] % 3)),
      );
      const parts = texts.flatMap((text) => [Buffer.from(Uint32Array.of(text.length).buffer), text]);
      return { spec, bytes: new Uint8Array(Buffer.concat(parts)) };
    }
    const width = { float32: 4, int32: 4, complex64: 8, bool: 1, uint8: 1, uint16: 2, float16: 2 }[
      stored
    ] as number;
    const data = Uint32Array.from({ length: count * 2 }, (_, i) => pool[(i * step) % pool.length]);
    return { spec, bytes: new Uint8Array(data.buffer.slice(0, count * width)) };
  });

/** Tensors with names of their own; some share their bytes. */
const tensors = fc
  .tuple(fc.uniqueArray(tensor, { maxLength: 6, selector: ({ spec }) => spec.name }), fc.boolean())
  .map(([list, shared]) => {
    if (!shared || list.length === 0) return list;
    const [{ spec, bytes }] = list;
    return [
      ...list,
      { spec: { ...spec, name: `${spec.name}+` }, bytes },
      { spec: { ...spec, name: `${spec.name}++` }, bytes },
    ];
  });

/** JSON with what it can hold, and with what it cannot. */
const json = (more: fc.Arbitrary<unknown>[] = []): fc.Arbitrary<unknown> =>
  fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom<unknown>(null, true, false, 0, -0, 1e300, 'text', '\ud800', '1'),
      finite,
      fc.string(),
      ...more,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.array(fc.tuple(name, tie('value')), { maxLength: 3 }).map((entries) => Object.fromEntries(entries)),
    ),
  })).value;
const impossible = fc.constantFrom<unknown>(
  undefined,
  Number.NaN,
  Infinity,
  1n,
  Symbol('s'),
  () => 1,
  new Date(0),
  new Map(),
  new Uint8Array(2),
  new ArrayBuffer(1),
  new Number(3),
);

const toArtifacts = (list: readonly Tensor[], more: Loose): ModelArtifacts => ({
  ...more,
  weightSpecs: list.map(({ spec }) => spec),
  weightData: new Uint8Array(Buffer.concat(list.map(({ bytes }) => bytes))).buffer,
});

/** What is `undefined` is not there. */
function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([, item]) => item !== undefined);
  return Object.fromEntries(kept.map(([key, item]) => [key, withoutUndefined(item)]));
}

function expectBack(artifacts: ModelArtifacts): void {
  const { weightData, ...rest } = decode(encode(artifacts, { effort: 2 }));
  const { weightData: given, ...wanted } = artifacts;
  expect(Buffer.from(weightData).equals(Buffer.from(given as ArrayBuffer))).toBe(true);
  // Not by vitest, which takes a field `constructor` for a class.
  expect(isDeepStrictEqual(rest, withoutUndefined(wanted))).toBe(true);
}

describe('decode(encode(x))', () => {
  it('is x: every type, shape, name and bit; tensors with the same bytes', () => {
    fc.assert(
      fc.property(tensors, (list) => expectBack(toArtifacts(list, {}))),
      { numRuns: 150 },
    );
  });

  it('is x: all JSON, in any key', () => {
    fc.assert(
      fc.property(json(), json(), name, (topology, other, key) => {
        if (['weightSpecs', 'weightData', 'getWeightStream', 'license', 'sha256'].includes(key)) return;
        expectBack(
          toArtifacts(
            [],
            Object.fromEntries([
              ['modelTopology', topology],
              [key, other],
              ['format', undefined],
            ]),
          ),
        );
      }),
      { numRuns: 150 },
    );
  });

  it('is x, or x is refused by name: what JSON cannot hold, anywhere', () => {
    fc.assert(
      fc.property(json([impossible]), (topology) => {
        try {
          expectBack(toArtifacts([], { modelTopology: { node: [{ attr: topology }], topology } }));
        } catch (error) {
          if (!(error instanceof EspError)) throw error;
          expect(error.code).toBe('input');
          expect(error.message).toMatch(/modelTopology.*JSON cannot hold/s);
        }
      }),
      { numRuns: 150 },
    );
  });

  const one: WeightSpec = { name: 'w', shape: [2], dtype: 'float32' };
  const weightData = Float32Array.of(1, -0).buffer;

  it('takes equal strings, which are stored once', () => {
    const text = [2, 0, 0, 0, 0x61, 0x62];
    for (const [shape, bytes] of [
      [[1], text],
      [[2], [0, 0, 0, 0, 0, 0, 0, 0]],
      [[0], []],
      [
        [2, 1],
        [...text, ...text],
      ],
    ] as const) {
      const list = ['a', 'b', 'c'].map(
        (name): Tensor => ({
          spec: { name, shape: [...shape], dtype: 'string' },
          bytes: Uint8Array.from(bytes),
        }),
      );
      expectBack(toArtifacts(list, {}));
    }
  });

  it('takes fields that are undefined, views of buffers, and what the converter writes twice', () => {
    const data = new Uint8Array(32);
    data.set(new Uint8Array(weightData), 12);
    const spec = { ...one, group: undefined, quantization: undefined } as unknown as WeightSpec;
    for (const bytes of [
      data.subarray(12, 20),
      new DataView(data.buffer, 12, 8),
      [data.subarray(12, 16), data.slice(16, 20).buffer],
    ]) {
      const given = {
        weightSpecs: [spec],
        weightData: bytes,
        signature: undefined,
      } as unknown as ModelArtifacts;
      const back = decode(encode(given));
      expect(back).toStrictEqual({ weightSpecs: [one], weightData });
    }
    const quantization = { dtype: 'uint8' as const, scale: 1, min: undefined, original_dtype: 'float32' };
    const stored = { ...one, quantization } as unknown as WeightSpec;
    const back = decode(encode({ weightSpecs: [stored], weightData: new ArrayBuffer(2) }));
    expect(back.weightSpecs[0].quantization).toStrictEqual({ dtype: 'uint8', scale: 1 });
  });

  it.each<[string, unknown]>([
    ['no artifacts', null],
    ['a text for artifacts', 'model.json'],
    ['specs that are no list', { weightSpecs: {}, weightData }],
    ['a spec that is null', { weightSpecs: [null], weightData }],
    ['a spec that is a text', { weightSpecs: ['w'], weightData }],
    ['a hole for a spec', { weightSpecs: Array(1), weightData }],
    ['a number for a name', { weightSpecs: [{ ...one, name: 5 }], weightData }],
    ['a symbol for a name', { weightSpecs: [{ ...one, name: Symbol('w') }], weightData }],
    ['no name', { weightSpecs: [{ ...one, name: undefined }], weightData }],
    ['no shape', { weightSpecs: [{ ...one, shape: undefined }], weightData }],
    ['null for a shape', { weightSpecs: [{ ...one, shape: null }], weightData }],
    ['a number for a shape', { weightSpecs: [{ ...one, shape: 2 }], weightData }],
    ['text in a shape', { weightSpecs: [{ ...one, shape: ['2'] }], weightData }],
    ['-0 in a shape', { weightSpecs: [{ ...one, shape: [-0] }], weightData: new ArrayBuffer(0) }],
    ['a shape of 2^50', { weightSpecs: [{ ...one, shape: [0, 2 ** 50] }], weightData: new ArrayBuffer(0) }],
    ['no type', { weightSpecs: [{ ...one, dtype: undefined }], weightData }],
    ['a quantization that is null', { weightSpecs: [{ ...one, quantization: null }], weightData }],
    [
      'an unknown field of a quantization',
      {
        weightSpecs: [{ ...one, quantization: { dtype: 'float16', bits: 3 } }],
        weightData: new ArrayBuffer(4),
      },
    ],
    [
      'a quantization of another type',
      {
        weightSpecs: [{ ...one, quantization: { dtype: 'float16', original_dtype: 'int32' } }],
        weightData: new ArrayBuffer(4),
      },
    ],
    [
      'a scale that is a text',
      {
        weightSpecs: [{ ...one, quantization: { dtype: 'uint8', scale: '1' } }],
        weightData: new ArrayBuffer(2),
      },
    ],
    ['a text for data', { weightSpecs: [one], weightData: 'data' }],
    ['a text for data, and no tensors', { weightData: 'data' }],
    ['null for data', { weightSpecs: [one], weightData: null }],
    ['a list of numbers for data', { weightSpecs: [one], weightData: [1, 2, 3, 4, 5, 6, 7, 8] }],
    ['a stream for data', { weightSpecs: [one], getWeightStream: () => new ReadableStream() }],
    [
      'text that ends early',
      {
        weightSpecs: [{ ...one, dtype: 'string' }],
        weightData: Uint8Array.of(1, 0, 0, 0, 65, 9, 0, 0, 0).buffer,
      },
    ],
  ])('refuses %s', (_, artifacts) => {
    expect(() => encode(artifacts as ModelArtifacts)).toThrow(
      expect.objectContaining({ name: 'EspError', code: 'input' }),
    );
  });

  it('refuses metadata without end, nested without end, and wide without end', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 100_000; i++) deep = i % 2 ? [deep] : { deep };
    const loop: Loose = {};
    loop.inside = { loop };
    for (const modelTopology of [deep, loop]) {
      expect(() => encode({ modelTopology: modelTopology as object })).toThrow(
        expect.objectContaining({ name: 'EspError', code: 'input' }),
      );
    }
    let fair: unknown = 1;
    for (let i = 0; i < 900; i++) fair = [fair];
    expectBack(toArtifacts([], { modelTopology: fair }));
  });

  it('is trusted where one asks for it: the same file, sooner', () => {
    const artifacts = { weightSpecs: [one], weightData };
    expect(encode(artifacts, { verify: false })).toEqual(encode(artifacts));
  });
});
