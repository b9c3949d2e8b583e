import { broken, fail } from '../../errors.js';
import { RangeDecoder } from '../range/decoder.js';
import { LzModel } from './model.js';

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
  const model = new LzModel(coder, itemBytes, many);
  while (position < out.length) {
    if (model.kind(position, 0)) {
      const [length, distance] = model.copy(0, 0, 0);
      if (most!-- < 1) fail('limit', 'operations');
      const end = position + length;
      // a copy reaches outside the tensor
      if (distance > position || end > out.length) broken(60);
      for (; position < end; position++) out[position] = out[position - distance];
    } else {
      out[position] = model.literal(position, out[position - 1], 0);
      position++;
    }
  }
  if (coder !== source) coder.finish();
}
