import {
  allocateLevels,
  type BitCoder,
  DENSITY,
  type LevelGrid,
  type Levels,
  lineStart,
  lineStride,
  makeState,
  nextState,
  rowSize,
} from './level-coding.js';
import { RANGE, squash, stretch } from './logistic.js';
import { MixedTail } from './mixed-tail.js';

/*
 * Logistic mixing (Mahoney 2005). Whether a level is not zero is predicted by six adaptive probabilities:
 *
 *   near     probability of the position so far, and five neighbours
 *   around   probability of the row so far, and a weighted count of six neighbours in the row
 *   signs    signs of four neighbours
 *   column   this position in all rows so far
 *   slice    this element of all lines of the row
 *   row      this row so far
 *
 * mixed with weights that are learned, a set for each number of neighbours; a set of its own, without
 * `around` and `signs`, serves where no neighbour is. Integers only.
 */

/** The constant input, in 1/256: two nats. */
const BIAS = 512;
/** Weights learn by error * input / 2^RATE, the error scaled by the tuning. */
const RATE = 19;
const ROUND: number = 1 << (RATE - 1);
/** First value of the weights, in 1/65536. */
const WEIGHT = 13000;

/** Encodes a tile. Tuning: bits 0-7 the initial stretch, in 1/16 + 128; bits 8-9 how slowly weights learn. */
export function codeMix(
  coder: BitCoder,
  grid: LevelGrid,
  before: (row: number, levels: Levels) => void,
): void {
  const { rows, lines, width, tuning } = grid;
  const start = squash[RANGE + ((tuning & 255) - 128) * 16];
  const gain = 3 - ((tuning >> 8) & 3);
  const near = new Int32Array(512).fill(makeState(start, 2));
  const around = new Int32Array(144).fill(makeState(start, 2));
  const signs = new Int32Array(81).fill(makeState(start, 2));
  const column = new Int32Array(lines * width).fill(makeState(start, 8));
  const slice = new Int32Array(width);
  const row = new Int32Array(1);
  const weights = Array.from({ length: 5 }, () => new Int32Array(7).fill(WEIGHT));
  const quiet = new Int32Array(5).fill(WEIGHT);
  const tail = new MixedTail(grid);
  const stride = lineStride(grid);
  let current = allocateLevels(grid, rowSize(grid));
  let previous = allocateLevels(grid, rowSize(grid));

  for (let r = 0; r < rows; r++) {
    before(r, current);
    slice.fill(makeState(start, 8));
    row[0] = makeState(start, 8);
    tail.startRow();
    let at = 0;
    for (let line = 0; line < lines; line++) {
      let i = lineStart(grid, line);
      for (let x = 0; x < width; x++, i++, at++) {
        const west = current[i - 1];
        const north = current[i - stride];
        const east = current[i - stride + 1];
        const earlier = previous[i];
        const w = west ? 1 : 0;
        const n = north ? 1 : 0;
        const e = east ? 1 : 0;
        const b = earlier ? 1 : 0;
        const m = current[i - stride - 1] ? 1 : 0;
        const count = 2 * (w + n) + e + m + (current[i - 2] ? 1 : 0) + (current[i - 2 * stride] ? 1 : 0);
        const c1 = (DENSITY[column[at] >>> 20] << 5) | w | (n << 1) | (b << 2) | (e << 3) | (m << 4);
        const bit = current[i] ? 1 : 0;
        if (count + b === 0) {
          mix(coder, quiet, gain, bit, [near, column, slice, row], [c1, at, x, 0]);
        } else {
          const c2 = (count << 4) | DENSITY[row[0] >>> 20];
          const c3 =
            Math.sign(west) * 27 + Math.sign(north) * 9 + Math.sign(earlier) * 3 + Math.sign(east) + 40;
          const tables = [near, around, signs, column, slice, row];
          mix(coder, weights[w + n + b + e], gain, bit, tables, [c1, c2, c3, at, x, 0]);
        }
        if (bit) tail.code(coder, current, i, stride, earlier, at);
      }
    }
    const swap = previous;
    previous = current;
    current = swap;
  }
}

/** Codes a bit that is predicted by one state of each table; trains weights and states. */
function mix(
  coder: BitCoder,
  weights: Int32Array,
  gain: number,
  bit: number,
  tables: readonly Int32Array[],
  slots: readonly number[],
): void {
  const bias = tables.length;
  let dot = Math.imul(weights[bias], BIAS);
  for (let j = 0; j < bias; j++) dot = (dot + Math.imul(weights[j], stretch[tables[j][slots[j]] >>> 20])) | 0;
  const p = squash[RANGE + Math.max(-RANGE, Math.min(RANGE, dot >> 16))];
  coder.code(p, bit);
  const error = ((bit << 16) - p) << gain;
  weights[bias] += (Math.imul(error, BIAS) + ROUND) >> RATE;
  for (let j = 0; j < bias; j++) {
    const state = tables[j][slots[j]];
    weights[j] += (Math.imul(error, stretch[state >>> 20]) + ROUND) >> RATE;
    tables[j][slots[j]] = nextState(state, bit);
  }
}
