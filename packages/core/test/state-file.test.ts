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
