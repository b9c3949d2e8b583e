import type { Step } from '../coders/lz/costs.js';
import { encodeSteps, findSteps } from '../coders/lz/encode.js';
import { LzModel } from '../coders/lz/model.js';
import { codeTree, freshStates } from '../coders/range/adaptive.js';
import type { BitCoder } from '../coders/range/bit-coder.js';
import { fail } from '../errors.js';

/** Codes whole numbers below 2^49, as varints are written, and flags. */
export class Numbers {
  readonly #states: Int32Array = freshStates(512);
  readonly #coder: BitCoder;

  constructor(coder: BitCoder) {
    this.#coder = coder;
  }

  /** A number; what a decoder finds must be at most `most`. */
  code(known: number, most: number): number {
    let value = 0;
    let left = known;
    for (let factor = 1; factor <= 2 ** 42; factor *= 128) {
      const byte = left >= 128 ? (left % 128) | 128 : left;
      const found = codeTree(this.#coder, this.#states, factor > 1 ? 256 : 0, 8, byte) & 255;
      value += (found & 127) * factor;
      if (found < 128) break;
      left = Math.floor(left / 128);
    }
    if (value > most) fail('limit', `a number of an update is ${value}, and ${most} is the most`);
    return value;
  }
}

/** Codes bytes as they are; a decoder fills them. */
export function codeBytes(coder: BitCoder, bytes: Uint8Array): Uint8Array {
  for (let i = 0; i < bytes.length; i++) {
    let byte = 0;
    for (let k = 8; k-- > 0; ) byte = (byte << 1) | coder.code(32768, (bytes[i] >> k) & 1);
    bytes[i] = byte;
  }
  return bytes;
}

/** Writes bytes by LZ where others are known. */
export function writeBlob(coder: BitCoder, numbers: Numbers, bytes: Uint8Array, known: Uint8Array): void {
  numbers.code(bytes.length, Number.POSITIVE_INFINITY);
  const data = joined([known, bytes]);
  const [quick, searched = quick] = findSteps(data, 1, 5, known.length, () => true, 1);
  encodeSteps(coder, data, 1, known.length, searched, 1);
}

/** Counterpart of `writeBlob`. */
export function readBlob(coder: BitCoder, numbers: Numbers, known: Uint8Array, most: number): Uint8Array {
  const length = numbers.code(0, most);
  const data = joined([known, new Uint8Array(length)]);
  readSteps(coder, data, known.length, 1, () => {});
  return data.subarray(known.length);
}

/** Decodes LZ into `out` from `position` on, and tells each step. */
export function readSteps(
  coder: BitCoder,
  out: Uint8Array,
  position: number,
  many: number,
  tell: (step: Step, position: number) => void,
): void {
  const model = new LzModel(coder, 1, many);
  while (position < out.length) {
    const [length, distance] = model.kind(position, 0) ? model.copy(0, 0, 0) : [1, 0];
    if (distance === 0) out[position] = model.literal(position, out[position - 1] ?? 0, 0);
    else copy(out, position, length, distance);
    tell({ length, distance }, position);
    position += length;
  }
}

/** Copies what lies `distance` before. @throws EspError 'payload' where it reaches outside */
export function copy(out: Uint8Array, position: number, length: number, distance: number): void {
  if (distance > position || length > out.length - position) fail('payload', 'a copy reaches outside');
  for (let i = position; i < position + length; i++) out[i] = out[i - distance];
}

/** Pieces one after the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((n, { length }) => n + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
