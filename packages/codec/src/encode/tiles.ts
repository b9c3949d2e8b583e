import { codeFast } from '../coders/fast/encode.js';
import { type LevelGrid, type Levels, lineStart } from '../coders/levels/rows.js';
import { codeMix } from '../coders/mix/encode.js';
import type { BitCoder } from '../coders/range/bit-coder.js';
import { RangeEncoder } from '../coders/range/encoder.js';
import { RANGE, squash } from '../coders/range/logistic.js';
import type { StoredTensor } from '../container/header-write.js';
import type { Quantized } from '../layouts/codebook/find.js';
import type { LevelsLayout } from '../layouts/levels.js';
import { groupAxes, offsetsOf, sizeOf, type Traversal } from '../layouts/traversal/geometry.js';

/** Codes the levels of a tensor as `traversal` says, cut into tiles. */
export function encodeLevels(
  shape: readonly number[],
  { book, levels, nonzero }: Quantized,
  traversal: Traversal,
  codec: 'ctx-fast' | 'ctx-mix',
  rate: number,
  tileElements: number,
): Pick<StoredTensor, 'levels' | 'payloads' | 'code'> {
  const groups = groupAxes(shape, traversal);
  const [rows, lines, width] = groups.map(sizeOf);
  const tuning = initialStretch(nonzero / levels.length) | (rate << 8);
  const layout = { book, traversal, groups, rows, lines, width, tuning };
  const count = Math.min(rows, Math.max(1, Math.ceil(levels.length / tileElements)));
  const payloads = encodeTiles(levels, layout, codec, count);
  if (count > 1) return { levels: layout, payloads };
  return { levels: layout, payloads, code: (coder) => codeTile(coder, levels, layout, codec, 0, rows) };
}

/** Codes levels, which are in the order of the elements, in so many tiles. */
export function encodeTiles(
  levels: Int32Array,
  layout: LevelsLayout,
  codec: 'ctx-fast' | 'ctx-mix',
  count: number,
): Uint8Array[] {
  const { rows } = layout;
  return Array.from({ length: count }, (_, tile) => {
    const first = Math.floor((rows * tile) / count);
    const coder = new RangeEncoder();
    codeTile(coder, levels, layout, codec, first, Math.floor((rows * (tile + 1)) / count) - first);
    return coder.finish();
  });
}

/** Codes so many rows, from the first on. */
export function codeTile(
  coder: BitCoder,
  levels: Int32Array,
  { book, groups, lines, width, tuning }: LevelsLayout,
  codec: 'ctx-fast' | 'ctx-mix',
  first: number,
  rows: number,
): void {
  const { negative, positive } = book;
  const [rowOffsets, lineOffsets, widthOffsets] = groups.map(offsetsOf);
  const grid: LevelGrid = { rows, lines, width, negative, positive, tuning };
  const before = (row: number, out: Levels): void => {
    for (let line = 0; line < lines; line++) {
      const from = rowOffsets[first + row] + lineOffsets[line];
      const to = lineStart(grid, line);
      for (let x = 0; x < width; x++) out[to + x] = levels[from + widthOffsets[x]];
    }
  };
  (codec === 'ctx-mix' ? codeMix : codeFast)(coder, grid, before);
}

/** The stretch of a density, in 1/16 + 128, by search in the frozen table. */
export function initialStretch(density: number): number {
  let best = 0;
  for (let i = 0; i < 256; i++) {
    const p = (j: number): number => squash[RANGE + (j - 128) * 16] / 65536;
    if (Math.abs(p(i) - density) < Math.abs(p(best) - density)) best = i;
  }
  return best;
}
