import { codeFast } from '../coders/fast/encode.js';
import { type LevelGrid, type Levels, lineStart } from '../coders/levels/rows.js';
import { codeMix } from '../coders/mix/encode.js';
import { RangeEncoder } from '../coders/range/encoder.js';
import { RANGE, squash } from '../coders/range/logistic.js';
import type { StoredTensor } from '../container/header-write.js';
import type { Quantized } from '../layouts/codebook/find.js';
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
  const [rowOffsets, lineOffsets, widthOffsets] = groups.map(offsetsOf);
  const count = Math.min(rows, Math.max(1, Math.ceil(levels.length / tileElements)));
  const payloads: Uint8Array[] = [];
  for (let tile = 0; tile < count; tile++) {
    const first = Math.floor((rows * tile) / count);
    const grid: LevelGrid = {
      rows: Math.floor((rows * (tile + 1)) / count) - first,
      lines,
      width,
      negative: book.negative,
      positive: book.positive,
      tuning,
    };
    const before = (row: number, out: Levels): void => {
      for (let line = 0; line < lines; line++) {
        const from = rowOffsets[first + row] + lineOffsets[line];
        const to = lineStart(grid, line);
        for (let x = 0; x < width; x++) out[to + x] = levels[from + widthOffsets[x]];
      }
    };
    const coder = new RangeEncoder();
    (codec === 'ctx-mix' ? codeMix : codeFast)(coder, grid, before);
    payloads.push(coder.finish());
  }
  return { levels: { book, traversal, groups, rows, lines, width, tuning }, payloads };
}

/** The stretch of a density, in 1/16 + 128, by search in the frozen table. */
function initialStretch(density: number): number {
  let best = 0;
  for (let i = 0; i < 256; i++) {
    const p = (j: number): number => squash[RANGE + (j - 128) * 16] / 65536;
    if (Math.abs(p(i) - density) < Math.abs(p(best) - density)) best = i;
  }
  return best;
}
