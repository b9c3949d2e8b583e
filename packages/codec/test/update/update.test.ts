import { describe, expect, it } from 'vitest';
import { readHeader } from '../../src/container/header.js';
import { decode, EspError, encode, inspect, type WeightSpec } from '../../src/index.js';
import { diff, inspectUpdate, patch } from '../../src/update.js';
import { withHeader } from '../forge.js';
import { bytesOf, draw, floats, modelOf, quantised, type Tensor } from './models.js';

/** The update's length, after it has been tried. */
function updateBytes(old: Uint8Array, next: Uint8Array): number {
  const update = diff(old, next);
  expect(patch(old, update)).toEqual(next);
  return update.length;
}

const code = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof EspError) return error.code;
    throw error;
  }
  return 'none';
};

describe('an update of', () => {
  const grid = (moved: number, step = 0.01, seed = 3): Tensor[] => [
    floats('a/kernel', [120, 80], quantised(9600, seed, step, moved)),
    floats('a/bias', [80], quantised(80, 4, 0.3)),
    floats('b/kernel', [3, 3, 16, 24], quantised(3456, 5, 0.02)),
  ];
  const old = encode(modelOf(grid(0)));

  it('the same file takes what it takes to name it', () => {
    expect(updateBytes(old, old)).toBeLessThan(48);
  });

  it('a few changed levels takes a few bytes', () => {
    const next = encode(modelOf(grid(0.01)));
    // 96 of 9600: 0.081 bits each for where, a bit for each change, and the head.
    expect(updateBytes(old, next)).toBeLessThan(1.15 * ((9600 * 0.081 + 96) / 8) + 60);
  });

  it('another step takes the step', () => {
    const next = encode(modelOf(grid(0, 0.0103)));
    expect(updateBytes(old, next)).toBeLessThan(60);
  });

  it('steps that are not the same for all takes less than the tensor', () => {
    // Levels are what is nearest to the older values: 0.012 is no multiple of 0.01.
    const weights = quantised(9600, 3, 0.01);
    const step = Math.fround(0.012);
    const kernel = floats(
      'a/kernel',
      [120, 80],
      weights.map((w) => Math.round(w / step) * step),
    );
    expect(updateBytes(old, encode(modelOf([kernel])))).toBeLessThan(100);
  });

  it('layers with other names, in another order, takes less than the tensors', () => {
    const renamed = grid(0.02).map(
      ([spec, bytes]): Tensor => [{ ...spec, name: `other/${spec.name}` }, bytes],
    );
    const next = encode(modelOf(renamed.reverse()));
    expect(updateBytes(old, next)).toBeLessThan(next.length / 6);
    const twice = (names: string[], moved: number): Uint8Array =>
      encode(modelOf(names.map((name, i) => floats(name, [64, 64], quantised(4096, 20 + i, 0.01, moved)))));
    // Of two that have the shape the right one, though the name says the other.
    expect(updateBytes(twice(['x', 'y', 'z'], 0), twice(['y', 'z', 'w'], 0.02))).toBeLessThan(900);
  });

  it('another head takes the head', () => {
    const head = (classes: number): Tensor =>
      floats('head/kernel', [80, classes], quantised(80 * classes, 77, 0.01));
    const [ten, twelve] = [10, 12].map((classes) => encode(modelOf([...grid(0), head(classes)])));
    const alone = encode(modelOf([head(12)]));
    expect(updateBytes(ten, twelve)).toBeLessThan(alone.length);
  });

  it('floats that moved a little takes less than half', () => {
    const random = draw(9);
    const weights = Float32Array.from({ length: 4000 }, () => random() + random() - 1);
    const file = (share: number): Uint8Array =>
      encode(
        modelOf([
          floats(
            'w',
            [4000],
            weights.map((w) => w * (1 + share * (random() - 0.5))),
          ),
        ]),
      );
    const [from, to] = [file(0), file(1e-4)];
    // 2^-14 of a value of 24 bits: 10 bits and a sign.
    expect(updateBytes(from, to)).toBeLessThan((4000 * 12) / 8);
    expect(to.length).toBeGreaterThan(12_000);
  });

  it('a text in which a word changed takes the word', () => {
    const layers = Array.from({ length: 40 }, (_, i) => ({
      class_name: 'Dense',
      config: { name: `dense_${i}_${(i * 7919) % 1000}`, units: (i * 37) % 100 },
    }));
    const file = (epoch: string): Uint8Array =>
      encode(modelOf(grid(0), { modelTopology: { layers }, userDefinedMetadata: { epoch } }), {
        sha256: true,
      });
    expect(inspect(file('ten')).textBytes).toBeGreaterThan(300);
    expect(updateBytes(file('ten'), file('eleven'))).toBeLessThan(160);
  });

  it('a file that was quantised takes next to nothing, made from one that was not', () => {
    const random = draw(11);
    const weights = Float32Array.from({ length: 9600 }, () => random() + random() - 1);
    const plain = encode(modelOf([floats('w', [120, 80], weights)]));
    const packed = encode(
      modelOf([
        floats(
          'w',
          [120, 80],
          weights.map((w) => Math.round(w * 16) / 16),
        ),
      ]),
    );
    expect(packed.length).toBeGreaterThan(4000);
    expect(updateBytes(plain, packed)).toBeLessThan(140);
  });
});

