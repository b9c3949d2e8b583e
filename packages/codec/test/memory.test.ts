import { afterEach, describe, expect, it, vi } from 'vitest';
import { decode, encode, inspect } from '../src/index.js';

/** Bytes that `run` asks for in typed arrays and array buffers, what it drops again included. */
function allocated(run: () => void): number {
  let bytes = 0;
  const Buffer = ArrayBuffer;
  for (const name of [
    'ArrayBuffer',
    'Uint8Array',
    'Uint16Array',
    'Int16Array',
    'Uint32Array',
    'Int32Array',
  ] as const) {
    const Native = globalThis[name];
    vi.stubGlobal(
      name,
      new Proxy(Native, {
        construct(target, args): object {
          const made = Reflect.construct(target, args) as ArrayBuffer;
          if (!(args[0] instanceof Buffer)) bytes += made.byteLength;
          return made;
        },
      }),
    );
  }
  run();
  vi.unstubAllGlobals();
  return bytes;
}

afterEach(() => vi.unstubAllGlobals());

describe('memory of the decoder', () => {
  // The longest rows that the format allows, as one line and as lines of one; the most rows.
  it.each([
    ['one long line', [104_000, 1]],
    ['many short lines', [131_000, 1, 1, 1]],
    ['many rows', [1, 300_000]],
    ['a vector', [100_003]],
  ])('is what is declared and 16 MiB at most: %s', (_, shape) => {
    const size = shape.reduce((a, b) => a * b, 1);
    const data = Float32Array.from(
      { length: size },
      (_, i) => ((i * 7919) % 41 === 0 ? ((i >> 3) % 5) - 2 : 0) * 0.5,
    );
    for (const codec of ['ctx-mix', 'ctx-fast', 'rans'] as const) {
      const file = encode(
        { weightSpecs: [{ name: 'w', shape, dtype: 'float32' }], weightData: data.slice().buffer },
        { codecs: [codec], effort: 1 },
      );
      expect(inspect(file).tensors[0].codec).toBe(codec);
      const bytes = allocated(() => decode(file));
      expect(bytes).toBeGreaterThanOrEqual(4 * size);
      expect(bytes - 4 * size).toBeLessThanOrEqual(2 ** 24);
    }
  });
});
