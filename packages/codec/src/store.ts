import type { WeightSpec } from './artifacts.js';
import { findBook, type Patterns, type Quantized } from './codebook-find.js';
import { encodeFast } from './ctx-fast-encode.js';
import { isFloat32 } from './decode.js';
import { type LevelsLayout, STORAGE } from './format.js';
import { foldedAxes, groupOffsets, groupSizes, type Traversal } from './geometry.js';
import type { StoredTensor } from './header-write.js';
import { allocateLevels, type LevelGrid, type Levels, lineStride, rowSize } from './level-coding.js';
import { encodePlanes } from './planes-encode.js';
import { traversalsFor } from './traversals.js';

/** Finds the smallest way to store a tensor. */
export function storeTensor(
  spec: WeightSpec,
  storage: number,
  data: Uint8Array,
  effort: number,
): StoredTensor {
  const itemBytes = STORAGE[storage][2];
  const base = { spec, storage, elements: data.length / itemBytes, payloads: [] };
  if (data.every((byte) => byte === 0)) return { ...base, codec: 'zero' };
  if (isConstant(data, itemBytes)) return { ...base, codec: 'constant', constant: data.slice(0, itemBytes) };
  const float = isFloat32({ spec });
  const candidates: StoredTensor[] = [
    { ...base, codec: 'raw', payloads: [data] },
    { ...base, codec: 'planes', payloads: [encodePlanes(data, itemBytes, float)] },
  ];
  if (spec.dtype !== 'string' && spec.dtype !== 'complex64') {
    const found = findBook(patternsOf(data, itemBytes), float || spec.quantization?.dtype === 'float16');
    if (found) {
      for (const traversal of traversalsFor(spec.shape).slice(0, 1 + effort)) {
        candidates.push({ ...base, codec: 'ctx-fast', ...encodeLevels(spec.shape, found, traversal, 7) });
      }
    }
  }
  return candidates.reduce((best, next) => (size(next) < size(best) ? next : best));
}

function size(tensor: StoredTensor): number {
  return (
    tensor.payloads.reduce((n, p) => n + p.length, 0) +
    (tensor.levels ? 7 + tensor.levels.book.values.length * 4 : 0)
  );
}

function isConstant(data: Uint8Array, itemBytes: number): boolean {
  for (let i = itemBytes; i < data.length; i++) if (data[i] !== data[i - itemBytes]) return false;
  return true;
}

/** The elements as integers; `data` is a copy, so aligned. */
function patternsOf(data: Uint8Array, itemBytes: number): Patterns {
  if (itemBytes === 4) return new Uint32Array(data.buffer, data.byteOffset, data.length / 4);
  if (itemBytes === 2) return new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
  return data;
}

function encodeLevels(
  shape: readonly number[],
  { book, levels }: Quantized,
  traversal: Traversal,
  tuning: number,
): { levels: LevelsLayout; payloads: Uint8Array[] } {
  const [rows, lines, width] = groupSizes(foldedAxes(shape, traversal).sizes, traversal);
  const grid: LevelGrid = { rows, lines, width, negative: book.negative, positive: book.positive, tuning };
  const [rowOffsets, lineOffsets, widthOffsets] = groupOffsets(shape, traversal);
  const stride = lineStride(grid);
  // Two arrays in turn: the coder looks at the previous row.
  const kept: Levels[] = [allocateLevels(grid, rowSize(grid)), allocateLevels(grid, rowSize(grid))];
  const rowAt = (row: number): Levels => {
    const out = kept[row & 1];
    for (let line = 0; line < lines; line++) {
      const at = rowOffsets[row] + lineOffsets[line];
      const to = (line + 1) * stride + 2;
      for (let x = 0; x < width; x++) out[to + x] = levels[at + widthOffsets[x]];
    }
    return out;
  };
  return { levels: { book, traversal, rows, lines, width, tuning }, payloads: [encodeFast(grid, rowAt)] };
}
