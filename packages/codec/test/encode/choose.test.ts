import { describe, expect, test } from 'vitest';
import type { WeightSpec } from '../../src/artifacts.js';
import { CODECS, type CodecName } from '../../src/container/format.js';
import { storeTensor, uniformTensor } from '../../src/encode/choose.js';
import type { Search } from '../../src/encode/search.js';
import { storedSize } from '../../src/encode/size.js';

const search = (more: Partial<Search> = {}): Search => ({
  effort: 5,
  more: () => true,
  prefer: 'size',
  codecs: CODECS,
  tileElements: Infinity,
  ...more,
});
const float = (count: number): WeightSpec => ({ name: 'w', shape: [count], dtype: 'float32' });
const bytesOf = (values: readonly number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);

function noise(count: number, of: (random: number) => number): number[] {
  let state = count;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return of(state / 2 ** 32);
  });
}

describe('a tensor whose elements are all the same', () => {
  test('is zero, or its element', () => {
    const of = (storage: number, ...data: number[]) =>
      uniformTensor(float(1), storage, Uint8Array.from(data));
    expect(of(0, 0, 0, 0, 0, 0, 0, 0, 0)).toMatchObject({ codec: 'zero', elements: 2, payloads: [] });
    expect(of(0, 0, 0, 0, 1, 0, 0, 0, 1)).toMatchObject({
      codec: 'constant',
      elements: 2,
      constant: Uint8Array.of(0, 0, 0, 1),
    });
    expect(of(7, 1, 2, 1, 2)).toMatchObject({ codec: 'constant', constant: Uint8Array.of(1, 2) });
    expect(of(2, 3, 3, 3)).toMatchObject({ codec: 'constant', constant: Uint8Array.of(3), elements: 3 });
    expect(of(2)).toMatchObject({ codec: 'zero', elements: 0 });
    expect(of(0, 0, 0, 0, 1, 0, 0, 0, 2)).toBeUndefined();
    expect(of(0, 1, 0, 0, 1, 2, 0, 0, 1)).toBeUndefined();
    expect(of(2, 0, 0, 1)).toBeUndefined();
    expect(of(2, 1, 0, 0)).toBeUndefined();
  });
});

