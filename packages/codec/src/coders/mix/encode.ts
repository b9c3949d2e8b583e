import { MAX_PREFIX, OWN, TAIL_SIZE } from '../../numbers.js';
import { type LevelGrid, type Levels, lineStart, lineStride, rowSize } from '../levels/rows.js';
import { makeTables } from '../levels/tables.js';
import { freshStates } from '../range/adaptive.js';
import type { BitCoder } from '../range/bit-coder.js';
import { DELTA, DENSITY, initial, RANGE, squash, stretch } from '../range/logistic.js';
import { makeState, nextState, TARGET0, TARGET1 } from '../range/state.js';
import { codeTail } from './tail.js';

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
  const start = initial(tuning);
  const gain = 3 - ((tuning >> 8) & 3);
  const near = new Int32Array(512).fill(makeState(start, 2));
  const around = new Int32Array(144).fill(makeState(start, 2));
  const signs = new Int32Array(81).fill(makeState(start, 2));
  const column = new Int32Array(lines * width).fill(start << 16);
  const slice = new Int32Array(width);
  const row = new Int32Array(1);
  const weights = Array.from({ length: 5 }, () => new Int32Array(7).fill(WEIGHT));
  const quiet = new Int32Array(5).fill(WEIGHT);
  const rest = freshStates(MAX_PREFIX + 1);
  const tables = makeTables(TAIL_SIZE + lines * width, makeState(32768, 0));
  tables.fill(26000, OWN, OWN + 3);
  const stride = lineStride(grid);
  let current = new Int32Array(rowSize(grid));
  let previous = new Int32Array(rowSize(grid));

  for (let r = 0; r < rows; r++) {
    before(r, current);
    slice.fill(start << 16);
    row[0] = start << 16;
    let at = 0;
    for (let line = 0; line < lines; line++) {
      let i = lineStart(grid, line);
      for (let x = 0; x < width; x++, i++, at++) {
        const rates = [rate(r), rate(line), rate(at)];
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
          mix(coder, quiet, gain, bit, [near, column, slice, row], [c1, at, x, 0], rates);
        } else {
          const c2 = (count << 4) | DENSITY[row[0] >>> 20];
          const c3 =
            Math.sign(west) * 27 + Math.sign(north) * 9 + Math.sign(earlier) * 3 + Math.sign(east) + 40;
          const inputs = [near, around, signs, column, slice, row];
          mix(coder, weights[w + n + b + e], gain, bit, inputs, [c1, c2, c3, at, x, 0], rates);
        }
        if (bit) codeTail(coder, tables, OWN, grid, rest, current, i, previous, OWN + TAIL_SIZE + at);
      }
    }
    const swap = previous;
    previous = current;
    current = swap;
  }
}

/** How fast a probability moves that has seen n bits since the start, which counts as eight. */
function rate(n: number): number {
  return DELTA[Math.min(n + 8, 1022)];
}

/** Codes a bit that is predicted by one state of each table; trains weights and states. */
function mix(
  coder: BitCoder,
  weights: Int32Array,
  gain: number,
  bit: number,
  tables: readonly Int32Array[],
  slots: readonly number[],
  rates: readonly number[],
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
    // The last three have seen as many bits as the rates say; the others count themselves.
    const rate = rates[j - bias + 3];
    tables[j][slots[j]] =
      rate === undefined
        ? nextState(state, bit)
        : state + Math.imul((bit ? TARGET1 : TARGET0) - (state >>> 13), rate);
  }
}
