/*
 * What the level coders share. Levels come row by row; a row is a grid of lines x width. The current and the
 * previous row are kept with a border of zeros, so that every neighbour can be read without a test.
 *
 * A level is written as: zero or not; its sign, when both occur; then "larger than 1, 2, … UNARY?" while
 * that is possible; then the remainder in Exp-Golomb form.
 *
 * What is not in an inner loop is written once for both ends: it asks a BitCoder to code each bit. An encoder
 * knows the bit and returns it; a decoder finds it out.
 */

/** The shape of one tile, and how its levels are written. */
export interface LevelGrid {
  rows: number;
  lines: number;
  width: number;
  negative: number;
  positive: number;
  tuning: number;
}

/** A bordered row of levels. */
export type Levels = Int32Array;

/** Where a decoder writes: an element lies at the sum of its three offsets. Level 0 is there already. */
export type LevelSink = readonly [
  target: Uint32Array | Uint16Array | Uint8Array,
  /** Bit pattern of each level + negative. */
  book: Int32Array,
  /** Of the tile's rows, of the lines of a row, of the elements of a line. */
  rowOffsets: Int32Array,
  lineOffsets: Int32Array,
  widthOffsets: Int32Array,
];

/** Elements from a line to the next in a bordered row: two columns before, one after. */
export function lineStride(grid: LevelGrid): number {
  return grid.width + 3;
}

/** Where a line starts in a bordered row. */
export function lineStart(grid: LevelGrid, line: number): number {
  return (line + 2) * lineStride(grid) + 2;
}

/** Elements of a bordered row: two lines come first, and two at the end. */
export function rowSize({ lines, width }: Pick<LevelGrid, 'lines' | 'width'>): number {
  return (lines + 4) * (width + 3);
}
