import '@tensorflow/tfjs-backend-cpu';
import { decode, encode, inspect, type ModelArtifacts } from '@espalier/codec';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Rounded } from '../src/choose/quantize.js';
import type { Executable } from '../src/model/model.js';
import { Tensors } from '../src/model/tensors.js';
import { fitsSteps, readWeights, withValues } from '../src/model/weights.js';
import { packedAsItIs } from '../src/verify/lossless.js';
import { wave } from './graphs.js';

beforeAll(() => tf.ready());

/** Tensors of these names, and a model that has all but those called `unread`. */
function tensorsOf(
  all: Readonly<Record<string, readonly [readonly number[], Float32Array | Int32Array]>>,
): Tensors {
  const weightSpecs = Object.entries(all).map(([name, [shape, values]]) => ({
    name,
    shape: [...shape],
    dtype: values instanceof Int32Array ? ('int32' as const) : ('float32' as const),
  }));
  const bytes = Object.values(all).flatMap(([, values]) => [...new Uint8Array(values.buffer.slice(0))]);
  const weights = new Map(
    Object.keys(all)
      .filter((name) => name !== 'unread')
      .map((name) => [name, undefined as unknown as tf.Tensor]),
  );
  const artifacts = { weightSpecs, weightData: Uint8Array.from(bytes).buffer } as ModelArtifacts;
  return new Tensors(artifacts, { weights } as unknown as Executable);
}

describe('the tensors of a model', () => {
  test('that are worked on are floats that it has and that fit on steps', () => {
    const tensors = tensorsOf({
      a: [[2], Float32Array.of(1, 2)],
      unread: [[2], Float32Array.of(1, 2)],
      whole: [[2], Int32Array.of(1, 2)],
      infinite: [[2], Float32Array.of(1, Number.POSITIVE_INFINITY)],
      broken: [[2], Float32Array.of(1, Number.NaN)],
    });
    expect(tensors.floats.map(({ name }) => name)).toEqual(['a']);
    expect([...tensors.values.keys()]).toEqual(['a']);
    expect(tensors.broken).toEqual(['broken']);
    expect(tensors.elements).toBe(10);
  });

  test('are counted by their numbers, of which texts have none', () => {
    const text = { name: 't', shape: [1], dtype: 'string' as const };
    const weightData = Uint8Array.of(0, 0, 128, 63, 0, 0, 0, 64, 1, 0, 0, 0, 65).buffer;
    const weightSpecs = [{ name: 'a', shape: [2], dtype: 'float32' as const }, text];
    const model = { weights: new Map() } as unknown as Executable;
    expect(new Tensors({ weightSpecs, weightData }, model).elements).toBe(2);
  });

  test('that are the same are one: matrices of 64 and more of the same shape', () => {
    const own = wave(64, 1);
    const other = own.slice();
    other[63] = 9;
    const { twins } = tensorsOf({
      a: [[8, 8], own],
      late: [[8, 8], other],
      b: [[8, 8], own.slice()],
      c: [[4, 16], own.slice()],
      d: [[8, 8], other.slice()],
      vector: [[64], own.slice()],
      again: [[64], own.slice()],
      small: [[7, 9], own.slice(0, 63)],
      little: [[7, 9], own.slice(0, 63)],
    });
    expect([...twins]).toEqual([
      ['b', 'a'],
      ['d', 'late'],
    ]);
  });

  test('in the file are rounded, twins alike, and folded', () => {
    const own = wave(64, 1);
    const tensors = tensorsOf({
      a: [[8, 8], own],
      b: [[8, 8], own.slice()],
      v: [[3], Float32Array.of(1, 2, 3)],
      k: [[2], Float32Array.of(5, 6)],
    });
    tensors.values.set('v', Float32Array.of(4, 5, 6));
    const values = Float32Array.from(own, (v) => Math.round(v * 8) / 8 + 0);
    const grid = { step: 1 / 8, exponents: [undefined, undefined] };
    const rounded = new Map<string, Rounded>([['a', { values, grid, method: 'plain', error: 0 }]]);
    expect(tensors.roundedOf('b', rounded)).toBe(rounded.get('a'));
    expect(tensors.roundedOf('v', rounded)).toBeUndefined();
    const [a, b, v, k] = readWeights(tensors.artifactsWith(rounded)).map((weight) => weight.values);
    expect([a, b, v, k]).toEqual([values, values, Float32Array.of(4, 5, 6), Float32Array.of(5, 6)]);
    const file = tensors.encode(rounded, 1);
    expect(readWeights(decode(file))[1]?.values).toEqual(values);
    // A small number of bits for each, and the second only says that it is the first.
    const [first, second] = inspect(file).tensors;
    expect(first?.storedBytes).toBeLessThan(64);
    expect(second?.storedBytes).toBe(0);
  });

  test('lie on the steps of their grids, which differ along axes', () => {
    // Row r has steps of 2^r: in units of the least some levels are in the thousands.
    const levels = Float32Array.from({ length: 16 * 32 }, (_, i) => ((i * i) % 7) - 3);
    const values = levels.map((level, i) => level * 2 ** (i >> 5) + 0);
    const tensors = tensorsOf({ a: [[16, 32], wave(512, 1)] });
    const grid = { step: 1, exponents: [Uint8Array.from({ length: 16 }, (_, r) => 4 * r), undefined] };
    const of = (own: Pick<Rounded, 'grid'>): Uint8Array =>
      tensors.encode(new Map([['a', { values, method: 'plain', error: 0, ...own }]]), 1);
    const [onGrid, plain] = [of({ grid }), of({})];
    for (const file of [onGrid, plain]) expect(readWeights(decode(file))[0]?.values).toEqual(values);
    // From -3 to 1.
    expect(inspect(onGrid).tensors[0]?.distinct).toBe(5);
    expect(onGrid.length).toBeLessThan(plain.length);
  });
});

