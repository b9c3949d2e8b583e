import { broken } from './errors.js';
import { RangeDecoder } from './range-decoder.js';

/*
 * Byte planes: the elements' first bytes together, then the second ones, and so on. Of 4-byte floats the
 * sign is moved to the lowest bit, so that the top plane is the exponent. A plane is stored as it is, or
 * coded byte by byte with a bit tree of adaptive probabilities (order 0).
 *
 * Payload: one byte per element byte (0 raw, 1 coded), the raw planes, then one range-coded stream.
 */

/** Adaptive probabilities of a bit tree over bytes: 22-bit probability, 10-bit count. */
export class ByteTree {
  readonly #states: Int32Array = new Int32Array(256).fill(-(2 ** 31));

  p(node: number): number {
    return Math.min(65520, Math.max(16, this.#states[node] >>> 16));
  }

  learn(node: number, bit: number): void {
    const state = this.#states[node];
    const count = state & 1023;
    const p = state >>> 10;
    const next = p + Math.trunc(((bit ? 4194303 : 0) - p) / (count + 1.5));
    this.#states[node] = (next << 10) | (count < 1022 ? count + 1 : count);
  }
}

/** Decodes planes of `itemBytes` into `out`; `rotate`: the elements are floats of 4 bytes. */
export function decodePlanes(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  itemBytes: number,
  rotate: boolean,
): void {
  const items = out.length / itemBytes;
  let position = start + itemBytes;
  if (position > end) broken(56); // the planes are cut off
  const modes = bytes.subarray(start, position);
  for (let plane = 0; plane < itemBytes; plane++) {
    if (modes[plane] > 1) broken(57); // a plane is coded in an unknown way
    if (modes[plane] === 1) continue;
    if (position + items > end) broken(56); // the planes are cut off
    for (let i = 0; i < items; i++) out[i * itemBytes + plane] = bytes[position + i];
    position += items;
  }
  const coder = new RangeDecoder(bytes, position, end);
  for (let plane = 0; plane < itemBytes; plane++) {
    if (modes[plane] === 0) continue;
    const tree = new ByteTree();
    for (let i = 0; i < items; i++) {
      let node = 1;
      while (node < 256) {
        const bit = coder.code(tree.p(node), 0);
        tree.learn(node, bit);
        node = (node << 1) | bit;
      }
      out[i * itemBytes + plane] = node;
    }
  }
  coder.finish();
  if (rotate) {
    for (let i = 0; i < out.length; i += 4) {
      const sign = out[i] & 1;
      out[i] = (out[i] >> 1) | ((out[i + 1] & 1) << 7);
      out[i + 1] = (out[i + 1] >> 1) | ((out[i + 2] & 1) << 7);
      out[i + 2] = (out[i + 2] >> 1) | ((out[i + 3] & 1) << 7);
      out[i + 3] = (out[i + 3] >> 1) | (sign << 7);
    }
  }
}
