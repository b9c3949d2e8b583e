import { codeFast } from '../coders/fast/encode.js';
import { type LevelGrid, type Levels, lineStart } from '../coders/levels/rows.js';
import { codeMix } from '../coders/mix/encode.js';
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
): Pick<StoredTensor, 'levels' | 'payloads'> {
  const groups = groupAxes(shape, traversal);
  const [rows, lines, width] = groups.map(sizeOf);
  const tuning = initialStretch(nonzero / levels.length) | (rate << 8);
  const layout = { book, traversal, groups, rows, lines, width, tuning };
  const count = Math.min(rows, Math.max(1, Math.ceil(levels.length / tileElements)));
  return { levels: layout, payloads: encodeTiles(levels, layout, codec, count) };
}

/** Codes levels, which are in the order of the elements, in so many tiles. */
export function encodeTiles(
  levels: Int32Array,
  layout: LevelsLayout,
  codec: 'ctx-fast' | 'ctx-mix',
  count: number,
): Uint8Array[] {
  const { book, groups, rows, lines, width, tuning } = layout;
  const { negative, positive } = book;
  const [rowOffsets, lineOffsets, widthOffsets] = groups.map(offsetsOf);
  return Array.from({ length: count }, (_, tile) => {
    const first = Math.floor((rows * tile) / count);
    const inTile = Math.floor((rows * (tile + 1)) / count) - first;
    const grid: LevelGrid = { rows: inTile, lines, width, negative, positive, tuning };
    const before = (row: number, out: Levels): void => {
      for (let line = 0; line < lines; line++) {
        const from = rowOffsets[first + row] + lineOffsets[line];
        const to = lineStart(grid, line);
        for (let x = 0; x < width; x++) out[to + x] = levels[from + widthOffsets[x]];
      }
    };
    const coder = new RangeEncoder();
    (codec === 'ctx-mix' ? codeMix : codeFast)(coder, grid, before);
    return coder.finish();
  });
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