describe('values', () => {
  test('fit on steps between 1e-30 and 1e30', () => {
    expect(
      [[9.9e29], [-9.9e29], [1.01e-30, 0], [0, 0], []].map((v) => fitsSteps(Float32Array.from(v))),
    ).toEqual([true, true, true, true, true]);
    expect(
      [[1.01e30], [-1.01e30], [9.9e-31, 0], [1, Number.NaN], [Number.NEGATIVE_INFINITY]].map((v) =>
        fitsSteps(Float32Array.from(v)),
      ),
    ).toEqual([false, false, false, false, false]);
  });

  test('of half precision are what IEEE 754 says', () => {
    const bits = [0x0000, 0x8000, 0x0001, 0x83ff, 0x0400, 0x3555, 0xbc00, 0x7bff, 0x7c00, 0xfc00, 0x7e00];
    const weightSpecs = [
      {
        name: 'h',
        shape: [bits.length],
        dtype: 'float32' as const,
        quantization: { dtype: 'float16' as const },
      },
    ];
    const [{ values, scale } = { values: undefined, scale: 0 }] = readWeights({
      weightSpecs,
      weightData: Uint16Array.from(bits).buffer,
    });
    const exact = [
      0,
      -0,
      2 ** -24,
      -1023 * 2 ** -24,
      2 ** -14,
      0x555 / 4096,
      -1,
      65504,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.NaN,
    ];
    expect([...(values ?? [])]).toEqual(exact);
    expect(scale).toBeUndefined();
  });

  test('of uint16 with a scale, and of data in pieces', () => {
    const weightSpecs = [
      {
        name: 'q',
        shape: [2],
        dtype: 'float32' as const,
        quantization: { dtype: 'uint16' as const, scale: 0.5, min: -8 },
      },
      { name: 'p', shape: [2], dtype: 'float32' as const, quantization: { dtype: 'uint8' as const } },
      { name: 'c', shape: [1], dtype: 'complex64' as const },
    ];
    const pieces = [
      [0, 0, 1],
      [1, 7, 9, 0, 0, 0],
      [0, 0, 0, 0, 1],
    ].map((piece) => Uint8Array.from(piece).buffer);
    const weights = readWeights({ weightSpecs, weightData: pieces as unknown as ArrayBuffer });
    expect(weights.map(({ values }) => values && [...values])).toEqual([
      [-8, 257 / 2 - 8],
      [7, 9],
      undefined,
    ]);
    expect(weights.map(({ scale }) => scale)).toEqual([0.5, 1, undefined]);
    expect(weights.map(({ bytes }) => bytes.length)).toEqual([4, 2, 8]);
    const other = withValues({}, weights, new Map([['p', Float32Array.of(1, 2)]]));
    expect(other.weightSpecs?.map((spec) => 'quantization' in spec)).toEqual([true, false, false]);
    expect((other.weightData as ArrayBuffer).byteLength).toBe(4 + 8 + 8);
  });
});

test('a model as it is: with all effort only where that may be the smaller one', () => {
  const weightSpecs = [{ name: 'w', shape: [40, 30], dtype: 'float32' as const }];
  const artifacts = {
    weightSpecs,
    weightData: Float32Array.from({ length: 1200 }, (_, i) => Math.round(50 * Math.sin(i / 7)) / 50).buffer,
  };
  const [quick, thorough] = [1, 6].map((effort) => encode(artifacts, { effort }).length) as [number, number];
  expect(thorough).toBeLessThan(quick);
  expect(packedAsItIs(artifacts, 6, Number.POSITIVE_INFINITY).length).toBe(thorough);
  expect(packedAsItIs(artifacts, 6, Math.ceil(quick / 1.25)).length).toBe(thorough);
  expect(packedAsItIs(artifacts, 6, Math.floor(quick / 1.25) - 1).length).toBe(quick);
  expect(packedAsItIs(artifacts, 1, Number.POSITIVE_INFINITY).length).toBe(quick);
  const none = encode(artifacts, { effort: 0 }).length;
  expect(packedAsItIs(artifacts, 0, Number.POSITIVE_INFINITY).length).toBe(none);
});
