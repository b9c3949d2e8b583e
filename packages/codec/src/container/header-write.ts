import type { WeightQuantization, WeightSpec } from '../artifacts.js';
import { crc32c } from '../bytes/crc32c.js';
import { Writer } from '../bytes/writer.js';
import type { LevelsLayout } from '../layouts/levels.js';
import type { Traversal } from '../layouts/traversal/geometry.js';
import { writeLevels } from '../layouts/write.js';
import { FIXED_BYTES, MAJOR, MINOR, SECOND_FORM } from '../numbers.js';
import type { StoredText } from '../text/encode.js';
import { CODECS, type CodecName, MAGIC, STORAGE } from './format.js';

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
export function writeFile(tensors: readonly StoredTensor[], text: StoredText): Uint8Array {
  const variable = new Writer();
  variable.varint(text.length);
  variable.varint(text.bytes.length);
  variable.varint(tensors.length);
  for (const tensor of tensors) writeTensor(variable, tensor);
  variable.put(text.bytes);
  const headerLength = FIXED_BYTES + variable.length;
  const payloadBytes = tensors.reduce((n, t) => n + t.payloads.reduce((m, p) => m + p.length, 0), 0);
  const file = new Uint8Array(headerLength + payloadBytes);
  const fixed = new Writer();
  fixed.put(Uint8Array.from(MAGIC));
  fixed.u8(MAJOR);
  // Decoders of version 1.0 know no prediction.
  fixed.u8(tensors.some(({ levels }) => levels?.book.predictor) ? MINOR : 0);
  fixed.uint(text.many > 1 ? SECOND_FORM : 0, 2);
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
  if (tensor.levels) writeLevels(out, tensor.levels, STORAGE[storage][2]);
  out.varint(tensor.payloads.length - 1);
  for (const payload of tensor.payloads) {
    out.varint(payload.length);
    out.uint(crc32c(payload), 4);
  }
}

function writeQuantization(out: Writer, { dtype, scale, min }: WeightQuantization): void {
  if (dtype === 'float16') return;
  out.u8((scale === undefined ? 0 : 1) | (min === undefined ? 0 : 2));
  for (const value of [scale, min]) if (value !== undefined) out.f64(value);
}
