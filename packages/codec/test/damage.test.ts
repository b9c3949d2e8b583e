import { describe, expect, it } from 'vitest';
import { crc32c } from '../src/bytes/crc32c.js';
import { decode, EspError, encode, inspect } from '../src/index.js';
import { levelCases } from './fixtures.js';

/** A small file with every codec in it. */
export function sample(): Uint8Array {
  const conv = levelCases()[3];
  const noise = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i * 77.7) * 0.1);
  const parts = [
    Float32Array.from(conv.levels, (x) => x * 0.25),
    noise,
    new Float32Array(10),
    new Float32Array(10).fill(0.5),
    Float32Array.of(1, 2),
  ];
  const shapes = [conv.shape, [64], [10], [10], [2]];
  const weightData = new Uint8Array(Buffer.concat(parts.map((p) => Buffer.from(p.buffer)))).buffer;
  return encode({
    format: 'layers-model',
    modelTopology: { class_name: 'Sequential', config: { layers: [] } },
    weightSpecs: shapes.map((shape, i) => ({ name: `t${i}`, shape, dtype: 'float32' })),
    weightData,
  });
}

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof EspError) return error.code;
    throw error;
  }
  return 'accepted';
};

describe('damaged files', () => {
  const file = sample();

  it('the sample is sound and small', () => {
    expect(codeOf(() => decode(file))).toBe('accepted');
    expect(file.length).toBeLessThan(800);
  });

  it('are refused when cut anywhere', () => {
    for (let length = 0; length < file.length; length++) {
      expect(codeOf(() => decode(file.slice(0, length)))).not.toBe('accepted');
    }
  });

  it('are refused when any bit is flipped', () => {
    for (let i = 0; i < file.length * 8; i++) {
      const damaged = file.slice();
      damaged[i >> 3] ^= 1 << (i & 7);
      expect(codeOf(() => decode(damaged))).not.toBe('accepted');
    }
  });

  it('are refused when bytes follow', () => {
    expect(codeOf(() => decode(Buffer.concat([file, Buffer.of(0)])))).toBe('length');
  });

  it('name the kind of damage', () => {
    const version = file.slice();
    version[8] = 9;
    expect(codeOf(() => decode(version))).toBe('version');
    const feature = file.slice();
    feature[11] = 128;
    expect(codeOf(() => decode(feature))).toBe('version');
    const payload = file.slice();
    payload[file.length - 1] ^= 1;
    expect(codeOf(() => decode(payload))).toBe('checksum');
    expect(codeOf(() => decode(Buffer.from('{"format":"layers-model"}')))).toBe('magic');
  });

  it('inspect needs the header only', () => {
    const { headerBytes } = inspect(file);
    expect(inspect(file.slice(0, headerBytes))).toEqual(inspect(file));
  });

  it('limits are checked before anything is decoded', () => {
    for (const limits of [
      { elements: 500 },
      { decodedBytes: 2000 },
      { tensors: 4 },
      { headerBytes: 100 },
      { textBytes: 20 },
    ]) {
      expect(codeOf(() => decode(file, limits))).toBe('limit');
    }
    expect(codeOf(() => decode(file, { element: 5 } as never))).toBe('option');
    expect(codeOf(() => decode(file, { elements: -1 }))).toBe('option');
  });

  it('a forged header with a right checksum cannot ask for more than its payload may hold', () => {
    // The first dimension of the first tensor, made 2^20 times larger.
    const { headerBytes } = inspect(file);
    for (let at = 26; at < headerBytes; at++) {
      const forged = file.slice();
      forged[at] = 127;
      const crc = crc32c(forged, 20, headerBytes, crc32c(forged, 0, 16));
      new DataView(forged.buffer).setUint32(16, crc, true);
      codeOf(() => decode(forged));
    }
  });
});

describe('crc32c', () => {
  it('has the published check value', () => {
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  });
});
