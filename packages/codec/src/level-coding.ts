/*
 * What the level coders share. Levels come row by row; a row is a grid of lines x width. Both ends keep the
 * current and the previous row with a border of zeros, so that every neighbour can be read without a test.
 *
 * A level is written as: zero or not; its sign, when both occur; then "larger than 1, 2, … UNARY?" while
 * that is possible; then the remainder in Exp-Golomb form.
 */

/** Flags per magnitude before the remainder is written in Exp-Golomb form. */
export const UNARY = 14;
/** Longest prefix of an Exp-Golomb remainder. */
export const MAX_PREFIX = 17;

/** Count limits that a tuning byte may choose from. */
export const COUNT_LIMITS: readonly number[] = [30, 60, 127, 255, 400, 600, 800, 1022];

/** The shape of one tile, and how its levels are written. */
export interface LevelGrid {
  rows: number;
  lines: number;
  width: number;
  negative: number;
  positive: number;
  tuning: number;
}

/** A level array: as narrow as the levels allow. */
export type Levels = Int8Array | Int16Array | Int32Array;

/** Makes room for `size` levels of the grid. */
export function allocateLevels(grid: LevelGrid, size: number): Levels {
  const top = Math.max(grid.negative, grid.positive);
  return top < 128 ? new Int8Array(size) : top < 32768 ? new Int16Array(size) : new Int32Array(size);
}

/** Elements from a line to the next in a bordered row. */
export function lineStride(grid: LevelGrid): number {
  return grid.width + 3;
}

/** Elements of a bordered row: a line of zeros above, two columns before, one after. */
export function rowSize(grid: LevelGrid): number {
  return (grid.lines + 1) * lineStride(grid);
}

/** DELTA[n] = 2^13 / (n + 1.5): how far a state that has seen n bits moves, by the 22-bit error / 8. */
export const DELTA: Int32Array = Int32Array.from({ length: 1024 }, (_, n) => Math.floor(8192 / (n + 1.5)));
