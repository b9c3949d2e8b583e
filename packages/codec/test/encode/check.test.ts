import { describe, expect, test } from 'vitest';
import { equalBytes } from '../../src/bytes/equal.js';
import { checkBack } from '../../src/encode/check-back.js';
import { tensorsOf } from '../../src/encode/input.js';
import { decode, decodeChecked, encode, type ModelArtifacts } from '../../src/index.js';
import { canonicalTopology } from '../../src/text/canonical.js';
import { sameJson, toJson } from '../../src/text/json.js';

const artifacts = {
  format: 'layers-model',
  weightSpecs: [
    { name: 'a', shape: [2], dtype: 'float32' as const },
    { name: 'b', shape: [1], dtype: 'int32' as const },
  ],
  weightData: Uint8Array.of(0, 0, 128, 63, 0, 0, 0, 64, 5, 0, 0, 0).buffer,
};
const file = encode(artifacts);

describe('what was written is read again', () => {
  const given = tensorsOf(artifacts);
  const meta = { format: 'layers-model' };

  test('and is what was given', () => {
    expect(() => checkBack(file, given, meta)).not.toThrow();
    expect(() => checkBack(file, given, { ...meta, signature: undefined })).not.toThrow();
  });

  test.each<[string, () => void]>([
    ['the metadata', () => checkBack(file, given, { format: 'graph-model' })],
    ['the metadata', () => checkBack(file, given, { ...meta, more: 1 })],
    ['the metadata', () => checkBack(file, given.slice(1), meta)],
    [
      '"a"',
      () =>
        checkBack(
          file,
          [{ ...given[0], bytes: Uint8Array.of(1, ...given[0].bytes.slice(1)) }, given[1]],
          meta,
        ),
    ],
    ['"b"', () => checkBack(file, [given[0], { ...given[1], bytes: Uint8Array.of(5, 0, 0, 1) }], meta)],
    ['"c"', () => checkBack(file, [{ ...given[0], spec: { ...given[0].spec, name: 'c' } }, given[1]], meta)],
    [
      '"a"',
      () => checkBack(file, [{ ...given[0], spec: { ...given[0].spec, shape: [2, 1] } }, given[1]], meta),
    ],
  ])('and is not: %s', (what, run) => {
    expect(run).toThrow(`${what} would not come back as it is`);
  });

  test('bytes are equal where all of them are', () => {
    expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
    expect(equalBytes(Uint8Array.of(), Uint8Array.of())).toBe(true);
    expect([
      equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3)),
      equalBytes(Uint8Array.of(0, 2), Uint8Array.of(1, 2)),
      equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1)),
      equalBytes(Uint8Array.of(1), Uint8Array.of(1, 2)),
    ]).toEqual([false, false, false, false]);
  });
});

describe('a file that was not looked at when it was made', () => {
  const slot = { name: 'm', shape: [1], dtype: 'int32' as const, group: 'optimizer' as const };
  const changed = (other: Partial<ModelArtifacts>) => () =>
    decodeChecked(file, { ...artifacts, ...other } as ModelArtifacts);
  const bytes = (...values: number[]): ArrayBuffer => Uint8Array.from(values).buffer;

  test('is decoded, and is what was given', () => {
    expect(decodeChecked(file, artifacts)).toEqual(decode(file));
    const loose = { ...artifacts, signature: undefined } as unknown as ModelArtifacts;
    expect(decodeChecked(file, loose)).toEqual(artifacts);
  });

  test('may leave out the weights of an optimizer', () => {
    const whole = {
      ...artifacts,
      weightSpecs: [slot, ...artifacts.weightSpecs],
      weightData: bytes(7, 0, 0, 0, ...new Uint8Array(artifacts.weightData)),
    };
    expect(decodeChecked(encode(whole), whole)).toEqual(artifacts);
    expect(decodeChecked(encode(whole, { optimizer: true }), whole)).toEqual(whole);
  });

  test.each<[string, () => void]>([
    ['the metadata', changed({ format: 'graph-model' })],
    [
      'the metadata',
      changed({
        weightSpecs: artifacts.weightSpecs.slice(0, 1),
        weightData: bytes(0, 0, 128, 63, 0, 0, 0, 64),
      }),
    ],
    ['"a"', changed({ weightData: bytes(1, 0, 128, 63, 0, 0, 0, 64, 5, 0, 0, 0) })],
    ['"b"', changed({ weightData: bytes(0, 0, 128, 63, 0, 0, 0, 64, 5, 0, 0, 1) })],
    ['"c"', changed({ weightSpecs: [{ ...artifacts.weightSpecs[0], name: 'c' }, artifacts.weightSpecs[1]] })],
    [
      '"b"',
      changed({
        weightSpecs: [artifacts.weightSpecs[0], { ...artifacts.weightSpecs[1], shape: [2] }],
        weightData: bytes(0, 0, 128, 63, 0, 0, 0, 64, 5, 0, 0, 0, 1, 0, 0, 0),
      }),
    ],
  ])('or is not: %s', (what, run) => {
    expect(run).toThrow(`${what} would not come back as it is`);
  });
});

