import { Reader } from '../bytes/reader.js';
import { codeGiven } from '../coders/given/code.js';
import { encodePlanesAs } from '../coders/planes/encode.js';
import { codeGolomb, codeTree, freshStates } from '../coders/range/adaptive.js';
import type { BitCoder } from '../coders/range/bit-coder.js';
import { countSymbols, encodeWith, scaled } from '../coders/rans/encode.js';
import { isFloat32, type TensorEntry } from '../container/format.js';
import { decodeTensor } from '../decode/tensor.js';
import { encodeTiles, initialStretch } from '../encode/tiles.js';
import { fail } from '../errors.js';
import type { Book } from '../layouts/codebook/book.js';
import { offsetsOf } from '../layouts/traversal/geometry.js';
import { MAX_PREFIX, RANS_SIZE } from '../numbers.js';
import { joined } from './blob.js';
import { codeDifferences } from './differences.js';
import { expectedLevels, type LevelsEntry } from './expected.js';
import { valuesOf } from './values.js';

/** Whether a tensor can be coded where an older one is known. */
export function canBeGiven(entry: TensorEntry, old: TensorEntry): boolean {
  const { spec, count, levels, codec } = entry;
  if (count !== old.count || spec.shape.join() !== old.spec.shape.join()) return false;
  // Frequencies of more levels than there is room for take more work than they are worth.
  if (levels && codec === 'rans' && sizeOf(levels.book) > RANS_SIZE) return false;
  if (levels) return old.spec.dtype !== 'string' && old.spec.dtype !== 'complex64';
  return (codec === 'raw' || codec === 'planes') && sameType(entry, old);
}

const sizeOf = ({ negative, positive }: Book): number => negative + 1 + positive;

const sameType = (a: TensorEntry, b: TensorEntry): boolean =>
  a.spec.dtype === b.spec.dtype && a.spec.quantization?.dtype === b.spec.quantization?.dtype;

/**
 * Codes a tensor where an older one is known, and makes its payloads anew, one for each tile. `known`: the payloads
 * that an encoder has.
 */
export function codeTensor(
  coder: BitCoder,
  entry: TensorEntry,
  old: TensorEntry,
  bytes: Uint8Array,
  known?: readonly Uint8Array[],
): Uint8Array[] {
  if (isLevels(entry)) return codeLevels(coder, entry, old, bytes, known);
  return [codeElements(coder, entry, bytes, known?.[0])];
}

function isLevels(entry: TensorEntry): entry is LevelsEntry {
  return entry.levels !== undefined;
}

/** The level of each element, from what is stored. */
function levelsOf(entry: LevelsEntry, stored: Uint8Array): Int32Array {
  const { negative, positive } = entry.levels.book;
  // As a tensor whose elements are its levels.
  const values = Uint32Array.from({ length: sizeOf(entry.levels.book) }, (_, i) => i - negative);
  const book = { kind: 'list', negative, positive, base: 0, values } as const;
  const found = new Int32Array(entry.count);
  const levels = { ...entry.levels, book };
  decodeTensor(stored, { ...entry, itemBytes: 4, levels }, new Uint8Array(found.buffer));
  return found;
}

function codeLevels(
  coder: BitCoder,
  entry: LevelsEntry,
  old: TensorEntry,
  bytes: Uint8Array,
  known?: readonly Uint8Array[],
): Uint8Array[] {
  const { levels: layout, codec, parts, count } = entry;
  const expected = expectedLevels(entry, valuesOf(old, bytes));
  const levels = known ? levelsOf(entry, joined(known)) : new Int32Array(count);
  const changed = known ? levels.filter((level, i) => level !== expected.levels[i]).length : 0;
  const tuning = codeTree(coder, freshStates(256), 0, 8, initialStretch(changed / count)) & 255;
  const [rows, lines, width] = layout.groups.map(offsetsOf);
  codeGiven(coder, { ...layout, ...layout.book, tuning }, [rows, lines, width], expected, levels);
  if (codec !== 'rans') return encodeTiles(levels, layout, codec as 'ctx-mix', parts.length);
  const symbols = new Uint16Array(count);
  let at = 0;
  for (const r of rows)
    for (const l of lines) for (const x of width) symbols[at++] = levels[r + l + x] + layout.book.negative;
  const row = lines.length * width.length;
  return parts.map((_, t) => {
    const first = Math.floor((layout.rows * t) / parts.length) * row;
    const last = Math.floor((layout.rows * (t + 1)) / parts.length) * row;
    return codeRans(coder, symbols.subarray(first, last), sizeOf(layout.book), known?.[t]);
  });
}

/** Codes how the frequencies of a tile differ from the counts, and makes its payload. */
function codeRans(coder: BitCoder, symbols: Uint16Array, size: number, known?: Uint8Array): Uint8Array {
  const counts = countSymbols(symbols, size);
  const reader = known && new Reader(known);
  const states = freshStates(MAX_PREFIX + 1);
  let all = 0;
  const frequencies = scaled(counts, symbols.length).map((likely, symbol) => {
    const away = reader ? reader.varint() - likely : 0;
    const folded = codeGolomb(coder, states, 0, (away < 0 ? -2 * away - 1 : 2 * away) + 1) - 1;
    const frequency = likely + (folded & 1 ? -(folded + 1) / 2 : folded / 2);
    if (frequency < 0 || (frequency === 0 && counts[symbol] > 0))
      fail('payload', 'a frequency is impossible');
    all += frequency;
    return frequency;
  });
  if (all !== RANS_SIZE) fail('payload', 'frequencies do not add up');
  return encodeWith(symbols, frequencies);
}

function codeElements(
  coder: BitCoder,
  entry: TensorEntry,
  bytes: Uint8Array,
  known?: Uint8Array,
): Uint8Array {
  const { codec, itemBytes, total, spec } = entry;
  const out = new Uint8Array(total);
  const planes = codec === 'planes';
  const float = isFloat32(entry);
  if (known) decodeTensor(known, entry, out);
  const modes = new Uint8Array(planes ? itemBytes : 0).map((_, i) => coder.code(32768, known ? known[i] : 0));
  const View = itemBytes === 1 ? Uint8Array : itemBytes === 2 ? Uint16Array : Uint32Array;
  const before = new View(bytes.slice().buffer);
  codeDifferences(coder, new View(out.buffer), before, float || spec.quantization?.dtype === 'float16');
  return planes ? encodePlanesAs(out, float, modes) : out;
}
