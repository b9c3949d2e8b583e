import { readFile } from 'node:fs/promises';
import { EspalierError } from '@espalier/core';

/** An array out of a `.npy` file. */
export interface NpyArray {
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array | Uint8Array;
}

type Read = (bytes: ArrayBuffer, start: number, size: number) => NpyArray['values'];

const types: Readonly<Record<string, Read>> = {
  '<f4': (bytes, start, size) => new Float32Array(bytes, start, size),
  '<f8': (bytes, start, size) => Float32Array.from(new Float64Array(bytes, start, size)),
  '<i4': (bytes, start, size) => new Int32Array(bytes, start, size),
  '<i8': (bytes, start, size) => Int32Array.from(new BigInt64Array(bytes, start, size), Number),
  '|u1': (bytes, start, size) => new Uint8Array(bytes, start, size),
  '|i1': (bytes, start, size) => Int32Array.from(new Int8Array(bytes, start, size)),
  '|b1': (bytes, start, size) => new Uint8Array(bytes, start, size),
};

/**
 * Reads a `.npy` file: numbers in C order, little-endian. 64-bit numbers become 32-bit ones, int8 becomes int32.
 *
 * @throws EspalierError `bad-data`
 */
export async function readNpy(file: string): Promise<NpyArray> {
  return parseNpy(await readFile(file), file);
}

/** Source: the format's description in NumPy, numpy.lib.format. @throws EspalierError `bad-data` */
export function parseNpy(bytes: Uint8Array, name: string): NpyArray {
  const bad = (what: string): never => {
    throw new EspalierError('bad-data', `${name} ${what}.`, {
      remedy: 'Save it with numpy.save, in C order.',
    });
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || String.fromCharCode(...bytes.subarray(1, 6)) !== 'NUMPY') bad('is no .npy file');
  const wide = bytes[6] >= 2;
  const start = wide ? 12 : 10;
  const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, start + length));
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1] ?? '';
  const shape = (/'shape':\s*\(([^)]*)\)/.exec(header)?.[1] ?? '')
    .split(',')
    .filter((n) => n.trim() !== '')
    .map(Number);
  if (!/'fortran_order':\s*False/.test(header)) bad('is in Fortran order');
  const type = types[descr] ?? bad(`has the type '${descr}', which is not read`);
  const size = shape.reduce((a, b) => a * b, 1);
  const width = Number(descr.slice(2));
  const data = bytes.subarray(start + length, start + length + size * width);
  if (data.length !== size * width) bad('is cut off');
  // Large arrays are not copied: NumPy aligns them, and Node gives a large file a buffer of its own.
  const { buffer, byteOffset } = data.byteOffset % width === 0 ? data : new Uint8Array(data);
  return { shape, values: type(buffer as ArrayBuffer, byteOffset, size) };
}

/** The bytes of a `.npy` file of float32. */
export function writeNpy(shape: readonly number[], values: Float32Array): Uint8Array {
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${tuple}), }`;
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const bytes = new Uint8Array(10 + length + values.byteLength);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 255, length >> 8]);
  bytes.set(new TextEncoder().encode(`${text.padEnd(length - 1)}\n`), 10);
  bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), 10 + length);
  return bytes;
}
