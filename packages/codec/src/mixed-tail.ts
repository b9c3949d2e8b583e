import { fail } from './errors.js';
import {
  type BitCoder,
  type LevelGrid,
  type Levels,
  MAX_PREFIX,
  makeState,
  nextState,
  UNARY,
} from './level-coding.js';
import { RANGE, squash, stretch } from './logistic.js';
import { codeRest } from './magnitudes.js';

const HALF = makeState(32768, 0);
const RATE = 16;
const ROUND: number = 1 << (RATE - 1);

/** Sign and magnitude of a level that is not zero, for the mixing coder. */
export class MixedTail {
  readonly #negative: number;
  readonly #positive: number;
  /** Sign: by weighted sum of neighbouring signs; by four signs; by position; by row. */
  readonly #sum: Int32Array = new Int32Array(19).fill(HALF);
  readonly #four: Int32Array = new Int32Array(81).fill(HALF);
  readonly #position: Int32Array;
  #row = HALF;
  readonly #signWeights: Int32Array = new Int32Array(4).fill(22000);
  /** "Larger than k": by largest neighbour; by the row; by the mean of the neighbours; by the last element. */
  readonly #largest: Int32Array = new Int32Array(16 * 10).fill(HALF);
  readonly #rowFlags: Int32Array = new Int32Array(16).fill(HALF);
  readonly #mean: Int32Array = new Int32Array(16 * 16).fill(HALF);
  readonly #last: Int32Array = new Int32Array(16 * 8).fill(HALF);
  readonly #weights: Int32Array = new Int32Array(16 * 4).fill(20000);
  readonly #rest: Int32Array = new Int32Array(MAX_PREFIX + 1).fill(HALF);

  constructor(grid: LevelGrid) {
    this.#negative = grid.negative;
    this.#positive = grid.positive;
    this.#position = new Int32Array(grid.lines * grid.width).fill(HALF);
  }

  startRow(): void {
    this.#row = HALF;
    this.#rowFlags.fill(HALF);
  }

  /** Codes the level at `i` of the bordered row `levels`, which the coder may know already. */
  code(coder: BitCoder, levels: Levels, i: number, stride: number, before: number, at: number): number {
    const known = levels[i];
    const west = levels[i - 1];
    const west2 = levels[i - 2];
    const north = levels[i - stride];
    const north2 = levels[i - 2 * stride];
    const east = levels[i - stride + 1];
    const diagonal = levels[i - stride - 1];
    let minus = this.#positive === 0 ? 1 : 0;
    if (this.#positive !== 0 && this.#negative !== 0) {
      const w = Math.sign(west);
      const n = Math.sign(north);
      const e = Math.sign(east);
      const b = Math.sign(before);
      const sum = 2 * (w + n) + e + b + Math.sign(diagonal) + Math.sign(west2) + Math.sign(north2) + 9;
      minus = this.#sign(coder, sum, 27 * w + 9 * n + 3 * b + e + 40, at, known < 0 ? 1 : 0);
    }
    const top = minus ? this.#negative : this.#positive;
    if (top === 1) return minus ? -1 : 1;
    const magnitude = Math.abs(known);
    let total = 0;
    let count = 0;
    let largest = Math.max(Math.abs(west), Math.abs(north), Math.abs(before));
    if (largest > 9) largest = 9;
    for (const value of [west, north, east, diagonal, west2, north2]) {
      if (value !== 0) count++;
      total += Math.abs(value);
    }
    const mean = count === 0 ? 0 : Math.min(15, 1 + Math.floor((3 * total + count) / (2 * count)));
    const last = Math.min(7, Math.abs(west));
    let k = 1;
    while (k < top && k <= UNARY && this.#flag(coder, k, largest, mean, last, magnitude > k ? 1 : 0)) k++;
    if (k > UNARY && top > UNARY + 1) {
      k = UNARY + codeRest(coder, this.#rest, 0, magnitude - UNARY);
      if (k > top) fail('payload', 'a level is too large');
    }
    return minus ? -k : k;
  }

  #sign(coder: BitCoder, sum: number, four: number, at: number, known: number): number {
    const s1 = this.#sum[sum];
    const s2 = this.#four[four];
    const s3 = this.#position[at];
    const s4 = this.#row;
    const bit = mix(coder, this.#signWeights, 0, s1, s2, s3, s4, known);
    this.#sum[sum] = nextState(s1, bit);
    this.#four[four] = nextState(s2, bit);
    this.#position[at] = nextState(s3, bit);
    this.#row = nextState(s4, bit);
    return bit;
  }

  #flag(coder: BitCoder, k: number, largest: number, mean: number, last: number, known: number): number {
    const c1 = largest * 16 + k;
    const c2 = mean * 16 + k;
    const c3 = last * 16 + k;
    const s1 = this.#largest[c1];
    const s2 = this.#mean[c2];
    const s3 = this.#last[c3];
    const s4 = this.#rowFlags[k];
    const bit = mix(coder, this.#weights, k * 4, s1, s2, s3, s4, known);
    this.#largest[c1] = nextState(s1, bit);
    this.#mean[c2] = nextState(s2, bit);
    this.#last[c3] = nextState(s3, bit);
    this.#rowFlags[k] = nextState(s4, bit);
    return bit;
  }
}

/** Codes a bit with four states mixed by the weights at `set`, and trains the weights. */
function mix(
  coder: BitCoder,
  weights: Int32Array,
  set: number,
  s1: number,
  s2: number,
  s3: number,
  s4: number,
  known: number,
): number {
  const x1 = stretch[s1 >>> 20];
  const x2 = stretch[s2 >>> 20];
  const x3 = stretch[s3 >>> 20];
  const x4 = stretch[s4 >>> 20];
  let dot =
    (Math.imul(weights[set], x1) +
      Math.imul(weights[set + 1], x2) +
      Math.imul(weights[set + 2], x3) +
      Math.imul(weights[set + 3], x4)) >>
    16;
  if (dot > RANGE) dot = RANGE;
  else if (dot < -RANGE) dot = -RANGE;
  const p = squash[RANGE + dot];
  const bit = coder.code(p, known);
  const error = (bit << 16) - p;
  weights[set] += (Math.imul(error, x1) + ROUND) >> RATE;
  weights[set + 1] += (Math.imul(error, x2) + ROUND) >> RATE;
  weights[set + 2] += (Math.imul(error, x3) + ROUND) >> RATE;
  weights[set + 3] += (Math.imul(error, x4) + ROUND) >> RATE;
  return bit;
}
