import type { Book } from './codebook/book.js';
import type { Axis } from './traversal/geometry.js';

/** How elements map to small integers ("levels") and in which order they are coded. */
export interface LevelsLayout {
  /** Which element each level stands for. */
  book: Book;
  /** The axes of the rows, of the lines of a row, of the elements of a line, and their sizes. */
  groups: Axis[][];
  rows: number;
  lines: number;
  width: number;
  /** How fast the coder's states adapt; see the coder. */
  tuning: number;
}
