import { equalBytes } from '../bytes/equal.js';
import { encodeLzWell } from '../coders/lz/encode.js';
import { primer } from './primer.js';

/** How far the search for steps looks: more finds next to nothing. */
const EFFORT = 3;

/** Longest text that is remembered, in bytes. */
const REMEMBERED = 2 ** 22;
/** The last text that was searched to its end: a search for quality packs one topology again and again. */
let latest: { bytes: Uint8Array; coded: Uint8Array } | undefined;

/** Counterpart of `decodeText`; `more`: whether there is time to search. What is returned may be shared. */
export function encodeText(bytes: Uint8Array, more: () => boolean = () => true): Uint8Array {
  if (latest && equalBytes(latest.bytes, bytes) && more()) return latest.coded;
  const primed = primer();
  const data = new Uint8Array(primed.length + bytes.length);
  data.set(primed);
  data.set(bytes, primed.length);
  let whole = true;
  const coded = encodeLzWell(data, 1, EFFORT, primed.length, () => {
    whole &&= more();
    return whole;
  });
  if (whole && bytes.length <= REMEMBERED) latest = { bytes: bytes.slice(), coded };
  return coded;
}
