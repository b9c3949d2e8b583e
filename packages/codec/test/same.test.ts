import { describe, expect, test } from 'vitest';
import { decode, encode, inspect } from '../src/index.js';
import { createDecoder, espalierRange } from '../src/streaming.js';

const noise = Float32Array.from({ length: 300 }, (_, i) => Math.sin(i * i));
const names = ['a', 'b', 'c'];
const artifacts = {
  weightSpecs: names.map((name, i) => ({
    name,
    shape: i === 2 ? [300] : [10, 30],
    dtype: 'float32' as const,
  })),
  weightData: Float32Array.from(names.flatMap(() => [...noise])).buffer,
};
const file = encode(artifacts);

describe('tensors with the same bytes', () => {
  test('are stored once, whatever their shapes', () => {
    const alone = encode({
      weightSpecs: artifacts.weightSpecs.slice(0, 1),
      weightData: noise.slice().buffer,
    });
    expect(file.length).toBeLessThan(alone.length + 40);
    expect(
      inspect(file)
        .tensors.map(({ codec }) => codec)
        .slice(1),
    ).toEqual(['same', 'same']);
    expect(new Uint8Array(decode(file).weightData)).toEqual(new Uint8Array(artifacts.weightData));
  });

  test('are stored once however small they are, constants too where that takes less', () => {
    const parts = [[1, -1, 36], [7], [0, 0], [1, -1, 36], [7], [0, 0], [1, -1, 36]];
    const small = {
      weightSpecs: parts.map(({ length }, i) => ({ name: `${i}`, shape: [length], dtype: 'int32' as const })),
      weightData: Int32Array.from(parts.flat()).buffer,
    };
    const packed = encode(small);
    const { tensors } = inspect(packed);
    expect(tensors.slice(1).map(({ codec }) => codec)).toEqual([
      'constant',
      'zero',
      'same',
      'same',
      'zero',
      'same',
    ]);
    const flags = [0, 1, 2].map((i) => ({ name: `${i}`, shape: [3], dtype: 'bool' as const }));
    const truths = encode({ weightSpecs: flags, weightData: new Uint8Array(9).fill(1).buffer });
    expect(inspect(truths).tensors.map(({ codec }) => codec)).toEqual(['constant', 'constant', 'constant']);
    expect(new Int32Array(decode(packed).weightData)).toEqual(new Int32Array(small.weightData));
  });

  test('come back from a stream and one by one', async () => {
    const decoder = createDecoder();
    const arrived = [...file].flatMap((byte) => decoder.write(Uint8Array.of(byte)));
    decoder.end();
    expect(arrived.map(({ data }) => [...new Float32Array(data)])).toEqual(names.map(() => [...noise]));
    const fetch = async (_: unknown, init?: RequestInit): Promise<Response> => {
      const [, from, to] = /bytes=(\d+)-(\d+)/.exec(new Headers(init?.headers).get('range') ?? '') ?? [];
      return new Response(file.slice(Number(from), Number(to) + 1), { status: 206 });
    };
    const remote = await espalierRange('model.esp', { fetch: fetch as typeof globalThis.fetch });
    expect([...new Float32Array(await remote.tensor('c'))]).toEqual([...noise]);
  });
});
