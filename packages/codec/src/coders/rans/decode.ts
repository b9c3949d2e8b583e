import { Reader } from '../../bytes/reader.js';
import { broken } from '../../errors.js';
import { RANS_BITS, RANS_LOW, RANS_SIZE } from '../../numbers.js';
import type { LevelGrid, LevelSink } from '../levels/rows.js';

/*
 * Static range asymmetric numeral systems (Duda 2013) over the levels, for dense tensors that should decode
 * fast: no contexts, two interleaved states, 16 bits at a time.
 *
 * Payload: for each level + negative its frequency as a varint (they add up to 4096), the two final states
 * as uint32, then 16-bit words.
 */

/** Decodes a tile of codec `rans`. */
export function decodeRans(bytes: Uint8Array, grid: LevelGrid, sink: LevelSink): void {
  const { rows, lines, width, negative, positive } = grid;
  const [target, book, rowOffsets, lineOffsets, widthOffsets] = sink;
  const reader = new Reader(bytes);
  const symbols = new Uint16Array(RANS_SIZE);
  const frequencies: number[] = [];
  const starts: number[] = [];
  let total = 0;
  for (let symbol = 0; symbol <= negative + positive; symbol++) {
    const frequency = reader.varint();
    symbols.fill(symbol, total, total + frequency);
    frequencies.push(frequency);
    starts.push(total);
    total += frequency;
  }
  if (total !== RANS_SIZE) broken(61); // frequencies do not add up
  let a = reader.uint(4);
  let b = reader.uint(4);
  if (a < RANS_LOW || b < RANS_LOW || a >= 2 ** 31 || b >= 2 ** 31) broken(62); // a state is impossible
  let position = reader.position;
  for (let r = 0; r < rows; r++) {
    for (let line = 0; line < lines; line++) {
      const base = rowOffsets[r] + lineOffsets[line];
      for (let x = 0; x < width; x++) {
        const slot = a & (RANS_SIZE - 1);
        const symbol = symbols[slot];
        target[base + widthOffsets[x]] = book[symbol];
        let next = (Math.imul(frequencies[symbol], a >>> RANS_BITS) + slot - starts[symbol]) | 0;
        if (next < RANS_LOW) {
          next = (next << 16) | bytes[position] | (bytes[position + 1] << 8);
          position += 2;
        }
        // The two states take turns.
        a = b;
        b = next;
      }
    }
    if (position > bytes.length) broken(52); // a payload ends too early
  }
  if (position !== bytes.length || a !== RANS_LOW || b !== RANS_LOW) broken(53); // a payload is longer than its contents
}
