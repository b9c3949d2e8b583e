import { equalBytes } from '../bytes/equal.js';
import { encodeLzWell } from '../coders/lz/encode.js';
import { MAX_EXPANSION, TILE_ALLOWANCE } from '../numbers.js';
import { primer } from './primer.js';

/** How far the search for steps looks: more finds next to nothing. */
const EFFORT = 3;

/** Bytes from which on a text is written in the second form: shorter ones are read by any decoder, and gain little. */
const LONG = 2 ** 16;

/** A text as it is stored. */
export interface StoredText {
  readonly bytes: Uint8Array;
  /** Bytes of the text itself. */
  readonly length: number;
  /** How many of the last distances its copies know: 15 in the second form. */
  readonly many: 1 | 15;
}

/** Longest text that is remembered, in bytes: topologies of 28 MB are published. */
const REMEMBERED = 2 ** 26;
/**
 * The last text that was searched to its end, or not at all: who looks for a quality, or compares what is packed with and without
 * loss, packs one topology again and again.
 */
let latest: { utf8: Uint8Array; searched: boolean; stored: StoredText } | undefined;

/** Counterpart of `decodeText`; `more`: whether there is time to search. What is returned may be shared. */
export function encodeText(utf8: Uint8Array, more: () => boolean = () => true): StoredText {
  const searched = more();
  if (latest?.searched === searched && equalBytes(latest.utf8, utf8)) return latest.stored;
  let throughout = true;
  const stored = search(utf8, () => {
    const yes = more();
    throughout &&= yes === searched;
    return yes;
  });
  if (throughout && utf8.length <= REMEMBERED) latest = { utf8: utf8.slice(), searched, stored };
  return stored;
}

function search(utf8: Uint8Array, more: () => boolean): StoredText {
  const primed = primer();
  const data = new Uint8Array(primed.length + utf8.length);
  data.set(primed);
  data.set(utf8, primed.length);
  const inForm = (many: StoredText['many']): StoredText => ({
    bytes: encodeLzWell(data, 1, EFFORT, primed.length, more, many),
    length: utf8.length,
    many,
  });
  if (utf8.length < LONG) return inForm(1);
  const second = inForm(15);
  // Next to nothing is left of what repeats itself again and again, and no decoder believes it.
  return utf8.length > MAX_EXPANSION * second.bytes.length + TILE_ALLOWANCE ? inForm(1) : second;
}
