import { broken } from './errors.js';
import { decodeLz } from './lz.js';
import { primer } from './primer.js';

/** Decodes `length` bytes of text from `bytes[start, end)`: LZ, with the primer as what came before. */
export function decodeText(bytes: Uint8Array, start: number, end: number, length: number): string {
  const known = primer();
  const out = new Uint8Array(known.length + length);
  out.set(known);
  decodeLz(bytes, start, end, out, 1, known.length);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(out.subarray(known.length));
  } catch {
    return broken(31); // the text is not UTF-8
  }
}
