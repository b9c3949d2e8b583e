import { broken } from '../../errors.js';
import { RangeDecoder } from '../range/decoder.js';
import { LzModel } from './model.js';

/**
 * Decodes a tile of codec `lz` into `out`, of which `position` bytes are known already; `many`: see `LzModel`.
 *
 * @param source - A payload, or what goes on to read something else.
 */
export function decodeLz(
  source: Uint8Array | RangeDecoder,
  out: Uint8Array,
  itemBytes: number,
  position = 0,
  many?: number,
): void {
  const coder = source instanceof RangeDecoder ? source : new RangeDecoder(source);
  const model = new LzModel(coder, itemBytes, many);
  while (position < out.length) {
    if (model.kind(position, 0)) {
      const [length, distance] = model.copy(0, 0, 0);
      // a copy reaches outside the tensor
      if (distance > position || length > out.length - position) broken(60);
      for (const stop = position + length; position < stop; position++)
        out[position] = out[position - distance];
    } else {
      out[position] = model.literal(position, out[position - 1], 0);
      position++;
    }
  }
  if (coder !== source) coder.finish();
}
