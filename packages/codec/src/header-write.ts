import { codeTree, freshStates } from './adaptive.js';
import type { WeightQuantization, WeightSpec } from './artifacts.js';
import { type Book, bitsOf, orderOf, type Predictor } from './codebook.js';
import { crc32c } from './crc32c.js';
import { CODECS, type CodecName, type LevelsLayout, MAGIC, STORAGE } from './format.js';
import type { Traversal } from './geometry.js';
import { FIXED_BYTES, MAJOR, MINOR } from './numbers.js';
import { RangeEncoder } from './range-encoder.js';
import { Writer } from './writer.js';

/** A tensor ready to be written. */
export interface StoredTensor {
  spec: WeightSpec;
  /** Number of the type in {@link STORAGE}. */
  storage: number;
  elements: number;
  codec: CodecName;
  constant?: Uint8Array;
  /** How many tensors back the one with the same bytes is. */
  same?: number;
  levels?: LevelsLayout & { traversal: Traversal };
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
  // Decoders of version 1.0 know no prediction.
  fixed.u8(tensors.some(({ levels }) => levels?.book.predictor) ? MINOR : 0);
  fixed.uint(0, 2);
  fixed.uint(headerLength, 4);
  fixed.uint(0, 4);
  fixed.uint(file.length, 6);
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
  if (spec.quantization) writeQuantization(out, spec.quantization);
  if (tensor.constant) out.put(tensor.constant);
  if (tensor.same !== undefined) out.varint(tensor.same);
  if (tensor.payloads.length === 0) return;
  if (tensor.levels) writeLevels(out, tensor.levels, storage);
  out.varint(tensor.payloads.length - 1);
  for (const payload of tensor.payloads) {
    out.varint(payload.length);
    out.uint(crc32c(payload), 4);
  }
}

function writeLevels(
  out: Writer,
  { book, traversal, tuning }: LevelsLayout & { traversal: Traversal },
  storage: number,
): void {
  writeBook(out, book, STORAGE[storage][2], tuning >> 8);
  out.u8(traversal.foldAxis + 1);
  if (traversal.foldAxis >= 0) out.varint(traversal.foldInner);
  traversal.groups.forEach((group, g) => {
    for (const axis of group) out.u8(axis | (g << 4));
  });
  out.u8(tuning & 255);
}

function writeBook(out: Writer, book: Book, itemBytes: number, rate: number): void {
  const { kind, negative, positive, base, values, scales = [], predictor } = book;
  const list = kind === 'list';
  const explicitZero = list && values[negative] !== 0;
  const axes = scales.reduce((bits, axis, i) => bits | (axis.length > 0 ? 1 << i : 0), 0);
  out.u8(
    (list ? 1 : 0) |
      (explicitZero ? 2 : 0) |
      (axes ? 4 : 0) |
      (rate << 3) |
      ((predictor ? orderOf(predictor) : 0) << 5),
  );
  out.varint(negative);
  out.varint(positive);
  if (kind === 'integers') out.uint(base, itemBytes);
  if (kind === 'step') out.uint(bitsOf(base), 4);
  if (axes) {
    out.u8(axes);
    writeNumbers(out, 7, scales);
  }
  if (predictor) writePredictor(out, predictor);
  if (!list) return;
  values.forEach((bits, i) => {
    if (i === negative && !explicitZero) return;
    out.uint(bits, itemBytes);
  });
}

/** Counterpart of `readPredictor`. */
function writePredictor(out: Writer, predictor: Predictor): void {
  const { lag, terms } = predictor;
  const order = orderOf(predictor);
  out.varint(lag);
  const differences = terms.map((term, i) => (term - (i < order ? 0 : terms[i - order])) & 511);
  writeNumbers(out, 9, [differences]);
}

/** Counterpart of `readNumbers`. */
function writeNumbers(out: Writer, bits: number, lists: readonly Int16Array[]): void {
  const coder = new RangeEncoder();
  const states = freshStates(512);
  for (const numbers of lists) {
    for (const number of numbers) codeTree(coder, states, 0, bits, number);
  }
  const coded = coder.finish();
  out.varint(coded.length);
  out.put(coded);
}

function writeQuantization(out: Writer, { dtype, scale, min }: WeightQuantization): void {
  if (dtype === 'float16') return;
  out.u8((scale === undefined ? 0 : 1) | (min === undefined ? 0 : 2));
  for (const value of [scale, min]) if (value !== undefined) out.f64(value);
}
