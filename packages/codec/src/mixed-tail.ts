import { broken } from './errors.js';
import {
  type BitCoder,
  DELTA,
  type LevelGrid,
  type Levels,
  MAX_PREFIX,
  makeState,
  UNARY,
} from './level-coding.js';
import { squash, stretch } from './logistic.js';
import { codeRest } from './magnitudes.js';

// Where the parts of the one array lie.
const SQUASH = 4096;
const DELTAS = 8353;
const WEIGHTS = 9377;
const SUM = 9425;
const FOUR = 9444;
const LARGEST = 9525;
const MEAN = 9685;
const ROW = 9941;
const POSITION = 9957;

const abs = (x: number): number => (x < 0 ? -x : x);
const sign = (x: number): number => (x ? (x >> 31) | 1 : 0);

/** Sign and magnitude of a level that is not zero, for the mixing coder: three inputs each. */
export class MixedTail {
  private readonly negative: number;
  private readonly positive: number;
  /**
   * Tables and states in one array: stretch, squash, DELTA, then weights, and the states that predict the sign, by a
   * weighted sum of seven signs, by four signs, by position; and "larger than k", by the largest of three neighbours, by
   * the mean of six, by the row.
   */
  private readonly m: Int32Array;
  private readonly rest: Int32Array = new Int32Array(MAX_PREFIX + 1).fill(makeState(32768, 0));

  constructor(grid: LevelGrid) {
    this.negative = grid.negative;
    this.positive = grid.positive;
    const m = new Int32Array(POSITION + grid.lines * grid.width).fill(makeState(32768, 0));
    m.set(stretch);
    m.set(squash, SQUASH);
    m.set(DELTA, DELTAS);
    m.fill(26000, WEIGHTS, SUM);
    this.m = m;
  }

  startRow(): void {
    this.m.fill(makeState(32768, 0), ROW, ROW + 16);
  }

  /** Codes the level at `i` of the bordered row `levels`, which the coder may know already. */
  code(coder: BitCoder, levels: Levels, i: number, stride: number, before: number, at: number): number {
    const known = levels[i];
    const west = levels[i - 1];
    const west2 = levels[i - 2];
    const north = levels[i - stride];
    const north2 = levels[i - 2 * stride];
    const northEast = levels[i - stride + 1];
    const northWest = levels[i - stride - 1];
    const { negative, positive } = this;
    let minus = positive === 0 ? 1 : 0;
    if (positive !== 0 && negative !== 0) {
      const w = sign(west);
      const n = sign(north);
      const e = sign(northEast);
      const b = sign(before);
      const sum = 2 * (w + n) + e + b + sign(northWest) + sign(west2) + sign(north2) + 9;
      const four = 27 * w + 9 * n + 3 * b + e + 40;
      minus = mix(coder, this.m, WEIGHTS, SUM + sum, FOUR + four, POSITION + at, known < 0 ? 1 : 0);
    }
    const top = minus ? negative : positive;
    if (top === 1) return minus ? -1 : 1;
    const a = abs(west);
    const c = abs(north);
    const d = abs(before);
    let largest = Math.max(a, c);
    if (d > largest) largest = d;
    if (largest > 9) largest = 9;
    const total = a + c + abs(northEast) + abs(northWest) + abs(west2) + abs(north2);
    const count =
      (west ? 1 : 0) +
      (north ? 1 : 0) +
      (northEast ? 1 : 0) +
      (northWest ? 1 : 0) +
      (west2 ? 1 : 0) +
      (north2 ? 1 : 0);
    let mean = count === 0 ? 0 : 1 + (((3 * total + count) / (2 * count)) | 0);
    if (mean > 15) mean = 15;
    const first = LARGEST + largest * 16;
    const second = MEAN + mean * 16;
    const magnitude = abs(known);
    let k = 1;
    while (k < top && k <= UNARY) {
      const more = magnitude > k ? 1 : 0;
      if (!mix(coder, this.m, WEIGHTS + k * 3, first + k, second + k, ROW + k, more)) break;
      k++;
    }
    if (k > UNARY && top > UNARY + 1) {
      k = UNARY + codeRest(coder, this.rest, 0, magnitude - UNARY);
      if (k > top) broken(55); // a level is too large
    }
    return minus ? -k : k;
  }
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
  let dot = (Math.imul(w1, x1) + Math.imul(w2, x2) + Math.imul(w3, x3)) >> 16;
  // Numbers for RANGE, SQUASH, DELTAS and TARGETs: constants of a module are read from memory, with a check.
  if (dot > 2128) dot = 2128;
  else if (dot < -2128) dot = -2128;
  const p = m[4096 + 2128 + dot];
  const bit = coder.code(p, known);
  const error = (bit << 16) - p;
  m[set] = w1 + ((Math.imul(error, x1) + 32768) >> 16);
  m[set + 1] = w2 + ((Math.imul(error, x2) + 32768) >> 16);
  m[set + 2] = w3 + ((Math.imul(error, x3) + 32768) >> 16);
  const goal = bit ? 524159 : 128;
  m[i] = s1 + (Math.imul(goal - (s1 >>> 13), m[8353 + (s1 & 1023)]) & -1024) + (((s1 & 1023) - 1022) >>> 31);
  m[j] = s2 + (Math.imul(goal - (s2 >>> 13), m[8353 + (s2 & 1023)]) & -1024) + (((s2 & 1023) - 1022) >>> 31);
  m[k] = s3 + (Math.imul(goal - (s3 >>> 13), m[8353 + (s3 & 1023)]) & -1024) + (((s3 & 1023) - 1022) >>> 31);
  return bit;
}
