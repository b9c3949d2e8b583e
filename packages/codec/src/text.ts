import { broken } from './errors.js';
import { decodeLz } from './lz.js';
import { primer } from './primer.js';

/** Decodes `length` bytes of JSON from `bytes[start, end)`: LZ, with the primer as what came before. */
export function decodeText(bytes: Uint8Array, start: number, end: number, length: number): unknown {
  const known = primer();
  const out = new Uint8Array(known.length + length);
  out.set(known);
  decodeLz(bytes, start, end, out, 1, known.length);
  try {
    const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return JSON.parse(utf8.decode(out.subarray(known.length)));
  } catch {
    return broken(30); // the text is no JSON in UTF-8
  }
}
