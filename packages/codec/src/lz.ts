import { broken } from './errors.js';
import { type BitCoder, MAX_PREFIX, makeState, nextState } from './level-coding.js';
import { RangeDecoder } from './range-decoder.js';

/*
 * LZ77 with adaptive binary coding, for tensors that repeat themselves (fixed kernels, tables, constants):
 * a literal, or a copy of `length` >= 2 bytes from `distance` >= 1 back, or a copy from the last distance.
 * Literals are bit trees chosen by whether the last step was a copy and by the byte's place in its element, or
 * where elements are bytes by the three high bits of the byte before.
 */

export const MIN_COPY = 2;
/** Longest copy: bounds how many elements a byte can stand for. */
export const MAX_COPY = 4096;
/** Largest distance. */
export const MAX_DISTANCE: number = 2 ** 24;

/** Probabilities of the LZ coder, the same at both ends. */
export class LzModel {
  readonly #itemBytes: number;
  readonly #copy: Int32Array;
  readonly #again: Int32Array = fresh(2);
  readonly #literals: Int32Array;
  readonly #lengths: Int32Array = fresh(2 * (MAX_PREFIX + 2));
  readonly #slots: Int32Array = fresh(3 * 32);
  readonly #low: Int32Array = fresh(25 * 16);
  /** Whether the last step was a copy. */
  #copied = 0;

  constructor(itemBytes: number) {
    this.#itemBytes = itemBytes;
    this.#copy = fresh(2 * itemBytes);
    this.#literals = fresh(16 * 256);
  }

  /** 1 for a copy, 0 for a literal. */
  kind(coder: BitCoder, position: number, copy: number): number {
    return bit(coder, this.#copy, (position % this.#itemBytes) * 2 + this.#copied, copy);
  }

  literal(coder: BitCoder, position: number, before: number, byte: number): number {
    const place = this.#itemBytes === 1 ? before >> 5 : position % this.#itemBytes;
    const base = (place * 2 + this.#copied) * 256;
    this.#copied = 0;
    let node = 1;
    for (let k = 7; k >= 0; k--)
      node = (node << 1) | bit(coder, this.#literals, base + node, (byte >> k) & 1);
    return node & 255;
  }

  /** 1 when the copy is from the last distance. */
  again(coder: BitCoder, again: number): number {
    const result = bit(coder, this.#again, this.#copied, again);
    this.#copied = 1;
    return result;
  }

  /** A length from MIN_COPY, after `again`. */
  length(coder: BitCoder, again: number, length: number): number {
    const base = again * (MAX_PREFIX + 2);
    return golomb(coder, this.#lengths, base, length - MIN_COPY + 1) + MIN_COPY - 1;
  }

  /** A distance, given the copy's length: its size as a tree, then its bits, the four lowest adaptive. */
  distance(coder: BitCoder, length: number, distance: number): number {
    const base = Math.min(length - MIN_COPY, 2) * 32;
    const known = distance > 0 ? 31 - Math.clz32(distance) : 0;
    let node = 1;
    for (let k = 4; k >= 0; k--) node = (node << 1) | bit(coder, this.#slots, base + node, (known >> k) & 1);
    const size = node & 31;
    if (size > 24) broken(58); // a distance is too large
    let value = 1;
    for (let k = size - 1; k >= 4; k--) value = (value << 1) | coder.code(32768, (distance >> k) & 1);
    let low = 1;
    for (let k = Math.min(3, size - 1); k >= 0; k--) {
      const b = bit(coder, this.#low, size * 16 + low, (distance >> k) & 1);
      low = (low << 1) | b;
      value = (value << 1) | b;
    }
    return value;
  }
}

function fresh(size: number): Int32Array {
  return new Int32Array(size).fill(makeState(32768, 0));
}

function bit(coder: BitCoder, states: Int32Array, at: number, known: number): number {
  const state = states[at];
  const result = coder.code(state >>> 16, known);
  // Counts stop at 255: repeating data changes its habits.
  states[at] = nextState((state & 1023) > 254 ? state - 1 : state, result);
  return result;
}

function golomb(coder: BitCoder, states: Int32Array, base: number, value: number): number {
  const known = value > 0 ? 31 - Math.clz32(value) : 0;
  let size = 0;
  while (bit(coder, states, base + size, size < known ? 1 : 0)) {
    if (++size > MAX_PREFIX) broken(59); // a length is too large
  }
  let result = 1;
  for (let k = size - 1; k >= 0; k--) result = (result << 1) | coder.code(32768, (value >> k) & 1);
  return result;
}

/** Decodes a tile of codec `lz` into `out`, of which `position` bytes are known already. */
export function decodeLz(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  itemBytes: number,
  position = 0,
): void {
  const coder = new RangeDecoder(bytes, start, end);
  const model = new LzModel(itemBytes);
  let distance = 0;
  while (position < out.length) {
    if (!model.kind(coder, position, 0)) {
      out[position] = model.literal(coder, position, out[position - 1], 0);
      position++;
      continue;
    }
    const again = model.again(coder, 0);
    const length = model.length(coder, again, 0);
    if (!again) distance = model.distance(coder, length, 0);
    // a copy reaches outside the tensor
    if (distance === 0 || distance > position || length > out.length - position) broken(60);
    for (const stop = position + length; position < stop; position++)
      out[position] = out[position - distance];
  }
  coder.finish();
}