describe('updates between', () => {
  /** A model of tensors of all types, some of them empty or scalars, whose values depend on both seeds. */
  function anyModel(shapes: number, values: number): Uint8Array {
    const [shape, value] = [draw(shapes), draw(values)];
    const count = 1 + Math.floor(shape() * 6);
    const tensors = Array.from({ length: count }, (_, i): Tensor => {
      const rank = Math.floor(shape() * 5);
      const size = Array.from({ length: rank }, () => Math.floor(shape() * 7) + (shape() < 0.06 ? 0 : 1));
      const elements = size.reduce((a, b) => a * b, 1);
      const kind = Math.floor(shape() * 9);
      const levels = 2 + Math.floor(shape() * 40);
      const whole = (): number => Math.floor(value() ** 3 * levels);
      const of = (type: 'uint8' | 'uint16', data: ArrayBufferView): Tensor => [
        { ...spec('float32'), quantization: { dtype: type, scale: 0.01 + 0.001 * value(), min: -value() } },
        bytesOf(data),
      ];
      const spec = (dtype: WeightSpec['dtype']): WeightSpec => ({ name: `${i}/${kind}`, shape: size, dtype });
      const make = <T>(of: () => T): T[] => Array.from({ length: elements }, of);
      if (kind === 0) return [spec('int32'), bytesOf(Int32Array.from(make(() => whole() - 5)))];
      if (kind === 1) return [spec('bool'), bytesOf(Uint8Array.from(make(() => (value() < 0.3 ? 1 : 0))))];
      if (kind === 2) {
        const words = make(() => 'abc'.slice(0, Math.floor(value() * 4)));
        const parts = words.flatMap((word) => [word.length, 0, 0, 0, ...Buffer.from(word)]);
        return [spec('string'), Uint8Array.from(parts)];
      }
      if (kind === 3)
        return [spec('complex64'), bytesOf(Float32Array.from([...make(value), ...make(value)]))];
      if (kind === 4) return of('uint8', Uint8Array.from(make(whole)));
      if (kind === 5) return of('uint16', Uint16Array.from(make(whole)));
      if (kind === 6) {
        const halves = Uint16Array.from(make(() => 0x3c00 + whole()));
        return [{ ...spec('float32'), quantization: { dtype: 'float16' } }, bytesOf(halves)];
      }
      if (kind === 7)
        return floats(
          `${i}/${kind}`,
          size,
          make(() => (whole() - 3) * 0.25),
        );
      return floats(
        `${i}/${kind}`,
        size,
        make(() => [Number.NaN, -0, Number.POSITIVE_INFINITY, value()][Math.floor(value() * 9)] ?? value()),
      );
    });
    return encode(modelOf(tensors), {
      effort: Math.floor(shape() * 8),
      prefer: shape() < 0.5 ? 'size' : 'balance',
    });
  }

  it('models of all types make them, byte for byte', () => {
    for (let n = 0; n < 60; n++) {
      const [a, b] = [anyModel(n, 7 * n + 1), anyModel(n - (n % 5 === 0 ? 1 : 0), 7 * n + 2)];
      const update = diff(a, b);
      expect(patch(a, update), `model ${n}`).toEqual(b);
      expect(decode(patch(a, update)).weightSpecs).toEqual(decode(b).weightSpecs);
    }
  });
});

