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
  // Tables and states lie in one array, at these places: engines then keep its address and length in registers.
  const DELTAS = 4096;
  const NEAR = 5120;
  const SIGNS = 5632;
  const LARGER = 5659;
  const m = new Int32Array(5674);
  m.set(DENSITY);
  m.set(DELTA, DELTAS);
  m.fill(makeState(start, 2), NEAR, SIGNS);
  m.fill(makeState(32768, 0), SIGNS);
  const rest = new Int32Array(MAX_PREFIX + 1).fill(makeState(32768, 0));
  const seen = new Uint16Array(rowSize(grid));
  for (let line = 0; line < lines; line++)
    seen.fill(start & -2, lineStart(grid, line), lineStart(grid, line) + width);
  const { target, book, rowOffsets, lineOffsets, widthOffsets } = sink;
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
          NEAR +
          ((m[d >> 4] << 5) |
            (west ? 1 : 0) |
            (north << 1) |
            ((d & 1) << 2) |
            (northEast << 3) |
            (northWest << 4));
        const state = m[context];
        const count = state & 1023;
        let bound = Math.imul(range >>> 15, state >>> 16) >>> 1;
        if (value >= bound) {
          value -= bound;
          range -= bound;
          m[context] =
            state +
            (Math.imul(TO_ZERO - (state >>> 13), m[DELTAS + count]) & -1024) +
            ((count - 1022) >>> 31);
          seen[i] = (d - (d >> 6)) & -2;
          west = 0;
          while (range < 0x800000) {
            range <<= 8;
            value = (value << 8) | bytes[position++];
          }
          continue;
        }
        range = bound;
        m[context] =
          state + (Math.imul(TO_ONE - (state >>> 13), m[DELTAS + count]) & -1024) + ((count - 1022) >>> 31);
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
            13 +
            SIGNS;
          const s = m[c];
          const n = s & 1023;
          bound = Math.imul(range >>> 15, s >>> 16) >>> 1;
          if (value >= bound) {
            value -= bound;
            range -= bound;
            m[c] = s + (Math.imul(TO_ZERO - (s >>> 13), m[DELTAS + n]) & -1024) + ((n - 1022) >>> 31);
          } else {
            range = bound;
            minus = 1;
            m[c] = s + (Math.imul(TO_ONE - (s >>> 13), m[DELTAS + n]) & -1024) + ((n - 1022) >>> 31);
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
          const s = m[LARGER + k];
          const n = s & 1023;
          bound = Math.imul(range >>> 15, s >>> 16) >>> 1;
          if (value >= bound) {
            value -= bound;
            range -= bound;
            m[LARGER + k] =
              s + (Math.imul(TO_ZERO - (s >>> 13), m[DELTAS + n]) & -1024) + ((n - 1022) >>> 31);
            while (range < 0x800000) {
              range <<= 8;
              value = (value << 8) | bytes[position++];
            }
            break;
          }
          range = bound;
          m[LARGER + k] = s + (Math.imul(TO_ONE - (s >>> 13), m[DELTAS + n]) & -1024) + ((n - 1022) >>> 31);
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
