import { encodeLzWell } from '../coders/lz/encode.js';
import { primer } from './primer.js';

/** How far the search for steps looks: more finds next to nothing. */
const EFFORT = 3;

/** Counterpart of `decodeText`; `more`: whether there is time to search. */
export function encodeText(bytes: Uint8Array, more?: () => boolean): Uint8Array {
  const known = primer();
  const data = new Uint8Array(known.length + bytes.length);
  data.set(known);
  data.set(bytes, known.length);
  return encodeLzWell(data, 1, EFFORT, known.length, more);
}
