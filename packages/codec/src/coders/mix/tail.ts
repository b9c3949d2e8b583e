import { FEW, FOUR, LARGEST, SUM } from '../../numbers.js';
import { codeMagnitude } from '../levels/magnitude.js';
import { type LevelGrid, type Levels, lineStride } from '../levels/rows.js';
import { learn } from '../levels/tables.js';
import type { BitCoder } from '../range/bit-coder.js';

const sign = (x: number): number => (x ? (x >> 31) | 1 : 0);

/**
 * Sign and magnitude of a level that is not zero, for the mixing coder: three states are mixed for the sign, one is
 * enough for each flag of the magnitude: where levels are few, whatever is near, and one for all from the second on. The level is at `i` of the
 * bordered row `levels`, where an encoder knows it; `position`: where the state of its position is.
 */
export function codeTail(
  coder: BitCoder,
  m: Int32Array,
  tail: number,
  grid: LevelGrid,
  rest: Int32Array,
  levels: Levels,
  i: number,
  previous: Levels,
  position: number,
): number {
  const { negative, positive, tuning } = grid;
  const few = tuning & FEW;
  const stride = lineStride(grid);
  const known = levels[i];
  const west = levels[i - 1];
  const north = levels[i - stride];
  const northEast = levels[i - stride + 1];
  const before = previous[i];
  let minus = positive === 0 ? 1 : 0;
  if (positive !== 0 && negative !== 0) {
    const w = sign(west);
    const n = sign(north);
    const e = sign(northEast);
    const b = sign(before);
    const sum =
      2 * (w + n) +
      e +
      b +
      sign(levels[i - stride - 1]) +
      sign(levels[i - 2]) +
      sign(levels[i - 2 * stride]) +
      9;
    const four = 27 * w + 9 * n + 3 * b + e + 40;
    minus = mix(
      coder,
      m,
      tail,
      tail + SUM + sum,
      tail + FOUR + four,
      position,
      known < 0 ? 1 : 0,
      few ? 3 : 0,
    );
  }
  const top = minus ? negative : positive;
  const largest = Math.min(few ? 0 : 7, Math.max(Math.abs(west), Math.abs(north), Math.abs(before)));
  const first = tail + LARGEST + largest * 16;
  const k = codeMagnitude(coder, m, first, rest, top, Math.abs(known), few ? 2 : 14);
  return minus ? -k : k;
}

/** Codes a bit with the states at i, j, k, mixed by the weights at `set`; trains all of them. */
function mix(
  coder: BitCoder,
  m: Int32Array,
  set: number,
  i: number,
  j: number,
  k: number,
  known: number,
  gain: number,
): number {
  const s1 = m[i];
  const s2 = m[j];
  const s3 = m[k];
  const x1 = m[s1 >>> 20];
  const x2 = m[s2 >>> 20];
  const x3 = m[s3 >>> 20];
  const w1 = m[set];
  const w2 = m[set + 1];
  const w3 = m[set + 2];
  const dot = (Math.imul(w1, x1) + Math.imul(w2, x2) + Math.imul(w3, x3)) >> 16;
  // Numbers for RANGE, SQUASH, DELTAS and TARGETs: constants of a module are read from memory, with a check.
  const p = m[4096 + 2128 + Math.max(-2128, Math.min(2128, dot))];
  const bit = coder.code(p, known);
  const error = ((bit << 16) - p) << gain;
  m[set] = w1 + ((Math.imul(error, x1) + 32768) >> 16);
  m[set + 1] = w2 + ((Math.imul(error, x2) + 32768) >> 16);
  m[set + 2] = w3 + ((Math.imul(error, x3) + 32768) >> 16);
  const goal = bit ? 524159 : 128;
  learn(m, i, s1, goal);
  learn(m, j, s2, goal);
  learn(m, k, s3, goal);
  return bit;
}
