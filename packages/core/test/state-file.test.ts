import { packState, type StateArray, unpackState } from '@espalier/core';
import { describe, expect, test } from 'vitest';
import { codeOf } from './helpers.js';

const arrays: Record<string, StateArray> = {
  f32: Float32Array.of(1.5, -0, Number.NaN, Number.POSITIVE_INFINITY),
  f64: Float64Array.of(Math.PI),
  i32: Int32Array.of(-1, 2 ** 31 - 1),
  u8: Uint8Array.of(1, 2, 3),
  u16: Uint16Array.of(65535),
  u32: Uint32Array.of(2 ** 32 - 1),
  empty: new Float32Array(0),
  'ümlaut:/µ': Uint8Array.of(7),
};

describe('packState and unpackState', () => {
  test('give back every type, bit for bit', () => {
    const json = { epoch: 3, nested: { list: [1, null, 'ü'] } };
    const state = unpackState(packState({ json, arrays }));
    expect(state.json).toEqual(json);
    expect(Object.keys(state.arrays!)).toEqual(Object.keys(arrays));
    for (const [name, array] of Object.entries(arrays)) {
      const back = state.arrays![name];
      expect(back.constructor).toBe(array.constructor);
      expect(new Uint8Array(back.buffer)).toEqual(new Uint8Array(array.buffer));
    }
  });

  test('nothing at all', () => {
    expect(unpackState(packState({}))).toEqual({ json: null, arrays: {} });
  });

  test('an array that is a window of a larger buffer', () => {
    const window = new Float32Array(Float32Array.of(0, 1, 2, 3).buffer, 4, 2);
    expect(unpackState(packState({ arrays: { window } })).arrays!.window).toEqual(Float32Array.of(1, 2));
  });

  test('bytes at any offset of a buffer', () => {
    const packed = packState({ arrays });
    for (let shift = 1; shift < 9; shift++) {
      const moved = new Uint8Array(packed.length + shift).subarray(shift);
      moved.set(packed);
      expect(unpackState(moved).arrays).toEqual(arrays);
    }
  });

  test('a Buffer is taken for the bytes it holds', () => {
    expect(unpackState(packState({ arrays: { b: Buffer.from([1, 2]) } })).arrays!.b).toEqual(
      Uint8Array.of(1, 2),
    );
  });

  test('the same state gives the same bytes', () => {
    expect(packState({ json: { a: 1 }, arrays })).toEqual(packState({ json: { a: 1 }, arrays }));
  });
});

describe('the bytes', () => {
  /** The checksum as it is described: each word, then each byte that is left, by one-to-one steps. */
  function sum(bytes: Uint8Array): number {
    let hash = BigInt(bytes.length);
    const step = (value: number, factor: bigint): void => {
      hash = ((hash ^ BigInt(value)) * factor) % 2n ** 32n;
    };
    const rest = bytes.subarray(16);
    let at = 0;
    for (; at + 4 <= rest.length; at += 4) {
      const [a, b, c, d] = rest.subarray(at, at + 4);
      step(a + 2 ** 8 * b + 2 ** 16 * c + 2 ** 24 * d, 0x9e3779b1n);
      hash ^= hash >> 15n;
    }
    for (; at < rest.length; at++) step(rest[at], 0x85ebca6bn);
    return Number(hash);
  }

  test('are magic, length of the header, checksum, header, and arrays on multiples of 8', () => {
    const packed = packState({
      json: { epoch: 3 },
      arrays: { a: Uint8Array.of(1, 2, 3), b: Float64Array.of(1) },
    });
    const header =
      '{"json":{"epoch":3},"table":[{"name":"a","type":"Uint8Array","length":3},{"name":"b","type":"Float64Array","length":1}]}';
    const view = new DataView(packed.buffer);
    expect(new TextDecoder().decode(packed.subarray(0, 8))).toBe('ESPSTAT2');
    expect(view.getUint32(8, true)).toBe(header.length);
    expect(view.getUint32(12, true)).toBe(sum(packed));
    expect(new TextDecoder().decode(packed.subarray(16, 16 + header.length))).toBe(header);
    const from = 8 * Math.ceil((16 + header.length) / 8);
    expect([...packed.subarray(from, from + 8)]).toEqual([1, 2, 3, 0, 0, 0, 0, 0]);
    expect(new Float64Array(packed.slice(from + 8).buffer)).toEqual(Float64Array.of(1));
    expect(packed.length).toBe(from + 16);
  });

  test('that are no multiple of 4 are summed up to the last', () => {
    for (const more of [0, 1, 2, 3]) {
      const packed = packState({ json: 7 });
      const bytes = new Uint8Array(packed.length + more).fill(200);
      bytes.set(packed);
      new DataView(bytes.buffer).setUint32(12, sum(bytes), true);
      expect(unpackState(bytes).json).toBe(7);
      bytes[bytes.length - 1] ^= 1;
      expect(() => unpackState(bytes)).toThrow('not a whole saved state');
    }
  });
});

describe('unpackState refuses', () => {
  const packed = packState({ json: { epoch: 3 }, arrays });

  test('every truncation', async () => {
    for (let length = 0; length < packed.length; length++) {
      const code = await codeOf(() => unpackState(packed.subarray(0, length)));
      // Only the padding after the last array may be missing.
      if (code !== 'bad-state') expect(packed.length - length).toBeLessThan(8);
    }
  });

  test('what is something else', async () => {
    expect(await codeOf(() => unpackState(new TextEncoder().encode('{"not": "a state file"}')))).toBe(
      'bad-state',
    );
  });

  test('every bit that has changed', async () => {
    for (let bit = 0; bit < 8 * packed.length; bit++) {
      const bytes = packed.slice();
      bytes[bit >> 3] ^= 1 << (bit & 7);
      expect([bit, await codeOf(() => unpackState(bytes))]).toEqual([bit, 'bad-state']);
    }
  });
});
