import { broken } from './errors.js';
import {
  type BitCoder,
  type LevelGrid,
  type Levels,
  MAX_PREFIX,
  makeState,
  nextState,
  UNARY,
} from './level-coding.js';
import { squash, stretch } from './logistic.js';
import { codeRest } from './magnitudes.js';

const HALF = makeState(32768, 0);

const abs = (x: number): number => (x < 0 ? -x : x);
const sign = (x: number): number => (x ? (x >> 31) | 1 : 0);

/** Sign and magnitude of a level that is not zero, for the mixing coder: three inputs each. */
export class MixedTail {
  private readonly negative: number;
  private readonly positive: number;
  /** Sign: by a weighted sum of seven signs; by four signs; by position. */
  private readonly sum: Int32Array = new Int32Array(19).fill(HALF);
  private readonly four: Int32Array = new Int32Array(81).fill(HALF);
  private readonly position: Int32Array;
  private readonly signWeights: Int32Array = new Int32Array(3).fill(26000);
  /** "Larger than k": by the largest of three neighbours; by the mean of six; by the row. */
  private readonly largest: Int32Array = new Int32Array(16 * 10).fill(HALF);
  private readonly mean: Int32Array = new Int32Array(16 * 16).fill(HALF);
  private readonly row: Int32Array = new Int32Array(16).fill(HALF);
  private readonly weights: Int32Array = new Int32Array(16 * 3).fill(26000);
  private readonly rest: Int32Array = new Int32Array(MAX_PREFIX + 1).fill(HALF);

  constructor(grid: LevelGrid) {
    this.negative = grid.negative;
    this.positive = grid.positive;
    this.position = new Int32Array(grid.lines * grid.width).fill(HALF);
  }

  startRow(): void {
    this.row.fill(HALF);
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
      minus = mix(
        coder,
        this.signWeights,
        0,
        this.sum,
        sum,
        this.four,
        four,
        this.position,
        at,
        known < 0 ? 1 : 0,
      );
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
    const { largest: first, mean: second, row, weights } = this;
    const magnitude = abs(known);
    let k = 1;
    while (k < top && k <= UNARY) {
      const more = magnitude > k ? 1 : 0;
      if (!mix(coder, weights, k * 3, first, largest * 16 + k, second, mean * 16 + k, row, k, more)) break;
      k++;
    }
    if (k > UNARY && top > UNARY + 1) {
      k = UNARY + codeRest(coder, this.rest, 0, magnitude - UNARY);
      if (k > top) broken(55); // a level is too large
    }
    return minus ? -k : k;
  }
}

/** Codes a bit with three states, mixed by the weights at `set`; trains all of them. */
function mix(
  coder: BitCoder,
  weights: Int32Array,
  set: number,
  a: Int32Array,
  i: number,
  b: Int32Array,
  j: number,
  c: Int32Array,
  k: number,
  known: number,
): number {
  const s1 = a[i];
  const s2 = b[j];
  const s3 = c[k];
  const x1 = stretch[s1 >>> 20];
  const x2 = stretch[s2 >>> 20];
  const x3 = stretch[s3 >>> 20];
  const w1 = weights[set];
  const w2 = weights[set + 1];
  const w3 = weights[set + 2];
  let dot = (Math.imul(w1, x1) + Math.imul(w2, x2) + Math.imul(w3, x3)) >> 16;
  // RANGE and the rate as numbers: constants of a module are read from memory, with a check.
  if (dot > 2128) dot = 2128;
  else if (dot < -2128) dot = -2128;
  const p = squash[2128 + dot];
  const bit = coder.code(p, known);
  const error = (bit << 16) - p;
  weights[set] = w1 + ((Math.imul(error, x1) + 32768) >> 16);
  weights[set + 1] = w2 + ((Math.imul(error, x2) + 32768) >> 16);
  weights[set + 2] = w3 + ((Math.imul(error, x3) + 32768) >> 16);
  a[i] = nextState(s1, bit);
  b[j] = nextState(s2, bit);
  c[k] = nextState(s3, bit);
  return bit;
}
