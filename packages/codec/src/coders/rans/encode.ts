import { Writer } from '../../bytes/writer.js';
import { RANS_BITS, RANS_LOW } from '../../numbers.js';

/** Counterpart of `decodeRans`: `symbols` are level + negative in coding order, below `count`. */
export function encodeRans(symbols: Uint16Array, count: number): Uint8Array {
  return encodeWith(symbols, normalise(symbols, count));
}

/** The same with given frequencies, which add up to 2^RANS_BITS; those of symbols that occur are not 0. */
export function encodeWith(symbols: Uint16Array, frequencies: Uint32Array): Uint8Array {
  const starts = new Uint32Array(frequencies.length);
  for (let s = 1; s < frequencies.length; s++) starts[s] = starts[s - 1] + frequencies[s - 1];
  // The decoder takes two states in turn, beginning with the first; the encoder goes backwards, and so do its words.
  const words = new Uint8Array(2 * symbols.length);
  let position = words.length;
  let next = RANS_LOW;
  let other = RANS_LOW;
  for (let i = symbols.length - 1; i >= 0; i--) {
    const s = symbols[i];
    const f = frequencies[s];
    let x = next;
    if (x >= f * 2 ** (31 - RANS_BITS)) {
      words[--position] = x >>> 8;
      words[--position] = x;
      x >>>= 16;
    }
    const whole = (x / f) | 0;
    next = other;
    other = (whole << RANS_BITS) + x - whole * f + starts[s];
  }
  const out = new Writer();
  for (const f of frequencies) out.varint(f);
  out.uint(other, 4);
  out.uint(next, 4);
  out.put(words.subarray(position));
  return out.take();
}

/** How often each symbol occurs. */
export function countSymbols(symbols: Uint16Array, count: number): Uint32Array {
  const counts = new Uint32Array(count);
  for (const s of symbols) counts[s]++;
  return counts;
}

/** Counts out of 2^RANS_BITS, rounded down, at least 1 for what occurs: about what they add up to. */
export function scaled(counts: Uint32Array, all: number): Uint32Array {
  return counts.map((n) => (n === 0 ? 0 : Math.max(1, Math.floor((n * 2 ** RANS_BITS) / all))));
}

/** Counts scaled so that they add up to 2^RANS_BITS, at least 1 for what occurs. */
function normalise(symbols: Uint16Array, count: number): Uint32Array {
  const counts = countSymbols(symbols, count);
  const found = scaled(counts, symbols.length);
  const size = 2 ** RANS_BITS;
  let left = size - found.reduce((a, b) => a + b, 0);
  while (left !== 0) {
    // Give to, or take from, where it changes the cost least.
    let best = -1;
    let bestCost = Infinity;
    for (let s = 0; s < count; s++) {
      if (counts[s] === 0 || (left < 0 && found[s] < 2)) continue;
      const cost = -counts[s] * Math.log2((found[s] + Math.sign(left)) / found[s]);
      if (cost < bestCost) {
        bestCost = cost;
        best = s;
      }
    }
    found[best] += Math.sign(left);
    left -= Math.sign(left);
  }
  return found;
}