describe('how a tensor is stored', () => {
  const only = (data: Uint8Array, spec: WeightSpec, codec: CodecName, more: Partial<Search> = {}) =>
    storeTensor(spec, 0, data, search({ codecs: [codec], ...more }));
  const samples: [string, number[]][] = [
    ['noise', noise(300, (r) => r - 0.5)],
    ['few values', noise(2000, (r) => Math.floor(r * 5) * 0.25)],
    ['sparse', noise(2000, (r) => (r < 0.9 ? 0 : 0.5))],
    ['a pattern', Array.from({ length: 1200 }, (_, i) => Math.fround(Math.sin(i % 60)))],
  ];

  test.each(samples)('%s: the smallest of all forms', (_, values) => {
    const data = bytesOf(values);
    const spec = float(values.length);
    const best = storeTensor(spec, 0, data, search());
    const sizes = CODECS.map((codec) => storedSize(only(data, spec, codec)));
    expect(storedSize(best)).toBe(Math.min(...sizes));
    expect(only(data, spec, 'zero')).toMatchObject({ codec: 'raw', payloads: [data] });
  });

  test('is the fastest form of those that are hardly larger', () => {
    // Static coding is as good as any for noise of few values; contexts gain where there is something to know.
    const even = noise(12_000, (r) => Math.floor(r * 16) - 8);
    const forms = ['rans', 'ctx-fast', 'ctx-mix'] as const;
    const pick = (values: number[], more: Partial<Search>) =>
      storeTensor(float(values.length), 0, bytesOf(values), search({ codecs: forms, ...more }));
    const sizes = forms.map((codec) => storedSize(pick(even, { codecs: [codec] })));
    expect(sizes[0]).toBeLessThan(1.005 * Math.min(...sizes));
    expect(pick(even, { prefer: 'balance' }).codec).toBe('rans');
    const waves = Array.from({ length: 6000 }, (_, i) => (Math.floor(i / 300) % 2 ? 0 : (i % 3) - 1));
    expect(pick(waves, { prefer: 'balance' }).codec).not.toBe('rans');
    expect(storedSize(pick(waves, { prefer: 'balance' }))).toBeLessThanOrEqual(
      1.005 * storedSize(pick(waves, {})),
    );
  });

  test('among equals, is the form whose elements come as they lie', () => {
    // As a square, transposed it is the same.
    const side = 24;
    const values = Array.from({ length: side * side }, (_, i) => {
      const [row, column] = [Math.floor(i / side), i % side];
      return ((row * column) % 7) + ((row + column) % 3) - 3;
    });
    const spec: WeightSpec = { name: 'w', shape: [side, side], dtype: 'float32' };
    for (const codecs of [['ctx-fast'], ['ctx-mix']] as const) {
      const of = (prefer: 'size' | 'balance') =>
        storeTensor(spec, 0, bytesOf(values), search({ codecs, prefer }));
      expect(storedSize(of('size'))).toBe(storedSize(of('balance')));
      expect(of('balance').levels?.traversal.groups.flat()).toEqual([0, 1]);
    }
  });

  test('of strings and complex numbers has no levels', () => {
    const data = new Uint8Array(800).map((_, i) => (i % 8 === 3 ? 1 : 0));
    const codecs = ['rans', 'ctx-fast', 'ctx-mix'] as const;
    expect(
      storeTensor({ name: 'w', shape: [100], dtype: 'complex64' }, 4, data, search({ codecs })).codec,
    ).toBe('raw');
    expect(storeTensor({ name: 'w', shape: [100], dtype: 'string' }, 3, data, search({ codecs })).codec).toBe(
      'raw',
    );
    expect(
      storeTensor({ name: 'w', shape: [800], dtype: 'bool' }, 2, data, search({ codecs })).codec,
    ).not.toBe('raw');
  });

  test('of halves is a list by value; of quantised integers consecutive ones', () => {
    const words = Uint16Array.from({ length: 400 }, (_, i) => [0, 0x3c00, 0xbc00][(i * i) % 3]);
    const stored = (storage: number, quantization: WeightSpec['quantization'], data: Uint8Array) =>
      storeTensor(
        { ...float(400), ...(quantization && { quantization }) },
        storage,
        data,
        search({ codecs: ['ctx-fast'] }),
      ).levels?.book;
    expect(stored(7, { dtype: 'float16' }, new Uint8Array(words.buffer))).toMatchObject({
      kind: 'list',
      values: Uint32Array.of(0xbc00, 0, 0x3c00).filter((v) => words.includes(v)),
    });
    const bytes = Uint8Array.from({ length: 400 }, (_, i) => 7 + ((i * i) % 4));
    expect(stored(5, { dtype: 'uint8', scale: 1, min: 0 }, bytes)).toMatchObject({ kind: 'ints' });
  });
});

describe('where LZ is tried', () => {
  /** Bytes of booleans: noise, but for what is in the middle or at the ends. */
  const data = (middle: boolean, ends: boolean): Uint8Array => {
    const piece = noise(500, (r) => Math.floor(r * 256));
    const random = noise(2 ** 17 + 2 ** 16, (r) => Math.floor(r * 256));
    const from = 2 ** 15;
    return Uint8Array.from(random, (byte, i) => {
      const inside = i >= from && i < from + 2 ** 17;
      return (inside ? middle : ends) ? piece[i % 500] : byte;
    });
  };
  const stored = (bytes: Uint8Array, more: Partial<Search>) =>
    storeTensor(
      { name: 'w', shape: [bytes.length], dtype: 'string' },
      3,
      bytes,
      search({ codecs: ['planes', 'lz'], ...more }),
    ).codec;

  test('on large tensors where what is in the middle repeats itself; everywhere at high efforts', () => {
    const [middle, ends] = [data(true, false), data(false, true)];
    expect(stored(middle, { effort: 1 })).toBe('lz');
    expect(stored(middle, { effort: 0 })).not.toBe('lz');
    expect(stored(ends, { effort: 1 })).not.toBe('lz');
    expect(stored(ends, { effort: 1, codecs: ['lz'] })).toBe('lz');
    expect(stored(ends.subarray(0, 2 ** 17), { effort: 0 })).not.toBe('raw');
    expect(stored(middle, { effort: 1, more: () => false })).not.toBe('lz');
    expect(stored(middle, { effort: 1, codecs: ['planes'] })).not.toBe('lz');
  });
});
