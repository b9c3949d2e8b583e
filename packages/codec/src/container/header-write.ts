import type { WeightQuantization, WeightSpec } from '../artifacts.js';
import { crc32c } from '../bytes/crc32c.js';
import { Writer } from '../bytes/writer.js';
import { codeLzWell } from '../coders/lz/encode.js';
import type { BitCoder } from '../coders/range/bit-coder.js';
import { RangeEncoder } from '../coders/range/encoder.js';
import type { LevelsLayout } from '../layouts/levels.js';
import type { Traversal } from '../layouts/traversal/geometry.js';
import { usualByte, writeLevels } from '../layouts/write.js';
import {
  FIXED_BYTES,
  MAJOR,
  MAX_EXPANSION,
  MAX_SMALL,
  MINOR,
  SECOND_FORM,
  SMALL_BYTES,
  SMALL_FORM,
  SMALL_MINOR,
  TILE_ALLOWANCE,
} from '../numbers.js';
import type { StoredText } from '../text/encode.js';
import { primer } from '../text/primer.js';
import { withoutWidths } from '../text/widths.js';
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
  /** Codes the levels of the only tile, for the small form. */
  code?: (coder: BitCoder) => void;
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

/**
 * A file in its small form: the header and all levels are one range-coded stream.
 *
 * @param tensors - Uniform ones, repeated ones, and ones of levels in one tile each.
 */
export function writeSmallFile(tensors: readonly StoredTensor[], text: string): Uint8Array | undefined {
  const short = withoutWidths(text, tensors);
  if (short === undefined) return undefined;
  const contents = new Writer();
  contents.varint(tensors.length);
  let last = 0;
  for (const tensor of tensors) {
    const { shape } = tensor.spec;
    if (shape.includes(0)) return undefined; // A size of 0 stands for another one.
    writeTensor(contents, tensor, last);
    last = shape[shape.length - 1] ?? 0;
  }
  contents.put(new TextEncoder().encode(short));
  if (contents.length > MAX_SMALL) return undefined;
  const primed = new Writer();
  primed.put(primer(3));
  const start = primed.length;
  primed.put(contents.take());
  const coder = new RangeEncoder();
  codeLzWell(coder, primed.take(), 3, start);
  for (const { code } of tensors) code?.(coder);
  const body = coder.finish();
  const length = SMALL_BYTES + body.length;
  if (length < FIXED_BYTES || length > MAX_SMALL) return undefined;
  // More than a decoder believes.
  if (tensors.some(({ elements }) => elements > MAX_EXPANSION * length + TILE_ALLOWANCE)) return undefined;
  const file = new Writer();
  file.put(Uint8Array.from(MAGIC));
  file.u8(MAJOR);
  file.u8(SMALL_MINOR);
  file.uint(SMALL_FORM, 2);
  file.uint(length, 2);
  file.uint(contents.length, 2);
  file.uint(crc32c(body, 0, body.length, crc32c(file.take())), 4);
  file.put(body);
  return file.take();
}

/** `last`: in the small form, the last size of the tensor before, or 0. */
function writeTensor(out: Writer, tensor: StoredTensor, last?: number): void {
  const small = last !== undefined;
  const { spec, storage, codec } = tensor;
  const group = spec.group === undefined ? 0 : spec.group === 'model' ? 1 : 2;
  const rank = spec.shape.length;
  const short = small && storage === 0 && codec === 'ctx-mix' && !group;
  const byte = short ? usualByte(tensor.levels!, spec.shape, last) : undefined;
  const usual = byte !== undefined;
  out.u8(byte ?? (rank << 4) | storage);
  if (!usual) out.u8(CODECS.indexOf(codec) | (group << 6));
  if (byte !== 14) for (const size of spec.shape) out.varint(size === last ? 0 : size);
  if (spec.dtype === 'string') out.varint(tensor.elements);
  if (spec.quantization) writeQuantization(out, spec.quantization);
  if (tensor.constant) out.put(tensor.constant);
  if (tensor.same !== undefined) out.varint(tensor.same);
  if (tensor.payloads.length === 0) return;
  if (tensor.levels) writeLevels(out, tensor.levels, STORAGE[storage][2], small, usual);
  if (small) return;
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
