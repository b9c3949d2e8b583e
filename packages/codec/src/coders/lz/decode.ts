import { broken, fail } from '../../errors.js';
import { LITERALS } from '../../numbers.js';
import { RangeDecoder } from '../range/decoder.js';
import { moved, tables } from '../range/logistic.js';
import { LzCopies } from './copies.js';

/**
 * Decodes a tile of codec `lz` into `out`, of which `position` bytes are known already; `many`: see `LzModel`; `most`: copies, each of
 * which takes about as long as two literals.
 *
 * @param source - A payload, or what goes on to read something else.
 */
export function decodeLz(
  source: Uint8Array | RangeDecoder,
  out: Uint8Array,
  itemBytes: number,
  position = 0,
  many?: number,
  most?: number,
): void {
  const coder = source instanceof RangeDecoder ? source : new RangeDecoder(source);
  const model = new LzCopies(coder, many);
  const { states } = model;
  const { bytes, state: saved } = coder;
  const m = tables;
  let copied = 0;
  while (position < out.length) {
    // Literals, in a loop without calls: its range decoder's state is in local variables, and it does not guess what a bit will be.
    let next = saved[0];
    let range = saved[1];
    let value = saved[2];
    let node = 0;
    while (position < out.length) {
      const place = (itemBytes === 1 ? 0 : position % itemBytes) | 0;
      const base = (LITERALS + ((itemBytes === 1 ? out[position - 1] >> 5 : place) * 2 + copied) * 256) | 0;
      let at = (place * 2 + copied) | 0;
      node = 0;
      // Whether it is a copy, then the bits of what is none.
      do {
        const state = states[at];
        const bound = Math.imul(range >>> 15, state >>> 16) >>> 1;
        const one = (value - bound) >> 31;
        value = (value - (bound & ~one)) | 0;
        range = (range - bound + (one & (2 * bound - range))) | 0;
        const known = (state - ((254 - (state & 1023)) >>> 31)) | 0;
        states[at] = moved(m, known, 128 + (one & 524031));
        while (range < 0x800000) {
          range <<= 8;
          value = (value << 8) | bytes[next++];
        }
        node = node === 0 ? 1 + one : (node << 1) - one;
        at = (base + node) | 0;
      } while (node < 256 && node !== 0);
      saved[0] = next;
      coder.check();
      if (node === 0) break;
      copied = 0;
      out[position++] = node;
    }
    saved[1] = range;
    saved[2] = value;
    if (node !== 0) break;
    model.copied = copied;
    const [length, distance] = model.copy(0, 0, 0);
    copied = 1;
    if (most!-- < 1) fail('limit', 'operations');
    const end = position + length;
    // a copy reaches outside the tensor
    if (distance > position || end > out.length) broken(60);
    for (; position < end; position++) out[position] = out[position - distance];
  }
  if (coder !== source) coder.finish();
}
