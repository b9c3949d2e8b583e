import { expect } from 'vitest';
import type { LevelGrid, LevelSink } from '../../src/coders/levels/rows.js';

/** The levels that `decode` wrote. Each element lies mirrored, so that no offset is its place in coding order. */
export function mirrored(grid: LevelGrid, decode: (sink: LevelSink) => void): number[] {
  const { rows, lines, width, negative, positive } = grid;
  const count = rows * lines * width;
  const bits = (level: number): number => 300_000 + 3 * level;
  const target = new Uint32Array(count + 1).fill(bits(0));
  target[count] = 7;
  decode([
    target,
    Int32Array.from({ length: negative + 1 + positive }, (_, i) => bits(i - negative)),
    Int32Array.from({ length: rows }, (_, r) => (rows - 1 - r) * lines * width),
    Int32Array.from({ length: lines }, (_, l) => (lines - 1 - l) * width),
    Int32Array.from({ length: width }, (_, x) => width - 1 - x),
  ]);
  expect(target[count]).toBe(7);
  return Array.from(target.subarray(0, count), (v) => (v - 300_000) / 3).reverse();
}
