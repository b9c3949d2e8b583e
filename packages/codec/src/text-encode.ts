import { encodeLzWell } from './lz-encode.js';
import { primer } from './primer.js';

/** Counterpart of `decodeText`. */
export function encodeText(bytes: Uint8Array): Uint8Array {
  const known = primer();
  const data = new Uint8Array(known.length + bytes.length);
  data.set(known);
  data.set(bytes, known.length);
  return encodeLzWell(data, 1, 9, known.length);
}
