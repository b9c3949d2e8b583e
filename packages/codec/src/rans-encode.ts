import { RANS_BITS, RANS_LOW } from './rans.js';
import { Writer } from './writer.js';

/** Counterpart of `decodeRans`: `symbols` are level + negative in coding order, below `count`. */
export function encodeRans(symbols: Uint16Array, count: number): Uint8Array {
  const frequencies = normalise(symbols, count);
  const starts = new Uint32Array(count);
  for (let s = 1; s < count; s++) starts[s] = starts[s - 1] + frequencies[s - 1];
  const words: number[] = [];
  const states = [RANS_LOW, RANS_LOW];
  // The decoder takes the states in turn, beginning with the first; the encoder goes backwards.
  for (let i = symbols.length - 1; i >= 0; i--) {
    const s = symbols[i];
    let x = states[i & 1];
    if (x >= frequencies[s] * 2 ** (31 - RANS_BITS)) {
      words.push(x & 65535);
      x = Math.floor(x / 65536);
    }
    states[i & 1] = Math.floor(x / frequencies[s]) * 2 ** RANS_BITS + (x % frequencies[s]) + starts[s];
  }
  const out = new Writer();
  for (const f of frequencies) out.varint(f);
  out.uint(states[0], 4);
  out.uint(states[1], 4);
  for (let i = words.length - 1; i >= 0; i--) out.uint(words[i], 2);
  return out.take();
}

/** Counts scaled to 2^RANS_BITS, at least 1 for what occurs. */
function normalise(symbols: Uint16Array, count: number): Uint32Array {
  const counts = new Float64Array(count);
  for (const s of symbols) counts[s]++;
  const size = 2 ** RANS_BITS;
  const scaled = Uint32Array.from(counts, (n) =>
    n === 0 ? 0 : Math.max(1, Math.floor((n * size) / symbols.length)),
  );
  let left = size - scaled.reduce((a, b) => a + b, 0);
  while (left !== 0) {
    // Give to, or take from, where it changes the cost least.
    let best = -1;
    let bestCost = Infinity;
    for (let s = 0; s < count; s++) {
      if (counts[s] === 0 || (left < 0 && scaled[s] < 2)) continue;
      const cost = -counts[s] * Math.log2((scaled[s] + Math.sign(left)) / scaled[s]);
      if (cost < bestCost) {
        bestCost = cost;
        best = s;
      }
    }
    scaled[best] += Math.sign(left);
    left -= Math.sign(left);
  }
  return scaled;
}
