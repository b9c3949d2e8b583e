import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decode, encode, type ModelArtifacts } from '@espalier/codec';
import { describe, expect, it, test } from 'vitest';
import {
  artifactsOfTensors,
  npyBytes,
  parseNpy,
  parseNpyTensor,
  parseSafetensors,
  readNpy,
  safetensorsBytes,
  tensorsOfArtifacts,
  writeNpy,
} from '../src/index.js';
import { folder, kept, tensor } from './fixtures.js';

const valuesOf = (artifacts: ModelArtifacts): Map<string, number[]> =>
  new Map(
    tensorsOfArtifacts(artifacts).map((one) => [one.name, [...parseNpy(npyBytes(one), one.name).values]]),
  );

/** A safetensors file with this header, and so many bytes of data. */
function safetensors(header: unknown, data: number): Uint8Array {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(data, 1)]);
}

describe('types of other programs', () => {
  it('become those of TF.js without loss, and come back', () => {
    const artifacts = artifactsOfTensors(kept);
    expect(tensorsOfArtifacts(artifacts)).toEqual(kept);
    expect(tensorsOfArtifacts(decode(encode(artifacts)))).toEqual(kept);
  });

  it('lose what TF.js has no place for, or are refused', () => {
    const artifacts = artifactsOfTensors([
      tensor('d', 'float64', [2], Float64Array.of(0.1, Number.NEGATIVE_INFINITY)),
      tensor('b', 'bfloat16', [2], Uint16Array.of(0x3f80, 0xc040)),
      tensor('l', 'int64', [2], BigInt64Array.of(-5n, 2n ** 31n - 1n)),
      tensor('s', 'int8', [2], Int8Array.of(-128, 127)),
      tensor('t', 'bool', [2], Uint8Array.of(2, 0)),
    ]);
    expect(artifacts.weightSpecs?.map(({ dtype }) => dtype)).toEqual([
      'float32',
      'float32',
      'int32',
      'int32',
      'bool',
    ]);
    expect([...valuesOf(artifacts).values()]).toEqual([
      [Math.fround(0.1), Number.NEGATIVE_INFINITY],
      [1, -3],
      [-5, 2 ** 31 - 1],
      [-128, 127],
      [1, 0],
    ]);
    expect(() => artifactsOfTensors([tensor('l', 'int64', [1], BigInt64Array.of(2n ** 31n))])).toThrow(
      'l holds 2147483648: TensorFlow.js has integers of 32 bits',
    );
    // What float32 would make infinite; what is infinite already, or too small, is not.
    expect(() => artifactsOfTensors([tensor('d', 'float64', [2], Float64Array.of(1, -1e300))])).toThrow(
      'd holds -1e+300: TensorFlow.js has floats of 32 bits',
    );
    const small = artifactsOfTensors([
      tensor('d', 'float64', [3], Float64Array.of(Infinity, 3.4e38, 1e-300)),
    ]);
    expect([...(valuesOf(small).get('d') ?? [])]).toEqual([Infinity, Math.fround(3.4e38), 0]);
    const text = {
      weightSpecs: [{ name: 't', shape: [0], dtype: 'string' as const }],
      weightData: new ArrayBuffer(0),
    };
    expect(() => tensorsOfArtifacts(text)).toThrow('t holds string');
  });
});

