import { decodeLz } from '../coders/lz/decode.js';
import type { RangeDecoder } from '../coders/range/decoder.js';
import { broken } from '../errors.js';
import { primer } from './primer.js';

/** Decodes `length` bytes: LZ, with the primer of a form as what came before. `many`, `most`: see `decodeLz`. */
export function decodeText(
  source: Uint8Array | RangeDecoder,
  length: number,
  many: number,
  form?: number,
  most?: number,
): Uint8Array {
  const known = primer(form);
  const out = new Uint8Array(known.length + length);
  out.set(known);
  decodeLz(source, out, 1, known.length, many, most);
  return out.subarray(known.length);
}

/** What the JSON says, in which strings that are WIDTH stand for one number of `widths` after the other, if there are any. */
export function parseText(json: Uint8Array, widths?: number[]): unknown {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
    return JSON.parse(widths ? text.replace(/"\\u0001"/g, () => `${widths.shift()}`) : text);
  } catch {
    return broken(30); // the text is no JSON in UTF-8
  }
}