describe('JSON', () => {
  test('is what JSON.stringify writes, but for -0', () => {
    const value = { a: [1, 'x', null, true, { b: [] }, {}], c: -1.5e300, '': 'é"\\', __proto__x: false };
    expect(toJson(value)).toBe(JSON.stringify(value));
    expect(toJson([-0, 0])).toBe('[-0,0]');
    expect(toJson({ a: undefined, b: 1, c: undefined, d: 2 })).toBe('{"b":1,"d":2}');
    expect(toJson(Object.assign(Object.create(null), { a: 1 }))).toBe('{"a":1}');
    // What occurs twice is no loop.
    const twice = { x: 1 };
    expect(toJson([twice, { twice }])).toBe('[{"x":1},{"twice":{"x":1}}]');
  });

  test.each<[string, unknown]>([
    ['a.b[1] is of type undefined', { a: { b: [1, undefined] } }],
    ['a is NaN', { a: Number.NaN }],
    ['[0] is -Infinity', [-Infinity]],
    ['a.c is of type Date', { a: { c: new Date(0) } }],
    ['a is of type Map', { a: new Map() }],
    ['a is of type bigint', { a: 1n }],
    ['a is of type function', { a: () => 1 }],
    ['a is of type symbol', { a: Symbol('s') }],
    ['a is of type Uint8Array', { a: new Uint8Array(1) }],
  ])('refuses what it cannot hold: %s', (message, value) => {
    expect(() => toJson(value)).toThrow(`${message}, which JSON cannot hold`);
  });

  test('is 1000 deep at most, and holds not itself', () => {
    const deep = (n: number): unknown => (n === 0 ? 1 : n % 2 ? [deep(n - 1)] : { a: deep(n - 1) });
    expect(toJson(deep(1000)).length).toBeGreaterThan(1000);
    expect(() => toJson(deep(1001))).toThrow('nested more than 1000 deep');
    const loop: { a: unknown[] } = { a: [1] };
    loop.a.push({ b: loop });
    expect(() => toJson(loop)).toThrow('a[1].b holds itself: JSON cannot');
  });

  test('is the same to the bit, whatever the order of fields', () => {
    const same = (a: unknown, b: unknown): boolean => {
      expect(sameJson(b, a)).toBe(sameJson(a, b));
      return sameJson(a, b);
    };
    expect(same({ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 })).toBe(true);
    expect(same({ a: 1, b: undefined }, { a: 1 })).toBe(true);
    expect(same([], [])).toBe(true);
    for (const [a, b] of [
      [0, -0],
      [1, 2],
      [1, '1'],
      [null, {}],
      [null, undefined],
      [[], {}],
      [[1], [1, 2]],
      [
        [1, 2],
        [2, 1],
      ],
      [{ a: 1 }, { b: 1 }],
      [{ a: 1 }, { a: 1, b: 2 }],
      [{ a: { b: 1 } }, { a: { b: 2 } }],
      [{ toString: 1 }, {}],
      [{ constructor: Object }, { a: 1 }],
    ])
      expect(same(a, b)).toBe(false);
  });
});

describe('the topology of a graph', () => {
  test('has the attributes of its nodes in order, and all else as it was', () => {
    const node = (attr: unknown): object => ({ name: 'n', attr });
    const text = (topology: unknown): string => JSON.stringify(canonicalTopology(topology));
    expect(text({ node: [node({ b: 1, a: { d: 1, c: 2 }, aa: 0 })], x: 1 })).toBe(
      '{"node":[{"name":"n","attr":{"a":{"d":1,"c":2},"aa":0,"b":1}}],"x":1}',
    );
    for (const other of [
      null,
      undefined,
      5,
      'x',
      {},
      { node: 5 },
      { node: [null, 5, {}, node([2, 1]), node(null), node('x')] },
    ])
      expect(canonicalTopology(other)).toEqual(other);
    const own = { b: 1, a: 2, toJSON: () => 'own' };
    expect(text({ node: [node(own)] })).toBe('{"node":[{"name":"n","attr":"own"}]}');
  });
});
