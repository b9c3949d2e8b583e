import { MAX_PREFIX, OWN } from '../../numbers.js';
import { codeMagnitude } from '../levels/magnitude.js';
import { type LevelGrid, lineStart, lineStride, rowSize } from '../levels/rows.js';
import { learn, makeTables } from '../levels/tables.js';
import { freshStates } from '../range/adaptive.js';
import type { BitCoder } from '../range/bit-coder.js';
import { DENSITY, initial, RANGE, squash } from '../range/logistic.js';
import { makeState, TARGET0, TARGET1 } from '../range/state.js';

/*
 * Levels where others are expected: those of an older version of the tensor. Written is whether a level is another one,
 * whether it is higher, and by how much; logistic mixing (Mahoney 2005) as in the mixing coder, for both ends. The
 * neighbours are differences, so what is near a change is likely to have changed. "Side" is where in the reach
 * of the expected level the older value was: near a border the next level is likely, and which one is known.
 */

/** Levels that are expected, and how much is known about it. */
export interface Expected {
  levels: Int32Array;
  /** Of each level 0 to 14, by where between half a level below and above the value was; 15 for "on the level". */
  sides: Uint8Array;
}

/** In which order elements come: an element lies at the sum of its three offsets. */
export type Order = readonly [rows: Int32Array, lines: Int32Array, width: Int32Array];

/** Where the states of the first bit begin. */
const NEAR = OWN;
const VALUE = NEAR + 512;
const AROUND = VALUE + 272;
/** Of "higher?". */
const HIGHER = AROUND + 272;
const FOUR = HIGHER + 272;
const SUM = FOUR + 81;
/** Of "by more than k?". */
const LARGER = SUM + 57;
/** Six sets of 6 weights and one for the constant, for the first bit; 4 and one for the second. */
const WEIGHTS = LARGER + 128;
const TAIL = WEIGHTS + 48;
const POSITION = TAIL + 5;

const sign = (x: number): number => (x ? (x >> 31) | 1 : 0);

/**
 * Codes a tensor's levels: a decoder fills `levels`, which an encoder knows. The grid's tuning says how many change: the
 * initial stretch.
 *
 * @throws EspError 'payload' where a decoder finds a level that there is not
 */
export function codeGiven(
  coder: BitCoder,
  grid: LevelGrid,
  [rowOffsets, lineOffsets, widthOffsets]: Order,
  expected: Expected,
  levels: Int32Array,
): void {
  const { rows, lines, width, negative, positive } = grid;
  const start = initial(grid.tuning);
  const places = lines * width;
  const column = POSITION + places;
  const slice = column + places;
  const row = slice + width;
  const m = makeTables(row + 1 - OWN, makeState(32768, 0));
  m.fill(makeState(start, 2), NEAR, HIGHER);
  m.fill(13000, WEIGHTS, TAIL);
  m.fill(20000, TAIL, POSITION);
  m.fill(makeState(start, 8), column, slice);
  const rest = freshStates(MAX_PREFIX + 1);
  const stride = lineStride(grid);
  /** Differences in this row and in the one before. */
  let now = new Int32Array(rowSize(grid));
  let before = new Int32Array(rowSize(grid));
  const slots = new Int32Array(6);
  for (let r = 0; r < rows; r++) {
    m.fill(makeState(start, 8), slice, row + 1);
    now.fill(0);
    let at = 0;
    for (let line = 0; line < lines; line++) {
      const base = rowOffsets[r] + lineOffsets[line];
      let i = lineStart(grid, line);
      for (let x = 0; x < width; x++, i++, at++) {
        const e = base + widthOffsets[x];
        const likely = expected.levels[e];
        const side = expected.sides[e];
        const known = levels[e] - likely;
        const west = now[i - 1];
        const north = now[i - stride];
        const east = now[i - stride + 1];
        const corner = now[i - stride - 1];
        const earlier = before[i];
        const w = west ? 1 : 0;
        const n = north ? 1 : 0;
        const p = earlier ? 1 : 0;
        const ne = east ? 1 : 0;
        const nw = corner ? 1 : 0;
        const count = 2 * (w + n) + ne + nw + (now[i - 2] ? 1 : 0) + (now[i - 2 * stride] ? 1 : 0);
        const value = 16 * (Math.max(-8, Math.min(8, likely)) + 8) + side;
        const four = 27 * sign(west) + 9 * sign(north) + 3 * sign(earlier) + sign(east) + 40;
        slots[0] = NEAR + 16 * (w + 2 * n + 4 * p + 8 * ne + 16 * nw) + side;
        slots[1] = VALUE + value;
        slots[2] = AROUND + 16 * (count + (p ? 8 : 0)) + DENSITY[m[row] >>> 20];
        slots[3] = column + at;
        slots[4] = slice + x;
        slots[5] = row;
        const set = WEIGHTS + 8 * (w + n + p + ne + (likely ? 1 : 0));
        let change = 0;
        if (mixed(coder, m, set, slots, 6, 19, known ? 1 : 0)) {
          let up = likely === positive ? 0 : 1;
          if (likely > -negative && likely < positive) {
            const sum = 2 * (sign(west) + sign(north)) + sign(east) + sign(earlier) + sign(corner) + 7;
            slots[0] = HIGHER + value;
            slots[1] = FOUR + four;
            slots[2] = SUM + 3 * sum + sign(likely) + 1;
            slots[3] = POSITION + at;
            up = mixed(coder, m, TAIL, slots, 4, 18, known > 0 ? 1 : 0);
          }
          const top = up ? positive - likely : likely + negative;
          const largest = Math.min(7, Math.max(Math.abs(west), Math.abs(north), Math.abs(earlier)));
          const k = codeMagnitude(coder, m, LARGER + 16 * largest, rest, top, Math.abs(known));
          change = up ? k : -k;
        }
        levels[e] = likely + change;
        now[i] = change;
      }
    }
    [now, before] = [before, now];
  }
}

/** Codes a bit with the first `count` states of `slots`, mixed by the weights at `set` and a constant; trains all. */
function mixed(
  coder: BitCoder,
  m: Int32Array,
  set: number,
  slots: Int32Array,
  count: number,
  rate: number,
  known: number,
): number {
  let dot = Math.imul(m[set + count], 512);
  for (let j = 0; j < count; j++) dot = (dot + Math.imul(m[set + j], m[m[slots[j]] >>> 20])) | 0;
  const p = squash[RANGE + Math.max(-RANGE, Math.min(RANGE, dot >> 16))];
  const bit = coder.code(p, known);
  const error = ((bit << 16) - p) << 3;
  const round = 1 << (rate - 1);
  const goal = bit ? TARGET1 : TARGET0;
  m[set + count] += (Math.imul(error, 512) + round) >> rate;
  for (let j = 0; j < count; j++) {
    const state = m[slots[j]];
    m[set + j] += (Math.imul(error, m[state >>> 20]) + round) >> rate;
    learn(m, slots[j], state, goal);
  }
  return bit;
}