describe('patch', () => {
  const old = encode(modelOf([floats('w', [40, 40], quantised(1600, 1, 0.1))]));
  const next = encode(modelOf([floats('w', [40, 40], quantised(1600, 1, 0.1, 0.1))]));
  const update = diff(old, next);

  it('refuses another old file by name', () => {
    const other = encode(modelOf([floats('w', [40, 40], quantised(1600, 2, 0.1))]));
    expect(code(() => patch(other, update))).toBe('old');
    expect(code(() => patch(next, update))).toBe('old');
    expect(code(() => patch(old.subarray(1), update))).toBe('old');
    const { sha256, fileBytes } = inspectUpdate(update).old;
    expect(() => patch(next, update)).toThrow(
      `the update is for a file of ${fileBytes} bytes, SHA-256 ${sha256}`,
    );
    const touched = old.slice();
    touched[touched.length - 1] ^= 1;
    expect(code(() => patch(touched, update))).toBe('old');
  });

  it('tells what an update is for', async () => {
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', next.slice()));
    const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
    expect(inspectUpdate(update)).toEqual({
      updateBytes: update.length,
      old: inspectUpdate(diff(old, old)).new,
      new: { fileBytes: next.length, sha256: hex.slice(0, 16) },
      whole: false,
    });
  });

  it('refuses what is no update, or a damaged one', () => {
    expect(code(() => patch(old, next))).toBe('magic');
    expect(code(() => patch(old, new Uint8Array(0)))).toBe('magic');
    for (let at = 0; at < update.length; at++) {
      const damaged = update.slice();
      damaged[at] ^= 1 << (at % 8);
      expect(code(() => patch(old, damaged))).toBe(at < 8 ? 'magic' : 'checksum');
      expect(['magic', 'checksum']).toContain(code(() => patch(old, update.subarray(0, at))));
    }
  });

  it('keeps to limits, and refuses unknown ones', () => {
    expect(code(() => patch(old, update, { elements: 1599 }))).toBe('limit');
    expect(code(() => patch(old, update, { elements: 1600 }))).toBe('none');
    expect(code(() => patch(old, update, { decodedBytes: 100, headerBytes: 100 }))).toBe('limit');
    expect(code(() => patch(old, update, { weights: 1 } as object))).toBe('option');
    expect(code(() => patch(old, diff(old, old), { headerBytes: 10 }))).toBe('limit');
  });

  it('reads files that lie in larger buffers, at any place', () => {
    const inside = (bytes: Uint8Array): Uint8Array => {
      const larger = new Uint8Array(bytes.length + 7).fill(0xa5);
      larger.set(bytes, 3);
      return larger.subarray(3, 3 + bytes.length);
    };
    expect(patch(inside(old), inside(update))).toEqual(next);
    expect(patch(old.slice().buffer, update.slice().buffer)).toEqual(next);
  });
});

describe('diff', () => {
  it('refuses what is no undamaged file', () => {
    const file = encode(modelOf([floats('w', [40], quantised(40, 1, 0.1))]));
    const damaged = file.slice();
    damaged[damaged.length - 1] ^= 4;
    expect(code(() => diff(file, file.subarray(0, 50)))).toBe('length');
    expect(code(() => diff(file, damaged))).toBe('checksum');
    expect(code(() => diff(new Uint8Array(9), file))).toBe('magic');
  });

  it('gives the new file as it is where one of the two is in its small form', () => {
    const tiny = (seed: number, small: boolean): Uint8Array =>
      encode(modelOf([floats('w', [20, 20], quantised(400, seed, 0.25))]), { small });
    expect(tiny(1, true).length).toBeLessThan(tiny(1, false).length);
    for (const [from, to] of [
      [tiny(1, true), tiny(2, true)],
      [tiny(1, false), tiny(2, true)],
      [tiny(1, true), tiny(2, false)],
    ]) {
      expect(patch(from, diff(from, to))).toEqual(to);
      expect(inspectUpdate(diff(from, to)).whole).toBe(true);
    }
  });

  it('gives the new file as it is where its header is not what it seems', () => {
    const random = draw(4);
    const values = Array.from({ length: 300 }, () => [0, 0, 0, 1.5, 2.25, 7, 9][Math.floor(random() * 7)]);
    const plain = encode(modelOf([floats('w', [300], values)]), { codecs: ['ctx-mix'] });
    const { headerBytes } = inspect(plain);
    const [{ parts }] = readHeader(plain).tensors;
    const header = plain.slice(0, headerBytes);
    const view = new DataView(header.buffer);
    const at = [...header.keys()].find((i) => i > 26 && view.getFloat32(i, true) === 1.5) as number;
    expect([parts.length, view.getFloat32(at + 4, true)]).toEqual([1, 2.25]);
    expect(parts[0].length).toBeLessThan(128);
    // The first values of the codebook look like the length and the checksum that follow.
    view.setUint8(at + 3, parts[0].length);
    view.setUint32(at + 4, parts[0].crc, true);
    const forged = withHeader(plain, header);
    expect(decode(forged).weightSpecs).toHaveLength(1);
    const update = diff(plain, forged);
    expect(inspectUpdate(update).whole).toBe(true);
    expect(patch(plain, update)).toEqual(forged);
    expect(patch(forged, diff(forged, plain))).toEqual(plain);
  });
});
