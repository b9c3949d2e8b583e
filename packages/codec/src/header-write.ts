import type { WeightSpec } from './artifacts.js';
import type { Book } from './codebook.js';
import { BOOK_KINDS, bitsOf, orderKey } from './codebook.js';
import { crc32c } from './crc32c.js';
import { CODECS, FIXED_BYTES, type LevelsLayout, MAGIC, MAJOR, MINOR, STORAGE } from './format.js';
import { rankPermutation } from './geometry.js';
import { Writer } from './writer.js';

/** A tensor ready to be written. */
export interface StoredTensor {
  spec: WeightSpec;
  /** Number of the type in {@link STORAGE}. */
  storage: number;
  elements: number;
  codec: (typeof CODECS)[number];
  constant?: Uint8Array;
  levels?: LevelsLayout;
  payloads: Uint8Array[];
}

/** The whole file. */
export function writeFile(
  tensors: readonly StoredTensor[],
  text: Uint8Array,
  textLength: number,
): Uint8Array {
  const variable = new Writer();
  variable.varint(textLength);
  variable.varint(text.length);
  variable.varint(tensors.length);
  for (const tensor of tensors) writeTensor(variable, tensor);
  variable.put(text);
  const headerLength = FIXED_BYTES + variable.length;
  const payloadBytes = tensors.reduce((n, t) => n + t.payloads.reduce((m, p) => m + p.length, 0), 0);
  const file = new Uint8Array(headerLength + payloadBytes);
  const fixed = new Writer();
  fixed.put(Uint8Array.from(MAGIC));
  fixed.u8(MAJOR);
  fixed.u8(MINOR);
  fixed.u16(0);
  fixed.u32(headerLength);
  fixed.u32(0);
  fixed.u32(file.length >>> 0);
  fixed.u16(Math.floor(file.length / 2 ** 32));
  file.set(fixed.take());
  file.set(variable.take(), FIXED_BYTES);
  new DataView(file.buffer).setUint32(16, crc32c(file, 20, headerLength, crc32c(file, 0, 16)), true);
  let offset = headerLength;
  for (const { payloads } of tensors) {
    for (const payload of payloads) {
      file.set(payload, offset);
      offset += payload.length;
    }
  }
  return file;
}

function writeTensor(out: Writer, tensor: StoredTensor): void {
  const { spec, storage, codec } = tensor;
  const group = spec.group === undefined ? 0 : spec.group === 'model' ? 1 : 2;
  out.u8((spec.shape.length << 4) | storage);
  out.u8(CODECS.indexOf(codec) | (group << 6));
  for (const size of spec.shape) out.varint(size);
  if (spec.dtype === 'string') out.varint(tensor.elements);
  if (tensor.constant) out.put(tensor.constant);
  if (tensor.payloads.length === 0) return;
  if (tensor.levels) writeLevels(out, tensor.levels, storage);
  out.varint(tensor.payloads.length - 1);
  for (const payload of tensor.payloads) {
    out.varint(payload.length);
    out.u32(crc32c(payload));
  }
}

function writeLevels(out: Writer, { book, traversal, tuning }: LevelsLayout, storage: number): void {
  writeBook(out, book, STORAGE[storage][2], tuning >> 8);
  out.u8(traversal.foldAxis + 1);
  if (traversal.foldAxis >= 0) out.varint(traversal.foldInner);
  out.varint(rankPermutation(traversal.order));
  out.u8(traversal.rowAxes | (traversal.lineAxes << 4));
  out.u8(tuning & 255);
}

function writeBook(out: Writer, book: Book, itemBytes: number, rate: number): void {
  const { kind, negative, positive, base, values, exponents } = book;
  const list = kind === 'list' || kind === 'halves';
  const explicitZero = list && values[negative] !== 0;
  out.u8(BOOK_KINDS.indexOf(kind) | (explicitZero ? 4 : 0) | (rate << 3) | (exponents ? 32 : 0));
  out.varint(negative);
  out.varint(positive);
  if (kind === 'integers') out.varint(base < 0 ? -2 * base - 1 : 2 * base);
  if (kind === 'step') out.u32(bitsOf(base));
  for (const axis of exponents ?? []) writeExponents(out, axis);
  if (!list) return;
  values.forEach((bits, i) => {
    if (i === negative && !explicitZero) return;
    if (kind === 'halves') out.u16(floatBitsToHalf(bits)!);
    else if (itemBytes === 4) out.u32(bits);
    else if (itemBytes === 2) out.u16(bits);
    else out.u8(bits);
  });
}

/** The bits of an exponent, then the exponents, low bits first. */
function writeExponents(out: Writer, axis: Uint8Array | undefined): void {
  const bits = axis ? 32 - Math.clz32(axis.reduce((a, b) => Math.max(a, b), 1)) : 0;
  out.u8(bits);
  let word = 0;
  let filled = 0;
  for (const exponent of axis ?? []) {
    word |= exponent << filled;
    for (filled += bits; filled >= 8; filled -= 8) {
      out.u8(word & 255);
      word >>= 8;
    }
  }
  if (filled > 0) out.u8(word);
}

/** The half that stands for exactly this float32, if there is one (NaNs are left alone). */
export function floatBitsToHalf(bits: number): number | undefined {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 255;
  const fraction = bits & 0x7fffff;
  if (exponent === 255) return fraction === 0 ? sign | 0x7c00 : undefined;
  const e = exponent - 112;
  if (e >= 31) return undefined;
  if (e > 0) return fraction & 0x1fff ? undefined : sign | (e << 10) | (fraction >> 13);
  if ((bits & 0x7fffffff) === 0) return sign;
  const shift = 14 - e;
  const full = fraction | 0x800000;
  return shift > 23 || full & ((1 << shift) - 1) ? undefined : sign | (full >> shift);
}

/** Sorts bit patterns by value. */
export function sortPatterns(patterns: Iterable<number>, float: boolean, itemBytes: number): number[] {
  return [...patterns]
    .map((bits) => [orderKey(bits, float, itemBytes), bits])
    .sort((a, b) => a[0] - b[0])
    .map(([, bits]) => bits);
}
