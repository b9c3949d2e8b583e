import {
  allocateLevels,
  DELTA,
  DENSITY,
  type LevelGrid,
  type LevelSink,
  lineStart,
  lineStride,
  makeState,
  rowSize,
} from './level-coding.js';
import { RANGE, squash, stretch } from './logistic.js';
import { MixedTail } from './mixed-tail.js';
import type { RangeDecoder } from './range-decoder.js';

/**
 * Decodes a tile of `ctx-mix`, see `codeMix` for the model: the same steps, with the range decoder's state in
 * local variables. Levels that are not 0 go to `sink`.
 */
export function decodeMix(coder: RangeDecoder, grid: LevelGrid, sink: LevelSink): void {
  // Constants of a module are read from memory, with a check: those of the inner loop are repeated here.
  const LIMIT = 2128; // RANGE
  const TO_ZERO = 128; // TARGET0
  const TO_ONE = 524159; // TARGET1
  const INPUTS = 7;
  const BIAS = 512;
  const WEIGHT = 13000;
  const ROUND = 262144;
  // Tables and states lie in one array, at these places: engines then keep its address and length in registers.
  const STRETCH = 0;
  const SQUASH = 4096;
  const BUCKET = 8353;
  const DELTAS = 12449;
  const NEAR = 13473;
  const AROUND = 13985;
  const SIGNS = 14129;
  const WEIGHTS = 14210;
  const COLUMN = 14245;
  // `| 0` here and below tells engines that these are 32-bit integers, which properties may not be.
  const rows = grid.rows | 0;
  const lines = grid.lines | 0;
  const width = grid.width | 0;
  const negative = grid.negative | 0;
  const tuning = grid.tuning | 0;
  const start = squash[RANGE + ((tuning & 255) - 128) * 16];
  const gain = 3 - ((tuning >> 8) & 3);
  const { target, book, rowOffsets, lineOffsets, widthOffsets } = sink;
  const m = new Int32Array(COLUMN + lines * width + width);
  m.set(stretch, STRETCH);
  m.set(squash, SQUASH);
  m.set(DENSITY, BUCKET);
  m.set(DELTA, DELTAS);
  m.fill(makeState(start, 2), NEAR, SIGNS + 81);
  m.fill(WEIGHT, WEIGHTS, COLUMN);
  m.fill(makeState(start, 8), COLUMN);
  const slice = COLUMN + lines * width;
  let quiet1 = WEIGHT;
  let quiet4 = WEIGHT;
  let quiet5 = WEIGHT;
  let quiet6 = WEIGHT;
  let quiet7 = WEIGHT;
  const tail = new MixedTail(grid);
  const stride = lineStride(grid) | 0;
  let current = allocateLevels(grid, rowSize(grid));
  let previous = allocateLevels(grid, rowSize(grid));
  const bytes = coder.bytes;
  let position = coder.position | 0;
  let range = coder.range | 0;
  let value = coder.value | 0;

  for (let r = 0; r < rows; r++) {
    m.fill(makeState(start, 8), slice);
    let rowState = makeState(start, 8);
    tail.startRow();
    current.fill(0);
    let at = 0;
    for (let line = 0; line < lines; line++) {
      let i = lineStart(grid, line) | 0;
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
        const d = northWest ? 1 : 0;
        const s4 = m[COLUMN + at];
        const s5 = m[slice + x];
        const x4 = m[STRETCH + (s4 >>> 20)];
        const x5 = m[STRETCH + (s5 >>> 20)];
        const x6 = m[STRETCH + (rowState >>> 20)];
        const count = 2 * (w + n) + e + d + (west2 ? 1 : 0) + (current[i - 2 * stride] ? 1 : 0);
        let bit = 1;
        let goal = TO_ONE;
        if (count + b === 0) {
          // Nothing near: most weights of a sparse tensor take this shorter way.
          const c1 = NEAR + (m[BUCKET + (s4 >>> 20)] << 5);
          const s1 = m[c1];
          const x1 = m[STRETCH + (s1 >>> 20)];
          let dot =
            (Math.imul(quiet1, x1) +
              Math.imul(quiet4, x4) +
              Math.imul(quiet5, x5) +
              Math.imul(quiet6, x6) +
              Math.imul(quiet7, BIAS)) >>
            16;
          if (dot > LIMIT) dot = LIMIT;
          else if (dot < -LIMIT) dot = -LIMIT;
          const p = m[SQUASH + LIMIT + dot];
          const bound = Math.imul(range >>> 15, p) >>> 1;
          let error = (65536 - p) << gain;
          if (value >= bound) {
            value -= bound;
            range -= bound;
            bit = 0;
            goal = TO_ZERO;
            error = -p << gain;
          } else {
            range = bound;
          }
          quiet1 = (quiet1 + ((Math.imul(error, x1) + ROUND) >> 19)) | 0;
          quiet4 = (quiet4 + ((Math.imul(error, x4) + ROUND) >> 19)) | 0;
          quiet5 = (quiet5 + ((Math.imul(error, x5) + ROUND) >> 19)) | 0;
          quiet6 = (quiet6 + ((Math.imul(error, x6) + ROUND) >> 19)) | 0;
          quiet7 = (quiet7 + ((Math.imul(error, BIAS) + ROUND) >> 19)) | 0;
          m[c1] =
            s1 +
            (Math.imul(goal - (s1 >>> 13), m[DELTAS + (s1 & 1023)]) & -1024) +
            (((s1 & 1023) - 1022) >>> 31);
        } else {
          const c1 = NEAR + ((m[BUCKET + (s4 >>> 20)] << 5) | w | (n << 1) | (b << 2) | (e << 3) | (d << 4));
          const c2 = AROUND + (count << 4) + m[BUCKET + (rowState >>> 20)];
          const c3 =
            (w ? (west >> 31) | 1 : 0) * 27 +
            (n ? (north >> 31) | 1 : 0) * 9 +
            (b ? (before >> 31) | 1 : 0) * 3 +
            (e ? (northEast >> 31) | 1 : 0) +
            SIGNS +
            40;
          const s1 = m[c1];
          const s2 = m[c2];
          const s3 = m[c3];
          const x1 = m[STRETCH + (s1 >>> 20)];
          const x2 = m[STRETCH + (s2 >>> 20)];
          const x3 = m[STRETCH + (s3 >>> 20)];
          const set = WEIGHTS + (w + n + b + e) * INPUTS;
          const w1 = m[set];
          const w2 = m[set + 1];
          const w3 = m[set + 2];
          const w4 = m[set + 3];
          const w5 = m[set + 4];
          const w6 = m[set + 5];
          const w7 = m[set + 6];
          let dot =
            (Math.imul(w1, x1) +
              Math.imul(w2, x2) +
              Math.imul(w3, x3) +
              Math.imul(w4, x4) +
              Math.imul(w5, x5) +
              Math.imul(w6, x6) +
              Math.imul(w7, BIAS)) >>
            16;
          if (dot > LIMIT) dot = LIMIT;
          else if (dot < -LIMIT) dot = -LIMIT;
          const p = m[SQUASH + LIMIT + dot];
          const bound = Math.imul(range >>> 15, p) >>> 1;
          let error = (65536 - p) << gain;
          if (value >= bound) {
            value -= bound;
            range -= bound;
            bit = 0;
            goal = TO_ZERO;
            error = -p << gain;
          } else {
            range = bound;
          }
          m[set] = w1 + ((Math.imul(error, x1) + ROUND) >> 19);
          m[set + 1] = w2 + ((Math.imul(error, x2) + ROUND) >> 19);
          m[set + 2] = w3 + ((Math.imul(error, x3) + ROUND) >> 19);
          m[set + 3] = w4 + ((Math.imul(error, x4) + ROUND) >> 19);
          m[set + 4] = w5 + ((Math.imul(error, x5) + ROUND) >> 19);
          m[set + 5] = w6 + ((Math.imul(error, x6) + ROUND) >> 19);
          m[set + 6] = w7 + ((Math.imul(error, BIAS) + ROUND) >> 19);
          m[c1] =
            s1 +
            (Math.imul(goal - (s1 >>> 13), m[DELTAS + (s1 & 1023)]) & -1024) +
            (((s1 & 1023) - 1022) >>> 31);
          m[c2] =
            s2 +
            (Math.imul(goal - (s2 >>> 13), m[DELTAS + (s2 & 1023)]) & -1024) +
            (((s2 & 1023) - 1022) >>> 31);
          m[c3] =
            s3 +
            (Math.imul(goal - (s3 >>> 13), m[DELTAS + (s3 & 1023)]) & -1024) +
            (((s3 & 1023) - 1022) >>> 31);
        }
        m[COLUMN + at] =
          s4 +
          (Math.imul(goal - (s4 >>> 13), m[DELTAS + (s4 & 1023)]) & -1024) +
          (((s4 & 1023) - 1022) >>> 31);
        m[slice + x] =
          s5 +
          (Math.imul(goal - (s5 >>> 13), m[DELTAS + (s5 & 1023)]) & -1024) +
          (((s5 & 1023) - 1022) >>> 31);
        rowState =
          (rowState +
            (Math.imul(goal - (rowState >>> 13), m[DELTAS + (rowState & 1023)]) & -1024) +
            (((rowState & 1023) - 1022) >>> 31)) |
          0;
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
          west = tail.code(coder, current, i, stride, before, at) | 0;
          current[i] = west;
          target[base + widthOffsets[x]] = book[west + negative];
          position = coder.position | 0;
          range = coder.range | 0;
          value = coder.value | 0;
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
