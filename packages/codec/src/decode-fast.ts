import { broken } from './errors.js';
import {
  allocateLevels,
  DELTA,
  DENSITY,
  type LevelGrid,
  type LevelSink,
  lineStart,
  lineStride,
  MAX_PREFIX,
  makeState,
  rowSize,
  UNARY,
} from './level-coding.js';
import { RANGE, squash } from './logistic.js';
import { codeRest } from './magnitudes.js';
import type { RangeDecoder } from './range-decoder.js';

/**
 * Decodes a tile of `ctx-fast`, see `codeFast` for the model: the same steps, with the range decoder's state
 * in local variables, and with neighbours carried along instead of read again. Levels that are not 0 go to `sink`.
 */
export function decodeFast(coder: RangeDecoder, grid: LevelGrid, sink: LevelSink): void {
  // Constants of a module are read from memory, with a check: those of the inner loop are repeated here.
  const TO_ZERO = 128; // TARGET0
  const TO_ONE = 524159; // TARGET1
  const FLAGS = 14; // UNARY
  // `| 0` here and below tells engines that these are 32-bit integers, which properties may not be.
  const rows = grid.rows | 0;
  const lines = grid.lines | 0;
  const width = grid.width | 0;
  const negative = grid.negative | 0;
  const positive = grid.positive | 0;
  const tuning = grid.tuning | 0;
  const start = squash[RANGE + ((tuning & 255) - 128) * 16];
  const near = new Int32Array(512).fill(makeState(start, 2));
  const signs = new Int32Array(27).fill(makeState(32768, 0));
  const larger = new Int32Array(UNARY + 1).fill(makeState(32768, 0));
  const rest = new Int32Array(MAX_PREFIX + 1).fill(makeState(32768, 0));
  const seen = new Uint16Array(rowSize(grid));
  for (let line = 0; line < lines; line++)
    seen.fill(start & -2, lineStart(grid, line), lineStart(grid, line) + width);
  const { target, book, rowOffsets, lineOffsets, widthOffsets } = sink;
  const delta = DELTA;
  const buckets = DENSITY;
  const stride = lineStride(grid) | 0;
  let current = allocateLevels(grid, rowSize(grid));
  let previous = allocateLevels(grid, rowSize(grid));
  const bytes = coder.bytes;
  let position = coder.position | 0;
  let range = coder.range | 0;
  let value = coder.value | 0;

  for (let r = 0; r < rows; r++) {
    current.fill(0);
    for (let line = 0; line < lines; line++) {
      const first = lineStart(grid, line) | 0;
      const stop = first + width;
      const base = rowOffsets[r] + lineOffsets[line];
      let west = 0;
      let north = 0;
      let northEast = seen[first - stride] & 1;
      for (let i = first; i < stop; i++) {
        const northWest = north;
        north = northEast;
        northEast = seen[i - stride + 1] & 1;
        const d = seen[i];
        const context =
          (buckets[d >> 4] << 5) |
          (west ? 1 : 0) |
          (north << 1) |
          ((d & 1) << 2) |
          (northEast << 3) |
          (northWest << 4);
        const state = near[context];
        const count = state & 1023;
        let bound = Math.imul(range >>> 15, state >>> 16) >>> 1;
        if (value >= bound) {
          value -= bound;
          range -= bound;
          near[context] =
            state + (Math.imul(TO_ZERO - (state >>> 13), delta[count]) & -1024) + (count < 1022 ? 1 : 0);
          seen[i] = (d - (d >> 6)) & -2;
          west = 0;
          while (range < 0x800000) {
            range <<= 8;
            value = (value << 8) | bytes[position++];
          }
          continue;
        }
        range = bound;
        near[context] =
          state + (Math.imul(TO_ONE - (state >>> 13), delta[count]) & -1024) + (count < 1022 ? 1 : 0);
        seen[i] = (d + ((65535 - d) >> 6)) | 1;
        while (range < 0x800000) {
          range <<= 8;
          value = (value << 8) | bytes[position++];
        }
        let minus = positive === 0 ? 1 : 0;
        if (positive !== 0 && negative !== 0) {
          const above = current[i - stride];
          const before = previous[i];
          const c =
            (west ? (west >> 31) | 1 : 0) * 9 +
            (above ? (above >> 31) | 1 : 0) * 3 +
            (before ? (before >> 31) | 1 : 0) +
            13;
          const s = signs[c];
          const n = s & 1023;
          bound = Math.imul(range >>> 15, s >>> 16) >>> 1;
          if (value >= bound) {
            value -= bound;
            range -= bound;
            signs[c] = s + (Math.imul(TO_ZERO - (s >>> 13), delta[n]) & -1024) + (n < 1022 ? 1 : 0);
          } else {
            range = bound;
            minus = 1;
            signs[c] = s + (Math.imul(TO_ONE - (s >>> 13), delta[n]) & -1024) + (n < 1022 ? 1 : 0);
          }
          while (range < 0x800000) {
            range <<= 8;
            value = (value << 8) | bytes[position++];
          }
        }
        const top = minus ? negative : positive;
        const flags = top <= FLAGS ? top : FLAGS + 1;
        let k = 1;
        while (k < flags) {
          const s = larger[k];
          const n = s & 1023;
          bound = Math.imul(range >>> 15, s >>> 16) >>> 1;
          if (value >= bound) {
            value -= bound;
            range -= bound;
            larger[k] = s + (Math.imul(TO_ZERO - (s >>> 13), delta[n]) & -1024) + (n < 1022 ? 1 : 0);
            while (range < 0x800000) {
              range <<= 8;
              value = (value << 8) | bytes[position++];
            }
            break;
          }
          range = bound;
          larger[k] = s + (Math.imul(TO_ONE - (s >>> 13), delta[n]) & -1024) + (n < 1022 ? 1 : 0);
          while (range < 0x800000) {
            range <<= 8;
            value = (value << 8) | bytes[position++];
          }
          k++;
        }
        if (k > FLAGS && top > FLAGS + 1) {
          coder.position = position;
          coder.range = range;
          coder.value = value;
          k = (FLAGS + codeRest(coder, rest, 0, 0)) | 0;
          position = coder.position | 0;
          range = coder.range | 0;
          value = coder.value | 0;
          if (k > top) broken(55); // a level is too large
        }
        west = minus ? -k : k;
        current[i] = west;
        target[base + widthOffsets[i - first]] = book[west + negative];
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
