import { fail } from './errors.js';
import { RangeDecoder } from './range-decoder.js';
import { TextModel } from './text-model.js';

/** Decodes `length` bytes of primed text from `bytes[start, end)`. */
export function decodeText(bytes: Uint8Array, start: number, end: number, length: number): string {
  const model = TextModel.primed(length);
  const coder = new RangeDecoder(bytes, start, end);
  const out = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    let byte = 1;
    while (byte < 256) {
      const bit = coder.code(model.p, 0);
      model.update(bit);
      byte = (byte << 1) | bit;
    }
    out[i] = byte;
  }
  coder.finish();
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(out);
  } catch {
    return fail('header', 'the text is not UTF-8');
  }
}
