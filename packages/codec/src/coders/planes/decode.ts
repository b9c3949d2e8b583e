import { Reader } from '../../bytes/reader.js';
import { broken } from '../../errors.js';
import { codeTree, freshStates } from '../range/adaptive.js';
import { RangeDecoder } from '../range/decoder.js';

/*
 * Byte planes: the elements' first bytes together, then the second ones, and so on. Of 4-byte floats the
 * sign is moved to the lowest bit, so that the top plane is the exponent. A plane is stored as it is, or
 * coded byte by byte with a bit tree of adaptive probabilities (order 0).
 *
 * Payload: one byte per element byte (0 raw, 1 coded), the raw planes, then one range-coded stream.
 */

/** Decodes planes of `itemBytes` into `out`; `rotate`: the elements are floats of 4 bytes. */
export function decodePlanes(bytes: Uint8Array, out: Uint8Array, itemBytes: number, rotate: boolean): void {
  const items = out.length / itemBytes;
  const reader = new Reader(bytes);
  const modes = reader.take(itemBytes);
  for (let plane = 0; plane < itemBytes; plane++) {
    if (modes[plane] > 1) broken(57); // a plane is coded in an unknown way
    if (modes[plane]) continue;
    const raw = reader.take(items);
    for (let i = 0; i < items; i++) out[i * itemBytes + plane] = raw[i];
  }
  const coder = new RangeDecoder(bytes.subarray(reader.position));
  for (let plane = 0; plane < itemBytes; plane++) {
    if (!modes[plane]) continue;
    const states = freshStates(256);
    for (let i = plane; i < out.length; i += itemBytes) out[i] = codeTree(coder, states, 0, 8, 0);
  }
  coder.finish();
  for (let i = rotate ? 0 : out.length; i < out.length; i += 4) {
    const sign = out[i] << 7;
    for (let k = i; k < i + 4; k++) out[k] = (out[k] >> 1) | (k < i + 3 ? out[k + 1] << 7 : sign);
  }
}
