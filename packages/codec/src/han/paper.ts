import { BitReader, BitWriter, canonicalCodes, codeLengths, SymbolReader } from './huffman.js';
import { fromRelative, toRelative } from './indexed.js';

/*
 * The format of the paper (Han, Mao, Dally 2016, section 4): relative indices of a fixed width and codebook
 * indices, each with its own Huffman code. The code tables are part of the bytes: 5 bits for the length of
 * each symbol's code.
 *
 * Bits: entries (32), gapBits - 1 (3), number of values - 1 (8), the tables, then gap and value by turns.
 */

/**
 * Packs the indices of one tensor (the codebook is not included). The paper uses 8 gap bits for convolutions
 * and 5 for dense layers.
 *
 * @example
 * ```ts
 * import { packPaper, unpackPaper } from '@espalier/codec/han';
 *
 * const indices = Uint8Array.from({ length: 1000 }, (_, i) => (i % 90 === 0 ? 1 + (i % 3) : 0));
 * const packed = packPaper(indices, 5);
 * if (unpackPaper(packed, 1000).join() !== indices.join()) throw new Error('not the same');
 * ```
 */
export function packPaper(indices: Uint8Array, gapBits: number): Uint8Array {
  const { gaps, values } = toRelative(indices, gapBits);
  const largest = values.reduce((a, b) => Math.max(a, b), 0);
  const streams = [
    { symbols: gaps, size: 2 ** gapBits },
    { symbols: values, size: largest + 1 },
  ].map(({ symbols, size }) => {
    const counts = new Array<number>(size).fill(0);
    for (const symbol of symbols) counts[symbol]++;
    const lengths = codeLengths(counts);
    return { symbols, lengths, codes: canonicalCodes(lengths) };
  });
  const out = new BitWriter();
  out.put(gaps.length, 32);
  out.put(gapBits - 1, 3);
  out.put(largest, 8);
  for (const { lengths } of streams) for (const length of lengths) out.put(length, 5);
  for (let i = 0; i < gaps.length; i++) {
    for (const { symbols, lengths, codes } of streams) out.put(codes[symbols[i]], lengths[symbols[i]]);
  }
  return out.take();
}

/** The inverse of {@link packPaper} for a tensor of `size` weights. @throws EspError for damaged bytes. */
export function unpackPaper(bytes: Uint8Array, size: number): Uint8Array {
  const reader = new BitReader(bytes);
  const entries = reader.get(32);
  const gapBits = reader.get(3) + 1;
  const sizes = [2 ** gapBits, reader.get(8) + 1];
  const [gap, value] = sizes.map(
    (n) => new SymbolReader(Uint8Array.from({ length: n }, () => reader.get(5))),
  );
  // Every entry takes at least two bits, so a forged count runs out of bytes.
  const count = Math.min(entries, bytes.length * 8);
  const gaps = new Uint8Array(count);
  const values = new Uint8Array(count);
  for (let i = 0; i < entries; i++) {
    gaps[i] = gap.read(reader);
    values[i] = value.read(reader);
  }
  reader.finish();
  return fromRelative({ gaps, values }, size);
}
