import { describe, expect, it } from 'vitest';
import { type StoredTensor, writeFile } from '../src/container/header-write.js';
import { decode, inspect } from '../src/index.js';
import { createDecoder, espalierRange } from '../src/streaming.js';
import { encodeText } from '../src/text/encode.js';

/** A file with one tensor of strings whose shape says what it likes. */
function forged(shape: number[], bytes: number[], more: Partial<StoredTensor> = {}): Uint8Array {
  const spec = { name: 's', shape, dtype: 'string' as const };
  const payloads = [Uint8Array.from(bytes)];
  const tensor: StoredTensor = { spec, storage: 3, elements: bytes.length, codec: 'raw', payloads, ...more };
  const text = new TextEncoder().encode('[{},"s"]');
  return writeFile([tensor], encodeText(text));
}

const a = [1, 0, 0, 0, 65];

describe('a tensor of strings', () => {
  it.each<[string, Uint8Array]>([
    ['2^40 strings in five bytes', forged([2 ** 20, 2 ** 20], a)],
    ['two strings in five bytes', forged([2], a)],
    ['a string of no bytes', forged([], [], { elements: 0, codec: 'zero', payloads: [] })],
  ])('%s: refused in the header', (_, file) => {
    expect(() => inspect(file)).toThrow('broken rule 19 ');
    expect(() => decode(file)).toThrow('broken rule 19 ');
  });

  it.each<[string, Uint8Array, number]>([
    ['one string that is two', forged([], [...a, ...a]), 64],
    ['bytes without a string', forged([0], a), 64],
    ['a byte too many', forged([1], [...a, 0]), 64],
    ['a string that is cut', forged([1], [9, 0, 0, 0, 65]), 1],
    ['a string of 4 GiB', forged([1], [255, 255, 255, 255, 65]), 1],
    ['two where one is there', forged([2], [4, 0, 0, 0, 65, 65, 65, 65]), 1],
    [
      'ones for lengths',
      forged([2], [], { elements: 9, codec: 'constant', constant: Uint8Array.of(1), payloads: [] }),
      1,
    ],
  ])('%s: refused, by every way of reading', async (_, file, rule) => {
    const message = `broken rule ${rule} `;
    expect(() => decode(file)).toThrow(message);
    expect(() => createDecoder().write(file)).toThrow(message);
    const fetch = (async () => new Response(file.slice().buffer)) as unknown as typeof globalThis.fetch;
    const remote = await espalierRange('model.esp', { fetch });
    await expect(remote.tensor('s')).rejects.toThrow(message);
  });

  it('is read where the shape is true', () => {
    const file = forged([2, 1], [...a, 0, 0, 0, 0]);
    expect([...new Uint8Array(decode(file).weightData)]).toEqual([...a, 0, 0, 0, 0]);
  });
});
