import { RangeEncoder } from './range-encoder.js';
import { TextModel } from './text-model.js';

/** Counterpart of `decodeText`. */
export function encodeText(bytes: Uint8Array): Uint8Array {
  const model = TextModel.primed(bytes.length);
  const coder = new RangeEncoder();
  for (const byte of bytes) {
    for (let i = 7; i >= 0; i--) {
      const bit = (byte >> i) & 1;
      coder.code(model.p, bit);
      model.update(bit);
    }
  }
  return coder.finish();
}
