import { EspalierError } from '@espalier/core';
import { readWhole } from '../files.js';
import {
  bytesOf,
  type ElementType,
  elementBytes,
  numbersOf,
  type PlainTensor,
  reversed,
  sizeOf,
} from './plain-tensor.js';

/** An array out of a `.npy` file. */
export interface NpyArray {
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array | Uint8Array;
}

/** NumPy's names of types, as they are written. */
const types: Readonly<Record<string, ElementType>> = {
  '<f8': 'float64',
  '<f4': 'float32',
  '<f2': 'float16',
  '<i8': 'int64',
  '<u8': 'uint64',
  '<i4': 'int32',
  '<u4': 'uint32',
  '<i2': 'int16',
  '<u2': 'uint16',
  '|i1': 'int8',
  '|u1': 'uint8',
  '|b1': 'bool',
};

/** What other letters of types are, and the way from there to numbers. */
const others: Readonly<Record<string, readonly [string, string]>> = {
  O: ['Python objects', "They can hold code, and are not read: save array.astype('float32')."],
  V: ['records', 'Save one field of it: array["name"].'],
  c: ['complex numbers', 'Save array.real and array.imag.'],
  U: ['texts', 'Arrays of numbers are read.'],
  S: ['bytes', 'Arrays of numbers are read.'],
  M: ['dates', "Save array.astype('int64')."],
  m: ['spans of time', "Save array.astype('int64')."],
};

/**
 * Reads a `.npy` file: numbers of either byte order, in either order of axes. 64-bit numbers become 32-bit ones, small signed
 * integers int32.
 *
 * @throws EspalierError `bad-data`; `bad-model` where it cannot be read
 */
export async function readNpy(file: string): Promise<NpyArray> {
  return parseNpy(await readWhole(file), file);
}

/**
 * As `readNpy`, of bytes.
 *
 * @throws EspalierError `bad-data`
 *
 * @example
 * ```ts
 * import { npyBytes, parseNpy, parseNpyTensor } from '@espalier/formats';
 * const bytes = npyBytes({ name: 'x', shape: [2, 2], type: 'uint8', bytes: Uint8Array.of(1, 2, 3, 4) });
 * const { shape, values } = parseNpy(bytes, 'x.npy');
 * if (shape.join() !== '2,2' || values[3] !== 4 || parseNpyTensor(bytes, 'x.npy').type !== 'uint8') throw new Error('unexpected');
 * ```
 */
export function parseNpy(bytes: Uint8Array, name: string): NpyArray {
  const tensor = parseNpyTensor(bytes, name);
  return { shape: tensor.shape, values: numbersOf(tensor) };
}

/**
 * A `.npy` file as a tensor in the file's own type; the bytes are not copied.
 *
 * Source: the format's description in NumPy, numpy.lib.format.
 *
 * @throws EspalierError `bad-data`
 */
export function parseNpyTensor(bytes: Uint8Array, name: string): PlainTensor {
  const bad = (what: string, remedy = 'Save it with numpy.save.'): never => {
    throw new EspalierError('bad-data', `${name} ${what}.`, { remedy });
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || String.fromCharCode(...bytes.subarray(0, 6)) !== '\x93NUMPY')
    bad('is no .npy file');
  const wide = bytes[6] >= 2;
  const start = wide ? 12 : 10;
  const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  if (start + length > bytes.length) bad('is cut off');
  // Long headers are those of records.
  const header = new TextDecoder('latin1').decode(bytes.subarray(start, start + Math.min(length, 65_536)));
  if (/'descr':\s*\[/.test(header)) bad(`holds ${others.V[0]}`, others.V[1]);
  const descr = /'descr':\s*'([^']*)'/.exec(header)?.[1] ?? bad('does not tell its type');
  const tuple = /'shape':\s*\(([\d, ]*)\)/.exec(header)?.[1] ?? bad('has no shape');
  const shape = tuple.split(',').flatMap((n) => (n.trim() === '' ? [] : [Number(n)]));
  const order = /'fortran_order':\s*(True|False)/.exec(header)?.[1] ?? bad('does not tell its order');
  const type = typeOf(descr, bad);
  const size = sizeOf(shape) * elementBytes[type];
  if (!Number.isSafeInteger(size) || !shape.every(Number.isSafeInteger)) bad('has a shape that fits nowhere');
  const end = start + length + size;
  if (bytes.length < end) bad('is cut off');
  if (bytes.length > end) bad('is longer than its array');
  const width = elementBytes[type];
  const data = bytes.subarray(start + length, end);
  const little = descr.startsWith('>') ? reversed(data, width) : data;
  const ordered = order === 'True' && shape.length > 1 ? rowMajor(little, shape, width) : little;
  return { name, shape, type, bytes: ordered };
}

/** The type that NumPy writes as `descr`, its byte order left out. */
function typeOf(descr: string, bad: (what: string, remedy?: string) => never): ElementType {
  const [, kind, width] = /^[<>=|]?([a-zA-Z])(\d*)/.exec(descr) ?? [];
  // Of one byte, or of more.
  for (const name of [`|${kind}${width}`, `<${kind}${width}`]) {
    if (Object.hasOwn(types, name) && descr.length === name.length) return types[name];
  }
  if (kind !== undefined && Object.hasOwn(others, kind)) {
    const [what, remedy] = others[kind];
    return bad(`holds ${what} ('${descr}'), which are not read`, remedy);
  }
  return bad(`has the type '${descr}', which is not read`, `These are: ${Object.keys(types).join(' ')}.`);
}

/** Elements whose first axis runs fastest, put into an order in which the last one does. */
function rowMajor(data: Uint8Array, shape: readonly number[], width: number): Uint8Array {
  const out = new Uint8Array(data.length);
  const index = shape.map(() => 0);
  const strides = shape.map((_, axis) => width * sizeOf(shape.slice(0, axis)));
  for (let at = 0, from = 0; at < data.length; at += width) {
    for (let byte = 0; byte < width; byte++) out[at + byte] = data[from + byte];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return out;
}

/** The bytes of a `.npy` file of float32. */
export function writeNpy(shape: readonly number[], values: Float32Array): Uint8Array {
  return npyBytes({ name: '', shape, type: 'float32', bytes: bytesOf(values) });
}

/** The bytes of a tensor's `.npy` file. */
export function npyBytes({ shape, type, bytes: data }: PlainTensor): Uint8Array {
  const descr = Object.keys(types).find((name) => types[name] === type);
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${tuple}), }`;
  // Data starts at a multiple of 64.
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const bytes = new Uint8Array(10 + length + data.length);
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 255, length >> 8]);
  bytes.set(new TextEncoder().encode(`${text.padEnd(length - 1)}\n`), 10);
  bytes.set(data, 10 + length);
  return bytes;
}