describe('npy', () => {
  it('keeps every type, and bytes where NumPy would put them', () => {
    for (const one of kept) {
      const bytes = npyBytes(one);
      expect((bytes.length - one.bytes.length) % 64).toBe(0);
      expect(parseNpyTensor(bytes, one.name)).toEqual(one);
    }
  });

  it('reads Fortran order: the first axis runs fastest', () => {
    // numpy.asfortranarray([[0, 1, 2], [3, 4, 5]]) has its bytes in the order 0 3 1 4 2 5.
    const bytes = npyBytes(tensor('f', 'float32', [2, 3], Float32Array.of(0, 3, 1, 4, 2, 5)));
    const fortran = Buffer.from(Buffer.from(bytes).toString('latin1').replace('False', 'True '), 'latin1');
    expect([...parseNpy(fortran, 'f').values]).toEqual([0, 1, 2, 3, 4, 5]);
    const cube = npyBytes(tensor('c', 'int32', [2, 2, 2], Int32Array.of(0, 4, 2, 6, 1, 5, 3, 7)));
    const turned = Buffer.from(Buffer.from(cube).toString('latin1').replace('False', 'True '), 'latin1');
    expect([...parseNpy(turned, 'c').values]).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('reads numbers of the other byte order', () => {
    for (const one of kept) {
      const [name] = /[<|][a-z]\d/.exec(Buffer.from(npyBytes(one)).toString('latin1')) ?? [];
      if (!name?.startsWith('<')) continue;
      const width = Number(name[2]);
      const turned = Buffer.from(one.bytes);
      for (let at = 0; at < turned.length; at += width) turned.subarray(at, at + width).reverse();
      const bytes = Buffer.from(npyBytes({ ...one, bytes: turned }));
      bytes.write('>', bytes.indexOf(name));
      expect(parseNpyTensor(bytes, one.name)).toEqual(one);
    }
  });

  it('refuses what is not an array of numbers', () => {
    const good = Buffer.from(npyBytes(kept[0])).toString('latin1');
    const read = (text: string): unknown => parseNpyTensor(Buffer.from(text, 'latin1'), 'x.npy');
    expect(() => read(good.replace('<f4', '|O8'))).toThrow(
      "x.npy holds Python objects ('|O8'), which are not read",
    );
    expect(() => read(good.replace('<f4', '<c8'))).toThrow('x.npy holds complex numbers');
    expect(() => read(good.replace("'<f4'", "[('a', '<f4')]"))).toThrow('x.npy holds records');
    expect(() => read(good.replace('<f4', '<f9'))).toThrow("x.npy has the type '<f9', which is not read");
    expect(() => read(good.replace('<f4', '<O4'))).toThrow('Python objects');
    expect(() => read(good.replace('(2, 3)', '(99999999, 99999999, 2)'))).toThrow(
      'a shape that fits nowhere',
    );
    expect(() => read(good.slice(0, 100))).toThrow('cut off');
    expect(() => read(good.replace('NUMPY', 'NUMBY'))).toThrow('no .npy file');
    expect(() => read(good.replace('(2, 3)', '(2, 4)'))).toThrow('cut off');
    expect(() => read(good.replace('(2, 3)', '(2, 2)'))).toThrow('longer than its array');
    expect(() => read(good.replace('(2, 3)', '(2,-3)'))).toThrow('has no shape');
    expect(() => read(good.replace('fortran', 'FORTRAN'))).toThrow('order');
  });
});

describe('safetensors', () => {
  it('comes back, metadata too, with data on a multiple of 8', () => {
    const artifacts = { ...artifactsOfTensors(kept), userDefinedMetadata: { format: 'pt' } };
    const bytes = safetensorsBytes(artifacts);
    expect(Number(new DataView(bytes.buffer).getBigUint64(0, true)) % 8).toBe(0);
    expect(parseSafetensors(bytes, 'x')).toEqual(artifacts);
  });

  it('reads what others write: any order, no padding', () => {
    const header = {
      z: { dtype: 'I32', shape: [1], data_offsets: [2, 6] },
      __metadata__: { a: 'b' },
      y: { dtype: 'BF16', shape: [], data_offsets: [0, 2] },
    };
    const { weightSpecs, weightData, userDefinedMetadata } = parseSafetensors(safetensors(header, 6), 'x');
    expect(weightSpecs?.map(({ name, dtype }) => `${name} ${dtype}`)).toEqual(['y float32', 'z int32']);
    expect(new Uint32Array(weightData as ArrayBuffer)).toEqual(Uint32Array.of(0x01010000, 0x01010101));
    expect(userDefinedMetadata).toEqual({ a: 'b' });
  });

  const f32 = (from: number, to: number, shape = [1]): object => ({
    dtype: 'F32',
    shape,
    data_offsets: [from, to],
  });
  it.each([
    ['a header beyond the file', safetensors({ a: f32(0, 4) }, 4).subarray(0, 20), 'does not fit'],
    ['no length', new Uint8Array(7), 'too short'],
    ['no JSON', safetensors('{"a":', 0), 'no JSON'],
    ['a list', safetensors('[]', 0), 'no object'],
    ['an unknown type', safetensors({ a: { ...f32(0, 1), dtype: 'F8_E4M3' } }, 1), 'the type F8_E4M3'],
    [
      'a type of JavaScript',
      safetensors({ a: { ...f32(0, 4), dtype: 'constructor' } }, 4),
      'type constructor',
    ],
    ['a wrong size', safetensors({ a: f32(0, 8) }, 8), 'not those of its shape'],
    ['a negative shape', safetensors({ a: f32(0, 4, [-1]) }, 4), 'no dtype, shape'],
    ['an end beyond the file', safetensors({ a: f32(0, 4) }, 3), 'outside of the file'],
    ['an end before the start', safetensors({ a: f32(4, 0) }, 8), 'outside of the file'],
    ['tensors that overlap', safetensors({ a: f32(0, 4), b: f32(0, 4) }, 4), "'b' starts at 0, where 4"],
    ['a gap', safetensors({ a: f32(0, 4), b: f32(8, 12) }, 12), "'b' starts at 8, where 4"],
    ['bytes left over', safetensors({ a: f32(0, 4) }, 5), '1 bytes belong to no tensor'],
    ['metadata that is no text', safetensors({ __metadata__: { a: 1 } }, 0), 'not all texts'],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => parseSafetensors(bytes, 'x.safetensors')).toThrow(message);
    expect(() => parseSafetensors(bytes, 'x.safetensors')).toThrow(
      expect.objectContaining({ code: 'bad-data' }),
    );
  });
});

test('npy: what is written is read, other types too, and damage is told', async () => {
  const file = join(folder(), 'a.npy');
  const values = Float32Array.from({ length: 24 }, (_, i) => Math.sin(i));
  writeFileSync(file, writeNpy([2, 3, 4], values));
  expect(await readNpy(file)).toEqual({ shape: [2, 3, 4], values });
  const header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }";
  const doubles = Buffer.concat([
    Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, header.length, 0]),
    Buffer.from(header),
    Buffer.from(Float64Array.of(0.5, -2).buffer),
  ]);
  expect(parseNpy(doubles, 'd')).toEqual({ shape: [2], values: Float32Array.of(0.5, -2) });
  expect(() => parseNpy(doubles.subarray(0, doubles.length - 1), 'd.npy')).toThrow('d.npy is cut off');
  expect(() => parseNpy(Buffer.from('no'), 'd.npy')).toThrow('no .npy file');
});
