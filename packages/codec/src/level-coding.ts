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

/** Flags per magnitude before the remainder is written in Exp-Golomb form. */
export const UNARY = 14;
/** Longest prefix of an Exp-Golomb remainder. */
export const MAX_PREFIX = 24;

/** Codes bits: the probability of a 1 in 1/65536, and the bit if it is known. Returns the bit. */
export interface BitCoder {
  code(p: number, bit: number): number;
}

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
  book: Uint32Array,
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

/** DELTA[n] = 2^13 / (n + 1.5): how far a state that has seen n bits moves, by the 22-bit error / 8. */
export const DELTA: Int32Array = Int32Array.from({ length: 1024 }, (_, n) => Math.floor(8192 / (n + 1.5)));

/** What a state moves towards: 16/65536 and its complement, in 1/2^19, so that no bit is ever free. */
export const TARGET0 = 128;
export const TARGET1: number = 524287 - 128;

/** A state of probability p / 65536 that counts as having seen n bits. */
export function makeState(p: number, n: number): number {
  return (p << 16) | n;
}

/** The state after a bit, on its way to TARGET0 or TARGET1: 22-bit probability, 10-bit count up to 1022. */
export function nextState(state: number, bit: number): number {
  const count = state & 1023;
  const target = (bit ? 524159 : 128) - (state >>> 13);
  return (state + (Math.imul(target, DELTA[count]) & -1024) + (count < 1022 ? 1 : 0)) | 0;
}

/** DENSITY[d >> 4] of a 16-bit density d: 0 to 15, two steps an octave, 15 at a half and more. */
export const DENSITY: Uint8Array = Uint8Array.from({ length: 4096 }, (_, i) => {
  const log = 31 - Math.clz32(i | 1);
  return Math.max(0, Math.min(15, 2 * log + ((i >> (log - 1)) & 1) - 7));
});
