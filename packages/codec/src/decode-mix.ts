import {
  allocateLevels,
  DENSITY,
  type LevelGrid,
  type LevelSink,
  lineStart,
  lineStride,
  makeState,
  nextState,
  rowSize,
} from './level-coding.js';
import { RANGE, squash, stretch } from './logistic.js';
import { MixedTail } from './mixed-tail.js';
import type { RangeDecoder } from './range-decoder.js';

const INPUTS = 7;
/** The constant input, in 1/256: two nats. */
const BIAS = 512;
/** Weights learn by error * input / 2^RATE, the error scaled by the tuning. */
const RATE = 19;
const ROUND: number = 1 << (RATE - 1);
/** First value of the weights, in 1/65536. */
const WEIGHT = 13000;

/**
 * Decodes a tile of `ctx-mix`, see `codeMix` for the model: the same steps, with the range decoder's state in
 * local variables. Levels that are not 0 go to `sink`.
 */
export function decodeMix(coder: RangeDecoder, grid: LevelGrid, sink: LevelSink): void {
  const { rows, lines, width, negative, tuning } = grid;
  const start = squash[RANGE + ((tuning & 255) - 128) * 16];
  const gain = 3 - ((tuning >> 8) & 3);
  const stretches = stretch;
  const squashes = squash;
  const buckets = DENSITY;
  const { target, book, rowOffsets, lineOffsets, widthOffsets } = sink;
  const near = new Int32Array(512).fill(makeState(start, 2));
  const around = new Int32Array(144).fill(makeState(start, 2));
  const signs = new Int32Array(81).fill(makeState(start, 2));
  const column = new Int32Array(lines * width).fill(makeState(start, 8));
  const slice = new Int32Array(width);
  const weights = new Int32Array(5 * INPUTS).fill(WEIGHT);
  let quiet1 = WEIGHT;
  let quiet4 = WEIGHT;
  let quiet5 = WEIGHT;
  let quiet6 = WEIGHT;
  let quiet7 = WEIGHT;
  const tail = new MixedTail(grid);
  const stride = lineStride(grid);
  let current = allocateLevels(grid, rowSize(grid));
  let previous = allocateLevels(grid, rowSize(grid));
  const bytes = coder.bytes;
  let { position, range, value } = coder;

  for (let r = 0; r < rows; r++) {
    slice.fill(makeState(start, 8));
    let rowState = makeState(start, 8);
    tail.startRow();
    current.fill(0);
    let at = 0;
    for (let line = 0; line < lines; line++) {
      let i = lineStart(grid, line);
      const base = rowOffsets[r] + lineOffsets[line];
      let west = 0;
      let west2 = 0;
      let north = 0;
      let northEast = current[i - stride];
      for (let x = 0; x < width; x++, i++, at++) {
        const northWest = north;
        north = northEast;
        northEast = current[i - stride + 1];
        const before = previous[i];
        const w = west ? 1 : 0;
        const n = north ? 1 : 0;
        const e = northEast ? 1 : 0;
        const b = before ? 1 : 0;
        const m = northWest ? 1 : 0;
        const s4 = column[at];
        const s5 = slice[x];
        const x4 = stretches[s4 >>> 20];
        const x5 = stretches[s5 >>> 20];
        const x6 = stretches[rowState >>> 20];
        const count = 2 * (w + n) + e + m + (west2 ? 1 : 0) + (current[i - 2 * stride] ? 1 : 0);
        let bit = 1;
        if (count + b === 0) {
          // Nothing near: most weights of a sparse tensor take this shorter way.
          const c1 = buckets[s4 >>> 20] << 5;
          const s1 = near[c1];
          const x1 = stretches[s1 >>> 20];
          let dot =
            (Math.imul(quiet1, x1) +
              Math.imul(quiet4, x4) +
              Math.imul(quiet5, x5) +
              Math.imul(quiet6, x6) +
              Math.imul(quiet7, BIAS)) >>
            16;
          if (dot > RANGE) dot = RANGE;
          else if (dot < -RANGE) dot = -RANGE;
          const p = squashes[RANGE + dot];
          const bound = Math.imul(range >>> 15, p) >>> 1;
          let error = (65536 - p) << gain;
          if (value >= bound) {
            value -= bound;
            range -= bound;
            bit = 0;
            error = -p << gain;
          } else {
            range = bound;
          }
          quiet1 = (quiet1 + ((Math.imul(error, x1) + ROUND) >> RATE)) | 0;
          quiet4 = (quiet4 + ((Math.imul(error, x4) + ROUND) >> RATE)) | 0;
          quiet5 = (quiet5 + ((Math.imul(error, x5) + ROUND) >> RATE)) | 0;
          quiet6 = (quiet6 + ((Math.imul(error, x6) + ROUND) >> RATE)) | 0;
          quiet7 = (quiet7 + ((Math.imul(error, BIAS) + ROUND) >> RATE)) | 0;
          near[c1] = nextState(s1, bit);
        } else {
          const c1 = (buckets[s4 >>> 20] << 5) | w | (n << 1) | (b << 2) | (e << 3) | (m << 4);
          const c2 = (count << 4) | buckets[rowState >>> 20];
          const c3 =
            (w ? (west >> 31) | 1 : 0) * 27 +
            (n ? (north >> 31) | 1 : 0) * 9 +
            (b ? (before >> 31) | 1 : 0) * 3 +
            (e ? (northEast >> 31) | 1 : 0) +
            40;
          const s1 = near[c1];
          const s2 = around[c2];
          const s3 = signs[c3];
          const x1 = stretches[s1 >>> 20];
          const x2 = stretches[s2 >>> 20];
          const x3 = stretches[s3 >>> 20];
          const set = (w + n + b + e) * INPUTS;
          const w1 = weights[set];
          const w2 = weights[set + 1];
          const w3 = weights[set + 2];
          const w4 = weights[set + 3];
          const w5 = weights[set + 4];
          const w6 = weights[set + 5];
          const w7 = weights[set + 6];
          let dot =
            (Math.imul(w1, x1) +
              Math.imul(w2, x2) +
              Math.imul(w3, x3) +
              Math.imul(w4, x4) +
              Math.imul(w5, x5) +
              Math.imul(w6, x6) +
              Math.imul(w7, BIAS)) >>
            16;
          if (dot > RANGE) dot = RANGE;
          else if (dot < -RANGE) dot = -RANGE;
          const p = squashes[RANGE + dot];
          const bound = Math.imul(range >>> 15, p) >>> 1;
          let error = (65536 - p) << gain;
          if (value >= bound) {
            value -= bound;
            range -= bound;
            bit = 0;
            error = -p << gain;
          } else {
            range = bound;
          }
          weights[set] = w1 + ((Math.imul(error, x1) + ROUND) >> RATE);
          weights[set + 1] = w2 + ((Math.imul(error, x2) + ROUND) >> RATE);
          weights[set + 2] = w3 + ((Math.imul(error, x3) + ROUND) >> RATE);
          weights[set + 3] = w4 + ((Math.imul(error, x4) + ROUND) >> RATE);
          weights[set + 4] = w5 + ((Math.imul(error, x5) + ROUND) >> RATE);
          weights[set + 5] = w6 + ((Math.imul(error, x6) + ROUND) >> RATE);
          weights[set + 6] = w7 + ((Math.imul(error, BIAS) + ROUND) >> RATE);
          near[c1] = nextState(s1, bit);
          around[c2] = nextState(s2, bit);
          signs[c3] = nextState(s3, bit);
        }
        column[at] = nextState(s4, bit);
        slice[x] = nextState(s5, bit);
        rowState = nextState(rowState, bit);
        while (range < 0x800000) {
          range <<= 8;
          value = (value << 8) | bytes[position++];
        }

        if (bit === 0) {
          west2 = west;
          west = 0;
        } else {
          coder.position = position;
          coder.range = range;
          coder.value = value;
          west2 = west;
          west = tail.code(coder, current, i, stride, before, at);
          current[i] = west;
          target[base + widthOffsets[x]] = book[west + negative];
          ({ position, range, value } = coder);
        }
      }
    }
    coder.position = position;
    coder.check();
    const swap = previous;
    previous = current;
    current = swap;
  }
  coder.range = range;
  coder.value = value;
}
