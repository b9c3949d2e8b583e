import type { Reader } from '../bytes/reader.js';
import { rowSize } from '../coders/levels/rows.js';
import { broken } from '../errors.js';
import { FEW, MANY, MAX_ROW, MAX_ROWS } from '../numbers.js';
import type { Elements } from './codebook/book.js';
import { readBook } from './codebook/read.js';
import type { LevelsLayout } from './levels.js';
import { type Axis, foldedAxes, sizeOf } from './traversal/geometry.js';

/** Reads how elements map to levels, and in which order these are coded. */
export function readLevels(reader: Reader, elements: Elements): LevelsLayout {
  const { dtype, shape } = elements.spec;
  if (dtype === 'string' || dtype === 'complex64') broken(14); // string and complex64 tensors have no levels
  const { usual, last: inner } = reader;
  const third = reader.small > 2;
  const flags = usual ? (third ? 0 : 8) : reader.uint(1);
  const book = readBook(reader, flags, elements);
  const foldAxis = usual ? usual.length - shape.length - 1 : reader.uint(1) - 1;
  if (foldAxis >= shape.length) broken(16); // the folded axis does not exist
  const axes = foldedAxes(shape, foldAxis, foldAxis < 0 || usual ? inner : reader.varint());
  const groups: Axis[][] = [[], [], []];
  let used = 0;
  let last = 0;
  for (let i = 0; i < axes.length; i++) {
    const code = usual ? usual[i] : reader.uint(1);
    const axis = code & 15;
    // each axis must occur once, rows before lines before their elements
    if (code >> 4 < last || code > 47 || axis >= axes.length || (used >> axis) & 1) broken(17);
    last = code >> 4;
    used |= 1 << axis;
    groups[last].push(axes[axis]);
  }
  const [rows, lines, width] = groups.map(sizeOf);
  // rows are too long or too many
  if (rowSize({ lines, width }) > MAX_ROW || rows > MAX_ROWS) broken(18);
  return {
    book,
    groups,
    rows,
    lines,
    width,
    tuning: reader.uint(1) | ((flags & 24) << 5) | (third && elements.count < MANY ? FEW : 0),
  };
}
